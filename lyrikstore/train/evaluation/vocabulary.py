"""Words that training never saw (spec §13.9.11)."""

import re
from collections import Counter
from collections.abc import Iterable

_WORD = re.compile(r"\w\w+")  # as ``tfidf/1`` counts them


def count_unseen(texts: Iterable[Iterable[str]], training: Iterable[str]) -> list[tuple[int, int]]:
    """Return, of several sets of texts, how many words training never saw, and how many there are.

    Args:
        texts: Sets of texts.
        training: The texts that were learnt from; read once, one at a time.

    Cost: memory for the different words of ``texts``, and none for training.
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
