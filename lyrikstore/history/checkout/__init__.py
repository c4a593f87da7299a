"""Check-out: writing a version to a folder, in parallel, never outside that folder."""
