"""Appending to a store: transactions, admission of manifests, new log checkpoints (spec §7.6)."""
