"""The format ``encoder/1``: the trained weights of a base, and a classifier (spec §13.6.3)."""

from lyrikstore.train.formats.adapter import CLASSIFIER, CLASSIFIER_CONFIG

FORMAT = "encoder/1"
ENCODER = "encoder.safetensors"
JSON_FILES = (CLASSIFIER_CONFIG,)
WEIGHT_FILES = (CLASSIFIER, ENCODER)
FILES = frozenset((*JSON_FILES, *WEIGHT_FILES))
