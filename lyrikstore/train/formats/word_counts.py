"""What may be loaded as ``tfidf/1``: settings, vocabulary and weights (spec §13.6.1)."""

from collections.abc import Mapping
from typing import Any

FORMAT = "tfidf/1"
SETTINGS, VOCABULARY, WEIGHTS = "classifier.json", "vocabulary.json", "model.safetensors"
FIELDS = "fields"
JSON_FILES = (SETTINGS, VOCABULARY)
WEIGHT_FILES = (WEIGHTS,)
FILES = frozenset((*JSON_FILES, *WEIGHT_FILES))
MAX_TERMS = 5_000_000
"""Most words and pairs of words."""

MAX_VOCABULARY_BYTES = 256 << 20

Columns = list[Mapping[str, Any]]
