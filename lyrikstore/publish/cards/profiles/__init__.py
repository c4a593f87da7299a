"""Profiles of cards: what a regulator or a reader asks, as data files (spec §14.4.4)."""
