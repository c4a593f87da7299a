"""JSON Schemas that a foreign credential names for itself (spec §17.7)."""
