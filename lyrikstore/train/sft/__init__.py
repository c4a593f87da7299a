"""Prompts of generative models: rendered where nothing can be reached, and copied (spec §13.12)."""
