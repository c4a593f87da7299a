"""GGUF files: read strictly, and converted to what is loaded as a base model (spec §13.12.1)."""
