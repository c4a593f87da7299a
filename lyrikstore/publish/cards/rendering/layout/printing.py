"""Statements as blocks, each printed once; all other places refer to it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from lyrikstore.publish.cards.rendering.layout.blocks import (
    Block,
    FlowPart,
    Inline,
    LineList,
    Reference,
    Shown,
    StatementFlow,
    StatementLine,
)
from lyrikstore.publish.cards.rendering.layout.contents import CardContents
from lyrikstore.publish.cards.rendering.layout.statements import (
    anchors_of,
    attester,
    fact_of,
    shorten,
    state_of,
    title_of,
)
from lyrikstore.publish.cards.vocabulary import VOCABULARY
from lyrikstore.web.texts import page_text

_FLOWING = 160
"""Most characters of a statement that shares a paragraph with others."""

_ON_A_PAGE = 320
"""Most characters of a statement on the first page."""

_SHARED = 20
"""Fewest characters of a text that is printed once for several statements."""

_NUMBERED = 6
"""Most places of one title in a list of references."""


class Printer(CardContents):
    """The statements of a card, and which of them are printed already.

    Args:
        card: Contents of ``card.json``.
    """

    def __init__(self, card: Mapping[str, Any]) -> None:
        super().__init__(card)
        self.anchors = anchors_of(card["statements"])
        self._printed = set[str]()

    def is_printed(self, one: Shown) -> bool:
        """Return whether a statement has its place already."""
        return one["id"] in self._printed

    def waiting(self, *prefixes: str) -> list[Shown]:
        """Return the statements without a place whose ids start with one of some prefixes."""
        return [
            one
            for one in self.card["statements"]
            if one["id"].startswith(prefixes) and not self.is_printed(one)
        ]

    def line(
        self,
        one: Shown,
        *,
        title: str | None = None,
        text: str | None = None,
        large: bool = False,
        bare: bool = False,
    ) -> StatementLine:
        """Return a statement as a line; this is its only place.

        Args:
            one: A statement without a place.
            title: Start of the line; None: its title and subject.
            text: What is printed; None: its text.
            large: Whether it is set in large type.
            bare: Whether its state and evidence stand elsewhere.
        """
        if one["id"] in self._printed:
            raise ValueError(f"{one['id']} is printed twice")
        self._printed.add(one["id"])
        return StatementLine(
            one,
            title_of(one, about=True) if title is None else title,
            self.anchors[one["id"]],
            self.cited(one["evidence"]),
            one["text"] if text is None else text,
            large,
            bare,
        )

    def some(
        self, found: Iterable[Shown], most: int = 2, *, title: str | None = None
    ) -> list[Inline]:
        """Return statements as parts of one line: the first short ones, references to the rest.

        Args:
            found: The statements.
            most: Most statements that are printed; those that have a place do not count.
            title: As for :meth:`line`.
        """
        statements = list(found)
        fitting = [one for one in statements if not self.is_printed(one) and is_short(one)]
        shown = fitting[:most]
        ids = {one["id"] for one in shown}
        rest = [one for one in statements if one["id"] not in ids]
        return [*(self.line(one, title=title) for one in shown), *self.references(rest)]

    def references(self, found: Iterable[Shown]) -> list[Reference]:
        """Return references to statements, by state; the last one of a state names it."""
        by_fact: dict[str, list[Shown]] = {}
        for one in found:
            by_fact.setdefault(fact_of(one), []).append(one)
        places: dict[str, dict[str, list[str]]] = {}
        for fact, statements in by_fact.items():
            many = len({one["title"] for one in statements}) > 1 and fact in VOCABULARY
            for one in statements:
                title = VOCABULARY[fact].title if many else _reference_title(one)
                of_state = places.setdefault(_reference_state(one), {})
                of_state.setdefault(title, []).append(self.anchors[one["id"]])
        return [
            Reference(
                f"{title} ({len(anchors)})" if len(anchors) > _NUMBERED else title,
                anchors[:1] if len(anchors) > _NUMBERED else anchors,
                state if title == [*titles][-1] else "",
            )
            for state, titles in places.items()
            for title, anchors in titles.items()
        ]

    def compact(self, found: Iterable[Shown], *, about: bool = True) -> Iterator[Block]:
        """Yield statements in as little space as they can be read in.

        Short statements with the same subject and state share a paragraph; of those with the same
        text, it is printed once, followed by their titles.

        Args:
            found: The statements; those that have a place are left out.
            about: Whether the subject is named.
        """
        lines: list[Sequence[Inline]] = []
        waiting = (one for one in found if not self.is_printed(one))
        for _, group in groupby(waiting, key=_alike):
            for flow in self._flows(list(group), about=about):
                if isinstance(flow, StatementFlow):
                    if lines:
                        yield LineList(lines)
                        lines = []
                    yield flow
                else:
                    lines.append([flow])
        if lines:
            yield LineList(lines)

    def _flows(
        self, group: Sequence[Shown], *, about: bool
    ) -> Iterator[StatementFlow | StatementLine]:
        by_text: dict[str, list[Shown]] = {}
        for one in group:
            by_text.setdefault(one["text"], []).append(one)
        same = {
            text
            for text, of in by_text.items()
            if len(of) > 1 and len(text) >= _SHARED and _same_evidence(of)
        }
        short = [one for one in group if one["text"] not in same and len(one["text"]) <= _FLOWING]
        if len(short) > 1:
            subject = subject_of(short[0]) if len({*map(subject_of, short)}) == 1 and about else ""
            yield self._flow(subject, short, texts=True)
        for one in group:
            if one["text"] not in same and (len(short) < 2 or one not in short):
                yield self.line(one, title=title_of(one, about=about))
        for text, of in by_text.items():
            if text in same:
                yield self._flow(text, of, texts=False)

    def _flow(self, lead: str, found: Sequence[Shown], *, texts: bool) -> StatementFlow:
        parts = []
        alike = _same_evidence(found)
        for one in found:
            self._printed.add(one["id"])
            title = one["title"] if lead and texts else title_of(one, about=False).rstrip(":")
            if not texts and len({each["about"] for each in found}) > 1:
                title = title_of(one, about=True).rstrip(":")
            cited = [] if alike else self.cited(one["evidence"])
            text = one["text"] if texts else ""
            parts.append(FlowPart(title, text, self.anchors[one["id"]], cited))
        cited = self.cited(found[0]["evidence"]) if alike else []
        return StatementFlow(lead, parts, state_of(found[0]), found[0]["state"], cited)


def _alike(one: Shown) -> tuple[Any, ...]:
    # What is stale or contradicted is printed alone, with the reason.
    own = one["id"] if "was" in one or one["id"].startswith("answer.") else ""
    return subject_of(one), one["state"], one.get("by"), one.get("called"), own


def is_short(one: Shown) -> bool:
    """Return whether there is room for a statement on the first page."""
    return len(one["text"]) + len(one.get("was", "")) <= _ON_A_PAGE


def subject_of(one: Shown) -> str:
    """Return what the statements in one paragraph are about: a dataset, or a credential on it."""
    about = str(one["about"])
    if one["id"].startswith("rights."):
        return " ".join(about.split(" ")[:2])
    return about if one["id"].startswith("data.") else ""


def _same_evidence(found: Sequence[Shown]) -> bool:
    return all(one["evidence"] == found[0]["evidence"] for one in found)


def _reference_title(one: Shown) -> str:
    if not one["id"].startswith("answer."):
        return str(one["title"])
    who = attester(one)
    return page_text("card.answer-of", who=shorten(who)) if who else page_text("card.no-answer")


def _reference_state(one: Shown) -> str:
    is_answer = one["id"].startswith("answer.")
    return "" if is_answer and not attester(one) else str(one["state"])  # its title says so
