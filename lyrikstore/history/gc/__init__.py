"""Garbage collection: reachable blobs, retention of versions, purging (spec/16-gc.md)."""
