"""When terms end, and what they ask for then (spec/19-terms.md)."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.credentials.terms.model import Partition
from lyrikstore.credentials.terms.vocabulary import DELETE


class TermsEnd(Struct, frozen=True, order=True):
    """When terms end.

    Attributes:
        at: The last moment.
        delete: Whether the data has to be deleted then.
    """

    at: datetime
    delete: bool


def ends_of(partitions: Iterable[Partition], *until: datetime | None) -> list[TermsEnd]:
    """Return when terms end, the earliest first; of partitions whose terms have no end, nothing.

    Args:
        partitions: Those that are used.
        until: When the credential or grant that states them does, or its limits; None: never.
    """
    found = []
    for partition in partitions:
        ends = [one for one in (*until, partition.limits.use_until) if one is not None]
        if ends:
            found.append(TermsEnd(min(ends), DELETE in partition.requires))
    return sorted(found)


def first_end(ends: Sequence[TermsEnd]) -> TermsEnd | None:
    """Return the first of ends, and whether any of them wants data deleted; None without any."""
    if not ends:
        return None
    return TermsEnd(ends[0].at, delete=any(one.delete for one in ends))


def ended_words(ends: Sequence[TermsEnd], at: datetime) -> str | None:
    """Return that terms have ended by then, since when, and what they required; None: none has."""
    over = [one for one in ends if one.at < at]
    if not over:
        return None
    delete = next((one for one in over if one.delete), None)
    text = f"ended at {format_timestamp(over[0].at)}"
    if delete is None:
        return text
    return f"{text}, and required that the data be deleted by {format_timestamp(delete.at)}"
