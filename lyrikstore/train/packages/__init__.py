"""Base models that installed Python packages bring (spec §13.12.1)."""
