"""Differences between two cards, statement by statement (spec §14.4.8)."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

DIFFERENCES = ("new", "gone", "changed", "state")
"""Kinds of differences: a statement that only the later card has, or only the earlier one; one with
another text; one with the same text and another state."""


class CardChange(Struct, frozen=True, rename="camel"):
    """One statement that differs between two cards.

    Attributes:
        difference: A word of :data:`DIFFERENCES`.
        statement_id: Id of the statement.
        title: Title of the statement.
        was: Text and state in the earlier card; empty if it is new.
        now: Text and state in the later card; empty if it is gone.
    """

    difference: str
    statement_id: str
    title: str
    was: str
    now: str


def compare_cards(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[CardChange]:
    """Return the changed statements in the order of the later card, then the removed ones.

    Args:
        before: Contents of the earlier ``card.json``.
        after: Contents of the later ``card.json``.
    """
    return list(_changes(before, after))


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[CardChange]:
    old = {one["id"]: one for one in before["statements"]}
    new = {one["id"]: one for one in after["statements"]}
    for name, statement in new.items():
        known, title = old.get(name), statement["title"]
        if known is None:
            yield CardChange("new", name, title, "", _shown(statement))
        elif known["text"] != statement["text"]:
            yield CardChange("changed", name, title, _shown(known), _shown(statement))
        elif known["state"] != statement["state"]:
            yield CardChange("state", name, title, _shown(known), _shown(statement))
    for name, statement in old.items():
        if name not in new:
            yield CardChange("gone", name, statement["title"], _shown(statement), "")


def _shown(statement: Mapping[str, Any]) -> str:
    return f"{statement['text']} ({statement['state']})"
