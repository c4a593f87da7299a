"""The readers that a caller gives to the verification of a store: of data, models and cards.

Verification itself loads no reader of tables, no model and no profile (spec §11.7).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.datasets.reading import DatasetReading
from lyrikstore.verify.report import Check
from lyrikstore.verify.store.recomputed_answers import RecomputeAnswers

if TYPE_CHECKING:
    from lyrikstore.verify.evaluation.evidence import LabelledRecord

ReadRecords = Callable[
    [Repository, Sequence[Manifest], str, Sequence[str]], "Iterator[LabelledRecord]"
]
"""Yields the records of datasets: from store, datasets, field of the label, fields of values."""

CheckCards = Callable[[Repository, Sequence[Manifest]], Check]
"""Returns ``card.sources`` of cards: from the store, and cards of it in log order."""


class Readers(Struct, frozen=True):
    """The readers of a verification. Without a reader its part is unchecked, as the report states.

    Attributes:
        records: Reads records with their labels. Without it no evaluation is computed again, the
            verdict on an object that rests on one is at best ``valid``, and the labels of
            validation data are not compared.
        datasets: Reads the data of datasets. Without it their manifests are not compared with the
            data, and the verdict is at best ``incomplete`` if there are datasets.
        answers: Computes the answers of models and baselines, and near duplicates, again, for
            evaluations that are computed again. Without it the report lists this as not proven.
        cards: Makes cards again. Without it the verdict is at best ``incomplete`` if there are
            cards.
    """

    records: ReadRecords | None = None
    datasets: DatasetReading | None = None
    answers: RecomputeAnswers | None = None
    cards: CheckCards | None = None


NO_READERS = Readers()
"""No readers: only signatures, links, digests and signed contents are checked."""
