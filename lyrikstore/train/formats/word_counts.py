"""The formats of word counts: settings, vocabulary and weights (spec §13.6.1)."""

from collections.abc import Mapping
from typing import Any

from lyrikstore.verify.evaluation.choice import candidates

FORMAT = "tfidf/2"
"""Format with words, pairs of words, and runs of characters."""

FIRST = "tfidf/1"
"""Format with words and pairs of words alone, of version 0.1.0."""

KNOWN = (FORMAT, FIRST)
SETTINGS, VOCABULARY, WEIGHTS = "classifier.json", "vocabulary.json", "model.safetensors"
CHARACTERS = "characters.json"
FIELDS = "fields"
LISTS = frozenset({VOCABULARY, CHARACTERS})
"""Files that contain a list of texts."""

FIRST_JSON_FILES = (SETTINGS, VOCABULARY)
JSON_FILES = (*FIRST_JSON_FILES, CHARACTERS)
WEIGHT_FILES = (WEIGHTS,)
MAX_TERMS = 5_000_000
"""Most words and pairs of words."""

STRENGTHS = tuple(map(float, candidates.STRENGTHS["tfidf"]))
"""Values of C of the logistic regression, of which cross-validation chooses one; ascending."""

STRENGTH = 4.0
"""C without cross-validation: a fixed value, which was tuned on no test set."""

FIRST_STRENGTH = 20.0
"""C of ``tfidf/1``."""

SHORTEST_RUN, LONGEST_RUN = 2, 5
MAX_RUNS = 100_000
"""Most runs of characters."""

MAX_VOCABULARY_BYTES, MAX_CHARACTERS_BYTES = 256 << 20, 8 << 20

Columns = list[Mapping[str, Any]]
