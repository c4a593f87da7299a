"""How far terms may go that rest on somebody else's (spec §19.9).

One rule for whoever hands data on, before they sign, and for whoever verifies what they signed.
"""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct, field

from lyrikstore.canon.errors import FormatError
from lyrikstore.credentials.terms.model import Answer, Partition, Terms, UsageLimits
from lyrikstore.credentials.terms.partitioning import assign
from lyrikstore.history.trees.tree import Tree

Shared = frozenset[tuple[str, str]] | None
"""Names of partitions that have files in common, one's own first; None: any two may have."""

REDISTRIBUTE = "redistribute"
"""The word without which nobody may hand data on."""


class TermsBound(Struct, frozen=True):
    """What the terms of somebody else's data let whoever has it do.

    Attributes:
        partitions: The partitions that are used, each with what a grant permits besides.
        until: End of what it rests on, as credentials write it, or None.
        requires: Duties of that grant.
        limits: Within what it is granted.
    """

    partitions: tuple[Partition, ...]
    until: str | None = None
    requires: tuple[str, ...] = ()
    limits: UsageLimits = field(default_factory=UsageLimits)

    def over(self, part: Partition, shared: Shared = None) -> tuple[Partition, ...]:
        """Return the partitions whose files may be in ``part``, each with all that it demands."""
        return tuple(
            one for one in self.partitions if shared is None or (part.name, one.name) in shared
        )

    def lacks(self, words: Iterable[str]) -> list[str]:
        """Return those of ``words`` that it does not permit with all of the data."""
        return [
            word
            for word in words
            if not self.partitions
            or any(part.answer(word) is not Answer.PERMITTED for part in self.partitions)
        ]

    def is_open(self, at: datetime) -> bool:
        """Return whether a moment is in the period in which all of the data may be used."""
        return all(
            (one.use_from is None or one.use_from <= at)
            and (one.use_until is None or at <= one.use_until)
            for one in (*(part.limits for part in self.partitions), self.limits)
        )

    def exceeded_by(self, terms: Terms, until: str | None, shared: Shared = None) -> str | None:
        """Return what terms let others do that this does not, or None.

        Args:
            terms: The terms of whoever hands the data on.
            until: When they end, as credentials write it, or None.
            shared: Which partitions have files in common.
        """
        for part in terms.partitions:
            for one in self.over(part, shared):
                wider = _wider(part, one, (*one.requires, *self.requires))
                wider = wider or _wider_limits(part.limits, (one.limits, self.limits))
                if wider is not None:
                    return wider
        # Both are of one form, so the order of the texts is that of the moments.
        if self.until is not None and (until is None or until > self.until):
            return f"it goes on after {self.until}, when what it rests on ends"
        return None


def _wider(part: Partition, bound: Partition, duties: Iterable[str]) -> str | None:
    for word in (*part.permits, *part.grantable):
        answer = bound.answer(word)
        if answer is not Answer.PERMITTED:
            return f"{word} is {'prohibited' if answer is Answer.PROHIBITED else 'not permitted'}"
    missing = [duty for duty in duties if duty not in part.requires]
    return f"the duty {missing[0]} is left out" if missing else None


def _wider_limits(given: UsageLimits, bounds: Iterable[UsageLimits]) -> str | None:
    for bound in bounds:
        wider = given.exceeds(bound)
        if wider is not None:
            return f"its use is not limited as there: {wider}"
    return None


def partitions_shared(tree: Tree | None, own: Terms, other: Terms) -> Shared:
    """Return which partitions of two terms about the same files have files in common.

    Args:
        tree: The files, or None where they are not known.
        own: The terms to be held against others.
        other: The others.

    Returns:
        Names, or None where it is not known which files are under which terms.
    """
    if tree is None:
        return None
    try:
        pairs = set(zip(assign(tree, own.partitions), assign(tree, other.partitions), strict=True))
    except FormatError:
        return None
    return frozenset((own.partitions[a].name, other.partitions[b].name) for a, b in pairs)
