"""What may be loaded as ``blend/1``: settings, and two models of other formats (spec §13.6.4)."""

FORMAT = "blend/1"
SETTINGS = "blend.json"
WORDS, OTHER = "words", "other"
"""Folders of the two models."""
