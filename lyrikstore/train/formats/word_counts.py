"""What may be loaded as word counts: settings, vocabulary and weights (spec §13.6.1)."""

from collections.abc import Mapping
from typing import Any

from lyrikstore.verify.evaluation.choice import candidates

FORMAT = "tfidf/2"
"""Words, pairs of words, and runs of characters."""

FIRST = "tfidf/1"
"""Words and pairs of words alone: what runs of 0.1.0 gave."""

KNOWN = (FORMAT, FIRST)
SETTINGS, VOCABULARY, WEIGHTS = "classifier.json", "vocabulary.json", "model.safetensors"
CHARACTERS = "characters.json"
FIELDS = "fields"
LISTS = frozenset({VOCABULARY, CHARACTERS})
"""Files that are a list of texts."""

FIRST_JSON_FILES = (SETTINGS, VOCABULARY)
JSON_FILES = (*FIRST_JSON_FILES, CHARACTERS)
WEIGHT_FILES = (WEIGHTS,)
MAX_TERMS = 5_000_000
"""Most words and pairs of words."""

STRENGTHS = tuple(map(float, candidates.STRENGTHS["tfidf"]))
"""C of the logistic regression, of which the folds choose one; ascending."""

STRENGTH = 4.0
"""C where no folds choose one: set beforehand, tuned on nobody's test set."""

FIRST_STRENGTH = 20.0
"""C of ``tfidf/1``."""

SHORTEST_RUN, LONGEST_RUN = 2, 5
MAX_RUNS = 100_000
"""Most runs of characters."""

MAX_VOCABULARY_BYTES, MAX_CHARACTERS_BYTES = 256 << 20, 8 << 20

Columns = list[Mapping[str, Any]]
