"""Blobs by digest on top of packs and transaction records (spec/04-objects.md)."""
