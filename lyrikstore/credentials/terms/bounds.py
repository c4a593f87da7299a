"""Bounds of terms for redistributed data, set by the terms of its sources (spec §19.9).

A redistributor checks this rule before signing, and a verifier checks the same rule afterwards.
"""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct, field

from lyrikstore.canon.errors import FormatError
from lyrikstore.credentials.terms.model import Answer, Partition, Terms, UsageLimits
from lyrikstore.credentials.terms.partitioning import assign
from lyrikstore.history.trees.tree import Tree

Shared = frozenset[tuple[str, str]] | None
"""Pairs of own and other partition with common files; None: any two may have common files."""

REDISTRIBUTE = "redistribute"
"""The permission that is needed to redistribute data."""


class TermsBound(Struct, frozen=True):
    """The uses that the terms of a source permit to its holder.

    Attributes:
        partitions: The partitions in use, each with the further permissions of a grant.
        until: End of the credential or grant, as credentials write it, or None.
        requires: Duties of the grant.
        limits: Limits of the grant.
    """

    partitions: tuple[Partition, ...]
    until: str | None = None
    requires: tuple[str, ...] = ()
    limits: UsageLimits = field(default_factory=UsageLimits)

    def over(self, part: Partition, shared: Shared = None) -> tuple[Partition, ...]:
        """Return the partitions whose files may be in ``part``, each with all its duties."""
        return tuple(
            one for one in self.partitions if shared is None or (part.name, one.name) in shared
        )

    def lacks(self, words: Iterable[str]) -> list[str]:
        """Return those of ``words`` that are not permitted for all of the data."""
        return [
            word
            for word in words
            if not self.partitions
            or any(part.answer(word) is not Answer.PERMITTED for part in self.partitions)
        ]

    def is_open(self, at: datetime) -> bool:
        """Return whether all of the data may be used at a moment."""
        return all(
            (one.use_from is None or one.use_from <= at)
            and (one.use_until is None or at <= one.use_until)
            for one in (*(part.limits for part in self.partitions), self.limits)
        )

    def exceeded_by(self, terms: Terms, until: str | None, shared: Shared = None) -> str | None:
        """Return the reason why terms permit more than this bound, or None.

        Args:
            terms: The terms of the redistributor.
            until: End of these terms, as credentials write it, or None.
            shared: The partitions with common files.
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
    """Return the pairs of partitions with common files, of two terms for the same files.

    Args:
        tree: The files, or None if they are not known.
        own: The terms that are compared.
        other: The terms to compare with.

    Returns:
        Pairs of names, or None if the terms of the files are not known.
    """
    if tree is None:
        return None
    try:
        pairs = set(zip(assign(tree, own.partitions), assign(tree, other.partitions), strict=True))
    except FormatError:
        return None
    return frozenset((own.partitions[a].name, other.partitions[b].name) for a, b in pairs)
