"""Count of words that are not in the training data (spec §13.9.11)."""

import re
from collections import Counter
from collections.abc import Iterable

_WORD = re.compile(r"\w\w+")  # as ``tfidf/1`` counts them


def count_unseen(texts: Iterable[Iterable[str]], training: Iterable[str]) -> list[tuple[int, int]]:
    """Return, for each set of texts, the number of words not in training data, and of all words.

    Args:
        texts: Sets of texts.
        training: The training texts; read once, one at a time.

    Cost: memory for the different words of ``texts`` only.
    """
    counts = [Counter(word for text in some for word in _words(text)) for some in texts]
    unseen = set[str]().union(*counts)
    for text in training:
        unseen.difference_update(_words(text))
    return [
        (sum(count for word, count in one.items() if word in unseen), one.total()) for one in counts
    ]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
