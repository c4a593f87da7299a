"""Appending to a store: transactions, admission of manifests, log checkpoints (spec §7.6)."""
