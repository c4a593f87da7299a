"""Output of ``impact``, also for the commands that revoke."""

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli.output.screen import Screen

if TYPE_CHECKING:
    from lyrikstore.api import Impact
    from lyrikstore.api.commands import Affected

_NAMED = 8
"""How many affected names a command lists that revokes."""


def in_kinds(affected: Iterable["Affected"]) -> str:
    """Return the number of objects of each kind, in words."""
    kinds = Counter(one.kind for one in affected)
    return ", ".join(
        pluralize(count, "records manifest" if kind == "records" else kind)
        for kind, count in kinds.items()
    )


def path_words(path: Iterable["Affected"]) -> str:
    """Return a path in words: roles, names, and how many records filters dropped."""
    *before, last = path
    words = [f"{step.role} → {_called(step)}{_filtered(step)}" for step in before]
    return ", ".join([*words, f"{last.role}{_filtered(last)}"])


def say_unfollowed(screen: Screen, impact: "Impact") -> None:
    """Print the log entries that could not be read."""
    for one in impact.unfollowed:
        screen.result(
            f"✗ cannot be read: log entry {one.index}, {one.type} {one.id.short}: "
            f"{escape_control(one.summary)}"
        )


def say_impact(screen: Screen, impact: "Impact") -> None:
    """Print a summary of what depends on the revoked object."""
    if impact.affected:
        names = [escape_control(_called(one)) for one in impact.affected]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        screen.result(
            f"! {in_kinds(impact.affected)} depend on it: {', '.join(names[:_NAMED])}{more}"
        )
        if len(impact.roots) == 1:
            screen.hint(f"see how: lyrikstore impact {impact.roots[0].hex}")
    elif not impact.unfollowed:
        screen.result("– nothing in this store depends on it")
    say_unfollowed(screen, impact)


def _filtered(step: "Affected") -> str:
    counts = step.counts
    if counts is None:
        return ""
    elsewhere = f", {counts['elsewhere']} elsewhere" if counts["elsewhere"] else ""
    return (
        f" (filter dropped {counts['dropped']}{elsewhere} of {pluralize(counts['in'], 'record')})"
    )


def _called(one: "Affected") -> str:
    return f"{one.kind} {one.id.short}" if one.kind == "grant" or one.name is None else one.name
