"""Words and pairs of words of a text, as numbers (spec §13.6.1)."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

_WORD = re.compile(r"\w\w+")


class TermCounts:
    """Turns texts into rows of TF-IDF; scikit-learn, which fits them, takes a second to load.

    Args:
        names: The terms, in the order of their columns: words, and pairs joined by a space.
        idf: Of each term.

    Raises:
        ValueError: There is no term, or one is there twice.
    """

    def __init__(self, names: Sequence[str], idf: NDArray[np.float64]) -> None:
        self.names, self.idf = list(names), idf
        self._places = {name: at for at, name in enumerate(self.names)}
        self._words: frozenset[str] = frozenset()
        if not self.names or len(self._places) != len(self.names):
            raise ValueError("its vocabulary is empty, or has a term twice")

    def matrix(self, texts: Sequence[str]) -> Any:
        """Return the values of some texts: sparse, texts × terms, rows of length 1 or of zeros."""
        values, columns, ends = [], [], [0]
        for text in texts:
            words = words_of(text)
            terms = [*words, *map(" ".join, pairwise(words))]
            found = Counter(self._places[term] for term in terms if term in self._places)
            columns += sorted(found)
            values += [found[at] for at in sorted(found)]
            ends.append(len(columns))
        places = np.asarray(columns, np.int32)
        data = (np.log(np.asarray(values, np.float64)) + 1.0) * self.idf[places]
        shape = (len(texts), len(self.names))
        return unit_sparse_rows(sparse.csr_matrix((data, places, ends), shape))

    def unknown_shares(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the share of the words of each text that are in no term; 1 of a text without."""
        self._words = self._words or frozenset(word for one in self.names for word in one.split())
        found = []
        for text in texts:
            words = words_of(text)
            unknown = sum(word not in self._words for word in words)
            found.append(unknown / len(words) if words else 1.0)
        return np.asarray(found, np.float64)


def words_of(text: str) -> list[str]:
    """Return what is counted: in lower case, two or more letters, digits or underscores each."""
    return _WORD.findall(text.lower())


def unit_sparse_rows(matrix: Any) -> Any:
    """Return a sparse matrix with rows of length 1; those of zeros stay."""
    found = sparse.csr_matrix(matrix, copy=True)
    for start, end in pairwise(found.indptr):
        row = found.data[start:end]
        # One by one, as scikit-learn adds when it fits: pairwise sums differ in the last bit.
        length = np.sqrt(np.add.accumulate(row * row)[-1]) if end > start else 0.0
        if length:
            row /= length
    return found
