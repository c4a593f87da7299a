"""What a card states, by fact; and its status by its content alone."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lyrikstore.canon.text import pluralize
from lyrikstore.publish.cards.gathering.form import CardForm
from lyrikstore.publish.cards.rendering.layout.blocks import Shown
from lyrikstore.publish.cards.rendering.layout.statements import labels_of
from lyrikstore.publish.cards.statement import OPEN, listed


class CardContents:
    """The statements of a card, by fact.

    Args:
        card: Contents of ``card.json``.
    """

    def __init__(self, card: Mapping[str, Any]) -> None:
        self.card = card
        self.form = CardForm(card["format"])
        self.by_id: dict[str, Shown] = {one["id"]: one for one in card["statements"]}
        self._by_fact: dict[str, list[Shown]] = {}
        for one in card["statements"]:
            self._by_fact.setdefault(one["id"].partition(":")[0], []).append(one)
        self.labels = labels_of(one["id"] for one in card["evidence"])

    def cited(self, evidence: Iterable[str]) -> list[str]:
        """Return the labels of objects."""
        return [self.labels[one] for one in evidence]

    def facts(self, *names: str) -> list[Shown]:
        """Return the statements of some facts, in this order."""
        return [one for name in names for one in self._by_fact.get(name, ())]

    def answers(self, *questions: str) -> list[Shown]:
        """Return the answers to some questions."""
        return self.facts(*(f"answer.{one}" for one in questions))

    def established(self, *names: str) -> list[Shown]:
        """Return the statements of some facts that are not open."""
        return [one for one in self.facts(*names) if one["state"] not in OPEN]

    def items(self) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Return each item of the profiles, behind its profile."""
        return [(profile, item) for profile in self.card["profiles"] for item in profile["items"]]

    def open_items(self) -> tuple[int, int]:
        """Return the number of open required items, and of other open items."""
        items = [item for _, item in self.items()]
        required = sum(one["open"] and one["required"] for one in items)
        return required, sum(one["open"] for one in items) - required

    def is_open(self, statements: Sequence[str]) -> bool:
        """Return whether nobody established any of the statements with these ids."""
        return all(self.by_id[one]["state"] in OPEN for one in statements)

    def status(self) -> str:
        """Return the status by the content of the card; approvals, in the log, are not read."""
        counts: Mapping[str, int] = self.card["counts"]
        required, other = self.open_items()
        wrong = counts.get("contradicted", 0)
        revocations = len(self.facts("rights.withdrawn"))
        said = "Draft" if required or wrong else "Complete, not yet approved when it was written"
        parts = [
            f"{pluralize(required, 'required item')} open",
            f"{pluralize(other, 'other item')} open" if other else "",
            f"{len(self.facts('rights.challenge'))} disputed"
            if self.facts("rights.challenge")
            else "",
            f"{counts['stale']} stale" if counts.get("stale") else "",
            f"{wrong} contradicted" if wrong else "",
            f"{pluralize(revocations, 'right')} withdrawn" if revocations else "",
            f"{pluralize(counts.get('not-established', 0), 'fact')} not established",
        ]
        more = ""
        if "withData" in self.card:
            more = f"; it holds {listed(self.card['withData'])} of the data, as somebody asked for"
        return f"{said}: {', '.join(filter(None, parts))}{more}"
