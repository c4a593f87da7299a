"""What may be loaded as ``embeddings/1``: a linear model over a base's vectors (spec §13.6.2)."""

from lyrikstore.train.formats.adapter import CLASSIFIER, CLASSIFIER_CONFIG
from lyrikstore.verify.evaluation.choice import candidates

FORMAT = "embeddings/1"
JSON_FILES = (CLASSIFIER_CONFIG,)
WEIGHT_FILES = (CLASSIFIER,)
FILES = frozenset((*JSON_FILES, *WEIGHT_FILES))

STRENGTHS = tuple(map(float, candidates.STRENGTHS["embeddings"]))
"""C of the logistic regression, of which the folds choose one; ascending."""

STRENGTH = 10.0
"""C where no folds choose one: set beforehand, tuned on nobody's test set."""
