"""The readers for a verification: they read records, run models again, and make cards again."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.report import Check
from lyrikstore.verify.store.readers import Readers

if TYPE_CHECKING:
    from lyrikstore.verify.evaluation.evidence import LabelledRecord


def all_readers(*, recompute: bool = True) -> Readers:
    """Return all readers for a verification: of data, of models, of cards.

    Args:
        recompute: Whether to compute evaluations again, which runs models; datasets are compared
        with their data, and cards are made again, in any case.
    """
    from lyrikstore.curate.reading.datasets import StoredDatasets
    from lyrikstore.verify.store.recomputed_answers import RecomputeAnswers

    return Readers(
        records=_read_labelled if recompute else None,
        datasets=StoredDatasets(),
        answers=RecomputeAnswers(_answer_again, _find_near_again) if recompute else None,
        cards=_check_cards,
    )


def _read_labelled(*asked: Any) -> "Iterator[LabelledRecord]":
    # Loaded where an evaluation is computed again: most objects rest on none.
    from lyrikstore.curate.labelled_records import read_labelled

    return read_labelled(*asked)


def _check_cards(repository: Repository, cards: Sequence[Manifest]) -> Check:
    # Loaded where there is a card.
    from lyrikstore.publish.cards.sources import check_cards as check

    return check(repository, cards)


def _answer_again(*asked: Any) -> Iterator[Any] | None:
    # Loaded where somebody is asked: most objects rest on no evaluation.
    from lyrikstore.train.evaluation.recompute_answers import answer_again

    return answer_again(*asked)


def _find_near_again(*asked: Any) -> Sequence[bool] | None:
    from lyrikstore.train.evaluation.recompute_answers import find_near_again

    return find_near_again(*asked)
