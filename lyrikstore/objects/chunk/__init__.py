"""Content-defined chunks of large blobs (spec §4.3)."""
