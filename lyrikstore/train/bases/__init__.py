"""Base models: imported, or trained here before (spec §13.15.1)."""
