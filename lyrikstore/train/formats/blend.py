"""The format ``blend/1``: settings, and two models of other formats (spec §13.6.4)."""

from lyrikstore.train.formats import word_counts

FORMAT = "blend/1"
WITH_WORDS = frozenset({*word_counts.KNOWN, FORMAT})
"""Formats of models that contain words of their training data."""

SETTINGS = "blend.json"
WORDS, OTHER = "words", "other"
"""Folders of the two models."""
