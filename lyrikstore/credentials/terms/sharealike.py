"""Conflicts of share-alike licences (spec §19.6): each requires itself for the whole work."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from lyrikstore.canon.quoting import quote

MAX_CHOICES = 64
"""Most readings of a licence expression with OR; one with more counts as a separate licence."""

_Party = TypeVar("_Party")


def share_alike_clashes(
    by_licence: Mapping[str | None, Sequence[_Party]],
) -> list[tuple[str, tuple[_Party, ...]]]:
    """Return a sentence about each conflict of licences, and the sources of the terms.

    Args:
        by_licence: SPDX expression, or None if none is stated → sources whose terms require it
        for the whole.

    Cost: 300 ms once, if there are two licences.
    """
    if len(by_licence) < 2:
        return []
    named = sorted((licence, who) for licence, who in by_licence.items() if licence is not None)
    clashes: list[tuple[str, tuple[_Party, ...]]] = []
    if None in by_licence:
        summary = "under which licence to share alike is not stated, so it is not known to be one"
        between = tuple(label for who in by_licence.values() for label in who)
        clashes.append((summary, between))
    choices = {licence: _choices(licence) for licence, _ in named}
    for at, (licence, who) in enumerate(named):
        for other, whose in named[at + 1 :]:
            if not choices[licence] & choices[other]:
                both = f"{quote(licence)} and {quote(other)}"
                summary = f"what is made from them would have to be under {both}"
                clashes.append((summary, (*who, *whose)))
    return clashes


def _choices(expression: str) -> frozenset[frozenset[str]]:
    """Return the sets of licences that an expression with OR allows to choose."""
    from license_expression import ExpressionError, get_spdx_licensing  # 300 ms

    try:
        parsed = get_spdx_licensing().parse(expression, validate=False, strict=False)
        return _expand(parsed)
    except (ExpressionError, _TooManyError, AttributeError):
        return frozenset({frozenset({expression})})


class _TooManyError(Exception):
    """An expression has more readings than :data:`MAX_CHOICES`."""


def _expand(node: Any) -> frozenset[frozenset[str]]:
    if not getattr(node, "args", ()):
        return frozenset({frozenset({str(node)})})
    inner = [_expand(part) for part in node.args]
    if node.operator.strip() == "OR":
        found = frozenset().union(*inner)
    elif node.operator.strip() == "AND":
        found = frozenset({frozenset()})
        for options in inner:
            found = frozenset(one | other for one in found for other in options)
            if len(found) > MAX_CHOICES:
                raise _TooManyError
    else:
        found = frozenset({frozenset({str(node)})})
    if len(found) > MAX_CHOICES:
        raise _TooManyError
    return found
