"""Policies: which keys may sign what in a store, and how policies change (spec §8.3)."""
