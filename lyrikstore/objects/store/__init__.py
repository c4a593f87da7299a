"""Blobs by digest, stored in packs that transaction records list (spec/04-objects.md)."""
