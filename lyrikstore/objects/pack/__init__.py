"""Packs: immutable containers of compressed chunks (spec §4.4)."""
