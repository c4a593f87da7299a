"""The evidence of an evaluation: bodies, attachments, and the records that it is about."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, BinaryIO

from msgspec import Struct

from lyrikstore.canon.digest import Digest

NOT_COMPARED, NEWER_FORMAT = "not-compared", "newer-format"
"""Reason codes that cause only a warning, and the code of what could not be checked."""

Fault = tuple[str, str]
"""Reason code and description of a fault; an empty code: no fault."""

FINE: Fault = ("", "")


class LabelledRecord(Struct, frozen=True):
    """A record of a test set, with the members that predictions refer to.

    Attributes:
        id: Its id.
        labels: Its labels.
        values: Field → its texts.
        length: Bytes of its text.
        answer: The field of the labels as one text; None: the record has no such field.
    """

    id: Digest
    labels: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]
    length: int
    answer: str | None = None


class OtherEvaluation(Struct, frozen=True):
    """An evaluation that another is compared with, record by record.

    Attributes:
        name: Its name.
        given: Whether its answers were computed elsewhere.
        predictions: What its attachment holds; the answers of its model count.
    """

    name: str
    given: bool
    predictions: Any


class Evidence(Struct):
    """One evaluation and the documents that it depends on.

    Attributes:
        body: Of the evaluation.
        predictions: What its attachment holds, as the rules of its task read it.
        checkpoint: Body of the model.
        run: Body of its run; None: no run of it is here.
        tests: Bodies of the test sets that are here.
        read: Yields the records of its test sets: from the field of the label, and the fields of
            values. Raises a LyrikstoreError where they cannot be read.
        read_reference: The same of the test sets of the evaluation that a monitor is held against.
        outputs: Opens the texts that were written; None: they are not here any more, as may be.
        reference: Of a monitor: the predictions of the evaluation that it is held against.
        against: The evaluation that it is compared with; None: it is compared with none.
        is_whole: Whether all of its test sets are here.
        kept: What the rules of its task keep from one step to the next.
    """

    body: Mapping[str, Any]
    predictions: Any
    checkpoint: Mapping[str, Any]
    run: Mapping[str, Any] | None
    tests: Sequence[Mapping[str, Any]]
    read: Callable[[str, Sequence[str]], Iterator[LabelledRecord]]
    read_reference: Callable[[str, Sequence[str]], Iterator[LabelledRecord]]
    outputs: Callable[[], AbstractContextManager[BinaryIO] | None]
    reference: Any = None
    against: OtherEvaluation | None = None
    is_whole: bool = True
    kept: Any = None

    @property
    def config(self) -> Mapping[str, Any]:
        """The config of the run; empty if there is none."""
        return {} if self.run is None else self.run["config"]
