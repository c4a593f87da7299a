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
        predictions: The content of its attachment; the answers of its model count.
    """

    name: str
    given: bool
    predictions: Any


class Evidence(Struct):
    """One evaluation and the documents that it depends on.

    Attributes:
        body: Body of the evaluation.
        predictions: The content of its attachment, read by the rules of its task.
        checkpoint: Body of the model.
        run: Body of its run; None if it is not available.
        tests: Bodies of the available test sets.
        read: Yields the records of its test sets: from the field of the label, and the fields of
        values. Raises a LyrikstoreError if they cannot be read.
        read_reference: The same for the test sets of a monitoring result's reference.
        outputs: Opens the generated texts; None if they are no longer stored, which is allowed.
        reference: For a monitoring result: the predictions of its reference evaluation.
        against: The evaluation that it is compared with, or None.
        is_whole: Whether all of its test sets are available.
        kept: Data that the rules of its task keep from one step to the next.
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
