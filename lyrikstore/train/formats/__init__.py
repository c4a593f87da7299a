"""Base models and adapters: which files and keys are read of them, and written."""
