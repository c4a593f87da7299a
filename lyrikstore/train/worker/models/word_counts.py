"""``tfidf/2``: a linear model over TF-IDF of words, pairs and character runs, and over fields.

``tfidf/1``, without character runs, gives the same answers as before. Numbers and vocabulary are
JSON and safetensors; nothing is pickled. scikit-learn is imported to fit a model, and not to
predict.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save_file
from scipy import sparse

from lyrikstore.train.formats.word_counts import (
    CHARACTERS,
    FIELDS,
    FIRST,
    FIRST_STRENGTH,
    FORMAT,
    MAX_RUNS,
    MAX_TERMS,
    SETTINGS,
    VOCABULARY,
    WEIGHTS,
)
from lyrikstore.train.worker.examples import Example, targets
from lyrikstore.train.worker.hashed_read import ReadsFiles
from lyrikstore.train.worker.models.linear import fit_linear
from lyrikstore.train.worker.models.model import Logits, Part, Summands, check_finite, described
from lyrikstore.train.worker.models.terms import RunCounts, TermCounts, unit_sparse_rows, words_of
from lyrikstore.train.worker.models.unlike import ClassDistances, Values

MAX_CATEGORIES = 200
"""Most values of a category field; rarer values share one column."""


class WordCounts:
    """A linear model over word counts.

    Args:
        task: Name of the task.
        labels: Labels in the order of the rows of weights.
        terms: The TF-IDF of words.
        runs: The TF-IDF of runs of characters; None: the model is ``tfidf/1``.
        fields: The conversion of further fields to numbers.
        weight: Labels × features.
        bias: The bias of each label.
        rare: Whether it uses terms of a single record, because no term occurs in two.
    """

    def __init__(
        self,
        task: str,
        labels: Sequence[str],
        terms: TermCounts,
        runs: RunCounts | None,
        fields: "Fields",
        weight: NDArray[np.float64],
        bias: NDArray[np.float64],
        *,
        rare: bool = False,
    ) -> None:
        self.task, self.labels = task, list(labels)
        self.terms, self.runs, self.fields = terms, runs, fields
        self.weight, self.bias, self.rare = weight, bias, rare
        # Features × labels, one row after another: what a sparse row is multiplied with.
        self._columns = np.ascontiguousarray(weight.T)
        self._names: list[str] = []

    @classmethod
    def fit_first(cls, task: str, labels: Sequence[str], examples: Sequence[Example]) -> Self:
        """Return ``tfidf/1`` as 0.1.0 fitted it, for baselines that are fitted again."""
        terms, words, rare = fit_terms([one.text for one in examples])
        weight, bias = fit_linear(task, words, targets(examples, labels), FIRST_STRENGTH)
        return cls(task, labels, terms, None, Fields(()), weight, bias, rare=rare)

    @property
    def format(self) -> str:
        """The checkpoint format."""
        return FIRST if self.runs is None else FORMAT

    def logits(self, examples: Sequence[Example]) -> Logits:
        """Return the logits of some records."""
        return np.asarray(self.features(examples) @ self._columns + self.bias)

    def measured(
        self, examples: Sequence[Example], _distances: ClassDistances | None
    ) -> tuple[Logits, Values]:
        """Return the logits of some records, and each record's share of unknown words."""
        return self.logits(examples), self.terms.unknown_shares([one.text for one in examples])

    def features(self, examples: Sequence[Example]) -> Any:
        """Return the sparse features of some records: records × features."""
        texts = [one.text for one in examples]
        parts = [self.terms.matrix(texts)]
        if self.runs is not None:
            parts.append(self.runs.matrix(texts))
        return _joined(parts, self.fields.matrix([one.fields for one in examples]))

    def vectors(self, examples: Sequence[Example]) -> Any:
        """Return the features as sparse rows of length 1."""
        return unit_sparse_rows(self.features(examples))

    def contributions(self, example: Example, label: int) -> tuple[Summands, float]:
        """Return the summands of a logit: each feature's value times its weight, and the bias."""
        row = sparse.csr_matrix(self.features([example]))
        values = row.data * self.weight[label, row.indices]
        return [
            (self._name(int(at)), float(value))
            for at, value in zip(row.indices, values, strict=True)
        ], float(self.bias[label])

    def parts(self, temperature: float) -> list[Part]:
        """Return this model as the only part."""
        return [Part(self, temperature)]

    def _name(self, at: int) -> str:
        if not self._names:
            self._names = self.names()
        return self._names[at]

    def names(self) -> list[str]:
        """Return a readable name of each feature: a term, characters, or a field and its value."""
        runs = [] if self.runs is None else self.runs.names
        return [*self.terms.names, *map(_shown_run, runs), *self.fields.names()]

    def tokens(self, example: Example) -> tuple[int, int]:
        """Return the number of counted words, and 0: there is no limit."""
        return len(words_of(example.text)), 0

    def save(self, folder: Path) -> None:
        """Write its files."""
        about = {FIELDS: self.fields.to_json()}
        settings = described(self.task, self.labels, self.format, **about)
        (folder / SETTINGS).write_text(json.dumps(settings), "utf-8")
        (folder / VOCABULARY).write_text(json.dumps(self.terms.names), "utf-8")
        tensors = {"idf": self.terms.idf, "weight": self.weight, "bias": self.bias}
        kind: type = np.float64
        if self.runs is not None:
            (folder / CHARACTERS).write_text(json.dumps(self.runs.names), "utf-8")
            tensors["characters.idf"] = self.runs.idf
            kind = np.float32
        made: dict[str, Any] = {
            name: np.ascontiguousarray(value, kind) for name, value in tensors.items()
        }
        save_file(made, folder / WEIGHTS)

    @classmethod
    def load(cls, files: ReadsFiles, folder: str) -> Self:
        """Return the model in a staged folder; raise ``ValueError`` if its files do not match."""
        settings = json.loads(files.read(f"{folder}/{SETTINGS}"))
        terms = json.loads(files.read(f"{folder}/{VOCABULARY}"))
        found = load(files.read(f"{folder}/{WEIGHTS}"))
        fields, first = Fields.of_json(settings[FIELDS]), settings["format"] == FIRST
        runs = [] if first else json.loads(files.read(f"{folder}/{CHARACTERS}"))
        features = len(terms) + len(runs) + len(fields.names())
        shapes = {
            "idf": (len(terms),),
            "weight": (len(settings["labels"]), features),
            "bias": (len(settings["labels"]),),
        } | ({} if first else {"characters.idf": (len(runs),)})
        if (
            len(terms) > MAX_TERMS
            or len(runs) > MAX_RUNS
            or {name: value.shape for name, value in found.items()} != shapes
        ):
            raise ValueError("its weights do not match its vocabulary and labels")
        check_finite(found)
        tensors = {name: value.astype(np.float64) for name, value in found.items()}
        return cls(
            settings["task"],
            settings["labels"],
            TermCounts(terms, tensors["idf"]),
            None if first else RunCounts(runs, tensors["characters.idf"]),
            fields,
            tensors["weight"],
            tensors["bias"],
        )


