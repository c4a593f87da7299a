"""Removing packs that no transaction record names (spec/16-gc.md)."""
