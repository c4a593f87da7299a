"""What a user of scikit-learn does in ten lines, on the same records: the peers of `train`."""

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from planning import MODEL
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import FeatureUnion

Row = dict[str, str]

WORDS, VECTORS = "words + characters", "MiniLM + logistic regression"
C, C_OF_MANY, MANY = (0.3, 1.0, 3.0, 10.0, 30.0), (3.0, 10.0, 30.0), 2000
"""What is tried, of more records than so many fewer and less exactly: it takes minutes."""
FOLDS = 5
TOKENS = 128


def answer(way: str, learned: Sequence[Row], asked: Sequence[Row], seed: int) -> float:
    """Return the macro-F1 of one way, C chosen by five-fold cross-validation.

    Args:
        way: :data:`WORDS` or :data:`VECTORS`.
        learned: Training and validation records together.
        asked: Those of the test part.
        seed: Of the folds.
    """
    texts, labels = [row["text"] for row in learned], [row["label"] for row in learned]
    tested, right = [row["text"] for row in asked], [row["label"] for row in asked]
    if way == VECTORS:
        known, new = embedded(texts), embedded(tested)
    else:
        features = FeatureUnion(
            [
                ("words", TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)),
                (
                    "characters",
                    TfidfVectorizer(
                        analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True
                    ),
                ),
            ]
        )
        # Once over all, and not in each fold anew, as of many rows that alone takes minutes.
        known, new = features.fit_transform(texts), features.transform(tested)
    many = len(learned) > MANY
    regression = LogisticRegression(
        max_iter=100 if many else 1000, tol=1e-3 if many else 1e-4, class_weight="balanced"
    )
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    grid = {"C": C_OF_MANY if many else C}
    search = GridSearchCV(regression, grid, scoring="f1_macro", cv=folds)
    search.fit(known, labels)
    found = search.predict(new)
    return float(f1_score(right, found, average="macro", zero_division=0))


_KNOWN: dict[str, NDArray[np.float32]] = {}


def embedded(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return a vector of length 1 for each text; each text is read once a sweep."""
    new = sorted({one for one in texts if one not in _KNOWN}, key=len)
    tokenizer, model = _minilm()
    import torch

    with torch.inference_mode():
        for start in range(0, len(new), 64):
            some = new[start : start + 64]
            given = tokenizer(
                some, padding=True, truncation=True, max_length=TOKENS, return_tensors="pt"
            )
            hidden = model(**given).last_hidden_state
            mask = given["attention_mask"].unsqueeze(-1)
            mean = (hidden * mask).sum(1) / mask.sum(1)
            rows = torch.nn.functional.normalize(mean).numpy()
            _KNOWN.update(zip(some, rows, strict=True))
    return np.stack([_KNOWN[one] for one in texts])


@cache
def _minilm() -> tuple[Any, Any]:
    import torch
    from transformers import AutoModel, AutoTokenizer

    torch.set_num_threads(1)
    found = find_spec(MODEL)
    folder = Path(next(iter(found.submodule_search_locations or ()))) / "model" if found else MODEL
    return AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
