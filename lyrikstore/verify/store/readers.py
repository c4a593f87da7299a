"""What verification of a store is given from above: who reads data, asks models, makes cards again.

Verification loads no reader of tables, no model and no profile itself (spec §11.7).
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
    """Who reads for a verification. What nobody reads is not checked, and the report says so.

    Attributes:
        records: Reads records with their labels. Without it no evaluation is computed again, and
            the verdict on an object that rests on one is at best ``valid``; nor are the labels of
            validation data compared.
        datasets: Reads the data of datasets. Without it nothing is held against what they say, and
            the verdict is at best ``incomplete`` where there are any.
        answers: Asks models and baselines again, and looks for near duplicates again, of
            evaluations that are computed. Without it that is named among what is not proven.
        cards: Makes cards again. Without it the verdict is at best ``incomplete`` where there are
            any.
    """

    records: ReadRecords | None = None
    datasets: DatasetReading | None = None
    answers: RecomputeAnswers | None = None
    cards: CheckCards | None = None


NO_READERS = Readers()
"""Nobody reads anything: signatures, links, digests and what is signed are all that is checked."""