class CountedWords:
    """Features of training records, computed once, to fit a model for each strength.

    Args:
        task: Name of the task.
        labels: All labels.
        examples: Training records.
        names: Further input fields.
    """

    def __init__(
        self,
        task: str,
        labels: Sequence[str],
        examples: Sequence[Example],
        names: Sequence[str],
    ) -> None:
        self._task, self._labels = task, labels
        texts, records = [one.text for one in examples], [one.fields for one in examples]
        counted, _, self._rare = fit_terms(texts)
        # As the file holds them: the model that is read answers as the one that was fitted.
        self._terms = TermCounts(counted.names, _single(counted.idf))
        self._runs, runs = RunCounts.fit(texts)
        self._fields = Fields.fit(names, records)
        joined = _joined([self._terms.matrix(texts), runs], self._fields.matrix(records))
        self._features = joined.astype(np.float32)
        self._wanted = targets(examples, labels)

    def fit(self, strength: float) -> WordCounts:
        """Return the model fitted with a strength of regularisation."""
        weight, bias = fit_linear(self._task, self._features, self._wanted, strength)
        return WordCounts(
            self._task,
            self._labels,
            self._terms,
            self._runs,
            self._fields,
            _single(weight),
            _single(bias),
            rare=self._rare,
        )


def fit_terms(texts: Sequence[str]) -> tuple[TermCounts, Any, bool]:
    """Return the terms of some texts, the TF-IDF of each text, and whether no term is in two.

    Args:
        texts: The texts to fit on.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    try:
        words = vectorizer.fit_transform(texts)
    except ValueError:  # no word is in two records
        vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=1, sublinear_tf=True)
        words = vectorizer.fit_transform(texts)
    terms = TermCounts(list(map(str, vectorizer.get_feature_names_out())), vectorizer.idf_)
    return terms, words, vectorizer.min_df == 1


class Fields:
    """Conversion of number and category fields to columns.

    Args:
        columns: For each field its name, and either mean and spread of its numbers or its values.
    """

    def __init__(self, columns: Sequence[Mapping[str, Any]]) -> None:
        self._columns = list(columns)

    @classmethod
    def fit(cls, names: Sequence[str], records: Sequence[Mapping[str, str]]) -> Self:
        """Return the columns of some fields; a field is a number if all its values are numbers."""
        columns: list[dict[str, Any]] = []
        for name in names:
            values = [one[name] for one in records if name in one]
            numbers = [_number(one) for one in values]
            if values and None not in numbers:
                known = np.asarray(numbers, np.float64)
                spread = float(known.std()) or 1.0
                columns.append(
                    {"field": name, "mean": repr(float(known.mean())), "spread": repr(spread)}
                )
            else:
                common = sorted(Counter(values).items(), key=lambda one: (-one[1], one[0]))
                columns.append(
                    {"field": name, "values": [one for one, _ in common[:MAX_CATEGORIES]]}
                )
        return cls(columns)

    @classmethod
    def of_json(cls, columns: Sequence[Mapping[str, Any]]) -> Self:
        """Return the fields from the result of :meth:`to_json`."""
        return cls(columns)

    def to_json(self) -> list[Mapping[str, Any]]:
        """Return the description of the columns; decimals as text."""
        return self._columns

    def names(self) -> list[str]:
        """Return a readable name of each column."""
        found = []
        for one in self._columns:
            if "values" in one:
                found += [f"{one['field']} = {value}" for value in one["values"]]
                found.append(f"{one['field']} = another")
            else:
                found += [one["field"], f"{one['field']} is missing"]
        return found

    def matrix(self, records: Sequence[Mapping[str, str]]) -> NDArray[np.float64]:
        """Return the columns of some records: records × columns."""
        parts = [self._part(one, records) for one in self._columns]
        return np.concatenate(parts, 1) if parts else np.zeros((len(records), 0))

    @staticmethod
    def _part(
        column: Mapping[str, Any], records: Sequence[Mapping[str, str]]
    ) -> NDArray[np.float64]:
        name = column["field"]
        if "values" in column:
            places = {value: at for at, value in enumerate(column["values"])}
            found = np.zeros((len(records), len(places) + 1))
            for at, record in enumerate(records):
                if name in record:
                    found[at, places.get(record[name], len(places))] = 1
            return found
        mean, spread = float(column["mean"]), float(column["spread"])
        found = np.zeros((len(records), 2))
        for at, record in enumerate(records):
            number = _number(record[name]) if name in record else None
            found[at] = (0, 1) if number is None else ((number - mean) / spread, 0)
        # A number far outside of the training data counts as one at the limit.
        return np.clip(found, -10, 10)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _joined(parts: Sequence[Any], others: NDArray[np.float64]) -> Any:
    further = [sparse.csr_matrix(others)] if others.shape[1] else []
    return sparse.hstack([*parts, *further], "csr") if parts[1:] or further else parts[0]


def _single(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values rounded to single precision."""
    return np.asarray(values.astype(np.float32), np.float64)


def _shown_run(run: str) -> str:
    return f'characters "{run}"'
