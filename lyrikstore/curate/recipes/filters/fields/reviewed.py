"""``reviewed/1``: keeps, changes and drops records as people decided (spec §12.5.31)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import msgspec
from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import JSON
from lyrikstore.curate.recipes.filters.contract import (
    Change,
    Drop,
    FieldChange,
    FieldReport,
    Filter,
    FilterRecord,
    Keep,
    Outcome,
)
from lyrikstore.curate.recipes.filters.parameters import Parameter

ACCEPTED, CHANGED, REJECTED, NOT_REVIEWED = (
    "accepted",
    "changed-by-review",
    "rejected",
    "not-reviewed",
)
"""The reasons of the step."""


class ReviewedPlace(Struct, frozen=True, array_like=True):
    """What a review says of one record.

    Attributes:
        path: The path of its file in the dataset that was reviewed.
        position: Its position in that file, from 0.
        outcome: ``accept``, ``change``, ``reject``, or why nothing was decided.
        was: The values of the reviewed field.
        value: Its final values, if the outcome is ``change``.
        votes: How many of the decisions agree, in words.
    """

    path: str
    position: int
    outcome: str
    was: tuple[str, ...]
    value: tuple[str, ...]
    votes: str


class PreparedReview(Struct, frozen=True, array_like=True):
    """The prepared data of the step.

    Attributes:
        field: The reviewed field.
        places: The reviewed records.
    """

    field: str
    places: tuple[ReviewedPlace, ...]


@dataclass(frozen=True)
class Reviewed(Filter):
    """Filter that applies the outcome of a review to the records that were reviewed.

    Attributes:
        review: REF of the review.
        drops_others: Whether records on which nothing was decided are dropped.
        field: The reviewed field; empty until :meth:`bind`.
        places: Path and position of a record → what the review says of it.
    """

    USE: ClassVar[str] = "reviewed/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter("review", "string", "the review, such as reviews/acme/clauses"),
        Parameter(
            "unreviewed",
            "string",
            "what to do with records on which nothing was decided",
            default="keep",
            choices=("keep", "drop"),
        ),
    )
    REF_ROLE: ClassVar[str] = "review"
    REF_KIND: ClassVar[str] = "review"
    COMES_FIRST: ClassVar[bool] = True

    review: str
    drops_others: bool
    field: str
    places: Mapping[tuple[str, int], ReviewedPlace]

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the configured step."""
        return cls(values["review"], values["unreviewed"] == "drop", "", {})

    @property
    def votes(self) -> dict[tuple[str, int], str]:
        """Path and position of a reviewed record → by which review, and how many agree."""
        return {at: one.votes for at, one in self.places.items()}

    def reads(self) -> tuple[str, ...]:
        """Return the inputs of the step; the review names the field."""
        return ("meta:*",)

    @property
    def refs(self) -> tuple[str, ...]:
        """The review."""
        return (self.review,)

    def may_part(self, name: str) -> bool:  # noqa: ARG002
        """Return whether equal values of a field may differ after the step: in the reviewed one."""
        return True

    def way_out(self, roles: object) -> str:  # noqa: ARG002
        """Return a hint for users whose records are dropped unexpectedly."""
        return 'review more records, or keep the others: unreviewed = "keep"'

    def prepare(self, records: Iterable[FilterRecord]) -> bytes:
        """Raise, because the step reads a review; see :func:`prepared_review`."""
        raise NotImplementedError

    def bind(self, prepared: bytes) -> Self:
        """Return the step with what the review says."""
        read = msgspec.msgpack.decode(prepared, type=PreparedReview)
        places = {(one.path, one.position): one for one in read.places}
        return replace(self, field=read.field, places=places)

    def decide(self, record: FilterRecord) -> Outcome:
        """Return the decision on a record.

        Raises:
            InvalidInputError: (``other-candidates``) the review is about another value;
                (``bad-value``) a cell of a sheet cannot hold the values.
        """
        said = self.places.get((record.path, record.position))
        field = record.called(self.field)
        if said is None or said.outcome not in ("accept", "change", "reject"):
            if self.drops_others:
                return Drop(NOT_REVIEWED, said.outcome if said else "not drawn")
            return Keep(reports=(FieldReport(NOT_REVIEWED, field),))
        # ATTACK A227: decisions about other values, which change records that nobody looked at.
        if sorted(said.was) != sorted(record.labels_of_source(self.field)):
            raise InvalidInputError(
                "other-candidates",
                f"{record.place}: the review is about another value of {self.field!r}",
                hint="verify the review, and have this version reviewed",
            )
        if said.outcome == "reject":
            return Drop(REJECTED, said.votes)
        if said.outcome == "accept":
            return Keep(reports=(FieldReport(ACCEPTED, field),))
        fields = dict(record.fields)
        value = _spelt_as(record, self.field, said.value)
        if value is None:
            fields.pop(self.field, None)
        else:
            fields[self.field] = value
        return Change(fields, (FieldChange(field, CHANGED, 1, said.votes),))


def _spelt_as(record: FilterRecord, field: str, values: tuple[str, ...]) -> JSON:
    """Return the values in the form that the field has in the record; None: it has no value."""
    old = record.source.get(field)
    if isinstance(old, list):
        return list(values)
    separator = record.roles.label_separator if field == record.label else ""
    if len(values) > 1 and (record.is_document or (isinstance(old, str) and separator)):
        if record.is_document or any(separator in one for one in values):
            raise InvalidInputError(
                "bad-value",
                f"{record.place}: the field {field!r} cannot hold {len(values)} labels",
                hint="ask for one label: several = false in the questions file",
            )
        return separator.join(values)
    if len(values) != 1:
        return list(values) or None
    (value,) = values
    if isinstance(old, bool) and value in ("true", "false"):
        return value == "true"
    if isinstance(old, int) and not isinstance(old, bool):
        try:
            return int(value) if str(int(value)) == value else value
        except ValueError:
            return value
    return value
