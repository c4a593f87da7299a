"""Prompts of models that write: rendered where nothing can be reached, and copied (spec §13.12)."""
