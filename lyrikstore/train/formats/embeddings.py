"""The format ``embeddings/1``: a linear model over a base's vectors (spec §13.6.2)."""

from lyrikstore.train.formats.adapter import CLASSIFIER, CLASSIFIER_CONFIG
from lyrikstore.verify.evaluation.choice import candidates

FORMAT = "embeddings/1"
JSON_FILES = (CLASSIFIER_CONFIG,)
WEIGHT_FILES = (CLASSIFIER,)
FILES = frozenset((*JSON_FILES, *WEIGHT_FILES))

STRENGTHS = tuple(map(float, candidates.STRENGTHS["embeddings"]))
"""Values of C of the logistic regression, of which cross-validation chooses one; ascending."""

STRENGTH = 10.0
"""C without cross-validation: a fixed value, which was tuned on no test set."""
