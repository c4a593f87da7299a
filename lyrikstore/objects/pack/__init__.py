"""Packs: immutable files that contain many compressed blobs (spec §4.4)."""
