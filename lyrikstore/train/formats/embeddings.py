"""What may be loaded as ``embeddings/1``: a linear model over a base's vectors (spec §13.6.2)."""

from lyrikstore.train.formats.adapter import CLASSIFIER, CLASSIFIER_CONFIG

FORMAT = "embeddings/1"
JSON_FILES = (CLASSIFIER_CONFIG,)
WEIGHT_FILES = (CLASSIFIER,)
FILES = frozenset((*JSON_FILES, *WEIGHT_FILES))
