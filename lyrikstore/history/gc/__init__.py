"""Garbage collection: what is reachable, what retention lets go (spec/16-gc.md)."""
