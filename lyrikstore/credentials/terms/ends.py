"""The ends of terms, and the duties at the end (spec/19-terms.md)."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.credentials.terms.model import Partition
from lyrikstore.credentials.terms.vocabulary import DELETE


class TermsEnd(Struct, frozen=True, order=True):
    """The end of terms.

    Attributes:
        at: The last moment of validity.
        delete: Whether the data must be deleted then.
    """

    at: datetime
    delete: bool


def ends_of(partitions: Iterable[Partition], *until: datetime | None) -> list[TermsEnd]:
    """Return the ends of terms, the earliest first; partitions without an end are left out.

    Args:
        partitions: The partitions in use.
        until: End of the credential or grant that states them, or of its limits; None: no end.
    """
    found = []
    for partition in partitions:
        ends = [one for one in (*until, partition.limits.use_until) if one is not None]
        if ends:
            found.append(TermsEnd(min(ends), DELETE in partition.requires))
    return sorted(found)


def first_end(ends: Sequence[TermsEnd]) -> TermsEnd | None:
    """Return the first end, with the deletion duty of any of them; None if there is no end."""
    if not ends:
        return None
    return TermsEnd(ends[0].at, delete=any(one.delete for one in ends))


def ended_words(ends: Sequence[TermsEnd], at: datetime) -> str | None:
    """Return a text about terms that ended before ``at``, with date and duty; None: none ended."""
    over = [one for one in ends if one.at < at]
    if not over:
        return None
    delete = next((one for one in over if one.delete), None)
    text = f"ended at {format_timestamp(over[0].at)}"
    if delete is None:
        return text
    return f"{text}, and required that the data be deleted by {format_timestamp(delete.at)}"
