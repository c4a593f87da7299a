"""What changed between two cards, statement by statement (spec §14.4.8)."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

DIFFERENCES = ("new", "gone", "changed", "state")
"""A statement that only the later card has, or only the earlier; of both, one whose text or whose
state is another."""


class CardChange(Struct, frozen=True, rename="camel"):
    """One statement that two cards do not both make.

    Attributes:
        difference: A word of :data:`DIFFERENCES`.
        statement_id: Its id.
        title: What it is about.
        was: Text and state in the earlier card; empty if it is new.
        now: Text and state in the later one; empty if it is gone.
    """

    difference: str
    statement_id: str
    title: str
    was: str
    now: str


def compare_cards(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[CardChange]:
    """Return what changed, in the order of the later card; what is gone comes last.

    Args:
        before: What the earlier ``card.json`` holds.
        after: What the later one holds.
    """
    return list(_changes(before, after))


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[CardChange]:
    old = {one["id"]: one for one in before["statements"]}
    new = {one["id"]: one for one in after["statements"]}
    for name, one in new.items():
        known = old.get(name)
        if known is None:
            yield CardChange("new", name, one["title"], "", _said(one))
        elif known["text"] != one["text"]:
            yield CardChange("changed", name, one["title"], _said(known), _said(one))
        elif known["state"] != one["state"]:
            yield CardChange("state", name, one["title"], _said(known), _said(one))
    for name, one in old.items():
        if name not in new:
            yield CardChange("gone", name, one["title"], _said(one), "")


def _said(one: Mapping[str, Any]) -> str:
    return f"{one['text']} ({one['state']})"
