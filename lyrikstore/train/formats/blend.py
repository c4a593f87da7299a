"""What may be loaded as ``blend/1``: settings, and two models of other formats (spec §13.6.4)."""

FORMAT = "blend/1"
SETTINGS = "blend.json"
WORDS, OTHER = "words", "other"
"""Folders of the two models."""

WEIGHTS = tuple(f"0.{tenths}" for tenths in range(1, 10))
"""Weights of the other model; with none or all it were no blend."""
