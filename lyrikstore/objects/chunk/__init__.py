"""Content-defined chunking of large blobs (spec §4.3)."""
