"""TF-IDF of words, pairs of words and runs of characters (spec §13.6.1)."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lyrikstore.train.formats.word_counts import LONGEST_RUN, MAX_RUNS, SHORTEST_RUN

_WORD = re.compile(r"\w\w+")

_REMEMBERED = 1 << 17
"""Most different words whose runs are cached."""

_NOWHERE = -1


class TermCounts:
    """Computes TF-IDF rows of texts without scikit-learn, which takes a second to import.

    Args:
        names: The terms, in the order of their columns: words, and pairs joined by a space.
        idf: The inverse document frequency of each term.

    Raises:
        ValueError: There is no term, or one occurs twice.
    """

    def __init__(self, names: Sequence[str], idf: NDArray[np.float64]) -> None:
        self.names, self.idf = list(names), idf
        self._places = {name: at for at, name in enumerate(self.names)}
        self._words: frozenset[str] = frozenset()
        if not self.names or len(self._places) != len(self.names):
            raise ValueError("its vocabulary is empty, or has a term twice")

    def matrix(self, texts: Sequence[str]) -> Any:
        """Return the TF-IDF of some texts: sparse, texts × terms, rows of length 1 or of zeros."""
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
        """Return the share of each text's words that are in no term; 1 for a text without words."""
        self._words = self._words or frozenset(word for one in self.names for word in one.split())
        found = []
        for text in texts:
            words = words_of(text)
            unknown = sum(word not in self._words for word in words)
            found.append(unknown / len(words) if words else 1.0)
        return np.asarray(found, np.float64)


class RunCounts:
    """Computes TF-IDF rows of the runs of characters in the words of texts.

    Args:
        names: The runs, in the order of their columns.
        idf: The inverse document frequency of each run.

    Raises:
        ValueError: A run occurs twice.
    """

    def __init__(self, names: Sequence[str], idf: NDArray[np.float64]) -> None:
        self.names, self.idf = list(names), idf
        self._places = {name: at for at, name in enumerate(self.names)}
        self._of_word: dict[str, NDArray[np.int32]] = {}
        if len(self._places) != len(self.names):
            raise ValueError("its characters have a run twice")

    @classmethod
    def fit(cls, texts: Sequence[str]) -> tuple[Self, Any]:
        """Return the most frequent runs that occur in two texts or more, and their TF-IDF.

        Args:
            texts: The texts to fit on.
        """
        places: dict[str, int] = {}
        of_word: dict[str, NDArray[np.int32]] = {}

        def places_of(word: str) -> NDArray[np.int32]:
            if word not in of_word:
                runs = (places.setdefault(run, len(places)) for run in runs_of(word))
                of_word[word] = np.fromiter(runs, np.int32)
            return of_word[word]

        counts = _counted([[places_of(word) for word in split(text)] for text in texts], None)
        records = np.bincount(counts.indices, minlength=len(places))
        names = list(places)
        kept = np.flatnonzero(records >= 2).tolist()
        kept = sorted(kept, key=lambda at: (-records[at], names[at]))[:MAX_RUNS]
        kept.sort(key=lambda at: names[at])
        idf = np.log((1 + len(texts)) / (1 + records[kept])) + 1
        found = cls([names[at] for at in kept], idf.astype(np.float32).astype(np.float64))
        return found, found._values(counts[:, kept])

    def matrix(self, texts: Sequence[str]) -> Any:
        """Return the TF-IDF of some texts: sparse, texts × runs, rows of length 1 or of zeros."""
        places = [[self._places_of(word) for word in split(text)] for text in texts]
        return self._values(_counted(places, len(self.names)))

    def _values(self, counts: Any) -> Any:
        counts.sort_indices()
        data = (np.log(counts.data.astype(np.float64)) + 1.0) * self.idf[counts.indices]
        return unit_sparse_rows(
            sparse.csr_matrix((data, counts.indices, counts.indptr), counts.shape)
        )

    def _places_of(self, word: str) -> NDArray[np.int32]:
        found = self._of_word.get(word)
        if found is None:
            known = (self._places.get(run, _NOWHERE) for run in runs_of(word))
            found = np.fromiter((at for at in known if at != _NOWHERE), np.int32)
            if len(self._of_word) < _REMEMBERED:
                self._of_word[word] = found
        return found


def _counted(places: Sequence[Sequence[NDArray[np.int32]]], columns: int | None) -> Any:
    """Return the count of each column in each text, sparse; ``columns`` None: all that occur."""
    ends = np.cumsum([0, *(sum(map(len, words)) for words in places)])
    every = [one for words in places for one in words]
    found = np.concatenate(every) if every else np.zeros(0, np.int32)
    if columns is None:
        columns = int(found.max(initial=_NOWHERE)) + 1
    counts = sparse.csr_matrix(
        (np.ones(len(found), np.float32), found, ends), (len(places), columns)
    )
    counts.sum_duplicates()
    return counts


def split(text: str) -> list[str]:
    """Return the lower-case parts of a text between white space, whose runs are counted."""
    return text.lower().split()


def runs_of(word: str) -> Iterable[str]:
    """Yield the runs of characters of a word between two blanks."""
    padded = f" {word} "
    for length in range(SHORTEST_RUN, min(LONGEST_RUN, len(padded)) + 1):
        for start in range(len(padded) - length + 1):
            yield padded[start : start + length]


def words_of(text: str) -> list[str]:
    """Return the lower-case words of a text: two or more letters, digits or underscores each."""
    return _WORD.findall(text.lower())


def unit_sparse_rows(matrix: Any) -> Any:
    """Return a sparse matrix with rows scaled to length 1; rows of zeros stay."""
    found = sparse.csr_matrix(matrix, copy=True)
    for start, end in pairwise(found.indptr):
        row = found.data[start:end]
        # One by one, as scikit-learn adds when it fits: pairwise sums differ in the last bit.
        length = np.sqrt(np.add.accumulate(row * row)[-1]) if end > start else 0.0
        if length:
            row /= length
    return found
