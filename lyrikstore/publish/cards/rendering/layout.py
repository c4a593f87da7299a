"""The layout of a card: two pages for decision makers, then annexes (spec §14.4.6)."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from lyrikstore.canon.text import pluralize
from lyrikstore.publish.cards.gathering.form import CardForm
from lyrikstore.publish.cards.rendering.blocks import (
    Block,
    Bullets,
    Code,
    EvidenceList,
    Heading,
    Paragraph,
    Shown,
    StatementLine,
    StatementList,
    Table,
)
from lyrikstore.publish.cards.statement import MAX_TEXT, OPEN, listed
from lyrikstore.publish.markdown import plain

_CELL = 160
"""Characters of a text in the table of the second page; the whole is in the annex."""

_LONG = re.compile(r"(did:key:z6Mk|blake3:)([0-9A-Za-z]{40,64})")

DETERMINES_NOTHING = (
    "Made from signed objects, for those who decide: no determination of anybody's duties, and no "
    "legal advice."
)

_NAMES_SUBJECT = frozenset({"data.parts"})
"""Facts whose text already names their subject."""

NOT_PROVEN = (
    "whether what people stated or attested is true: a signature shows who says something",
    "whether a credential still holds today: the card has no time; lyrikstore verify tells",
    "whether two keys are two people",
    "that any law is satisfied: this is evidence for those who decide, and no determination",
)


class Layout:
    """A card, divided into blocks for rendering.

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

    def blocks(self) -> Iterator[Block]:
        """Yield all blocks, in order."""
        yield from self.first_page()
        yield from self.second_page()
        for profile in self.card["profiles"]:
            yield from self._profile(profile)
        yield from self.annexes()
        yield from self._questions()
        yield Heading("Evidence", page=True)
        found = self.card["evidence"]
        yield EvidenceList([(self.labels[one["id"]], one["what"], one["id"]) for one in found])

    def first_page(self) -> Iterator[Block]:
        """Yield the first page: whether the card is complete, the purpose, the verdict."""
        raise NotImplementedError

    def second_page(self) -> Iterator[Block]:
        """Yield the second page: origin, liability, what is not proven, how to verify it."""
        raise NotImplementedError

    def annexes(self) -> Iterator[Block]:
        """Yield the annexes, without profiles and questions."""
        raise NotImplementedError

    def head(self) -> Iterator[Block]:
        """Yield the name, the status, and the profiles that were not reviewed."""
        yield Heading(self.card["subject"]["name"], 1)
        yield Paragraph(self.status(), strong=True)
        titles = ", ".join(one["title"] for one in self.card["profiles"])
        yield Paragraph(f"{titles}. {DETERMINES_NOTHING}")
        for profile in self.card["profiles"]:
            if not profile["reviewedBy"]:
                yield Paragraph(f"{profile['title']}: no lawyer has reviewed this profile.")
        yield self.said("subject.version", "subject.signer", "subject.logged", "rights.challenge")

    def liability(self) -> Iterator[Block]:
        """Yield the authors of statements, and what each is liable for."""
        yield Heading("Who says so, and who is liable")
        yield Table(("what", "who", "says", "liable"), list(self._responsible()))

    def rules(self) -> Iterator[Block]:
        """Yield the rules that decided, their answers, and every waiver."""
        if self.form.has_decisions:
            yield Heading("Under which rules")
            yield self.said("rights.rules", "rights.decision", "rights.waiver", about=True)

    def proof(self, *more: str) -> Iterator[Block]:
        """Yield what is not proven, including ``more``, and how to verify the rest."""
        yield Heading("What is not proven")
        yield Bullets((*NOT_PROVEN[:2], *more, *NOT_PROVEN[2:]))
        if not self.form.has_decisions:
            yield self.said("rights.rules")
        yield Heading("How to verify it")
        subject = self.card["subject"]
        yield Code(
            (
                "lyrikstore verify FILE        (this file, beside the store that made it)",
                f"lyrikstore verify {subject['name']}",
                f"lyrikstore lineage {subject['id']}",
            )
        )

    def said(self, *names: str, about: bool = False) -> StatementList:
        """Return the statements of facts as a list, in this order; `about` adds their subjects."""
        return self.lines(self.facts(*names), about=about)

    def lines(self, found: Iterable[Shown], *, about: bool = False) -> StatementList:
        """Return statements as a list, one a line; `about` adds their subjects."""
        return StatementList(
            [
                StatementLine(one, title_of(one, about=about), self.cited(one["evidence"]))
                for one in found
            ]
        )

    def cited(self, evidence: Iterable[str]) -> list[str]:
        """Return the labels of objects."""
        return [self.labels[one] for one in evidence]

    def facts(self, *names: str) -> list[Shown]:
        """Return the statements of some facts, in this order."""
        return [one for name in names for one in self._by_fact.get(name, ())]

    def answers(self, *questions: str) -> list[Shown]:
        """Return the answers to some questions."""
        return self.facts(*(f"answer.{one}" for one in questions))

    def open_items(self) -> tuple[int, int]:
        """Return the number of open required items, and of other open items."""
        items = [one for profile in self.card["profiles"] for one in profile["items"]]
        required = sum(one["open"] and one["required"] for one in items)
        return required, sum(one["open"] for one in items) - required

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

    def _responsible(self) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
        liable = {one["about"]: one["text"] for one in self.facts("rights.liability")}
        for one in self.facts(
            "subject.signer", "model.base-rights", "data.licence", "rights.credential",
            "rights.regulatory", "rights.attested", "rights.challenge", "rights.waiver",
        ):  # fmt: skip
            if one["state"] in OPEN:
                continue
            what = f"{one['title']} {one['about']}".strip()
            said = one.get("liable") or liable.get(one["about"], "nothing is said")
            who = f"{one.get('by', '')} {one.get('called', '')}".strip()
            yield (what, who, _cut(one["text"]), _cut(said)), self.cited(one["evidence"])
        # Of answers there can be a hundred: each person is one row, and the annex has the answers.
        people: dict[tuple[str, str], list[Shown]] = {}
        for one in self._answered():
            who = f"{one['by']} {one.get('called', '')}".strip()
            people.setdefault((who, one.get("liable", "nothing is said")), []).append(one)
        for (who, said), answers in people.items():
            states = Counter(one["state"] for one in answers)
            text = ", ".join(f"{count} {state}" for state, count in states.items())
            what = pluralize(len(answers), "answer")
            evidence = dict.fromkeys(label for one in answers for label in one["evidence"])
            yield (what, who, text, _cut(said)), self.cited(evidence)

    def _answered(self) -> list[Shown]:
        """Return the statements of answers."""
        return [
            one
            for one in self.card["statements"]
            if one["id"].startswith("answer.") and one.get("by")
        ]

    def _profile(self, profile: Mapping[str, Any]) -> Iterator[Block]:
        where = f", {profile['jurisdiction']}" if profile["jurisdiction"] else ""
        yield Heading(f"{profile['title']}{where}", page=True)
        reviewed = profile["reviewedBy"] or "no lawyer"
        yield Paragraph(
            f"Profile {profile['profile']}, as of {profile['asOf']}, reviewed by {reviewed}."
        )
        if profile["banner"]:
            yield Paragraph(profile["banner"])
        if "doesNotApply" in profile:
            yield Paragraph(profile["doesNotApply"], strong=True)
        for item in profile["items"]:
            state = "open" if item["open"] else "answered"
            need = ", required" if item["required"] else ""
            yield Heading(f"{item['id']}  {item['clause']}: {item['asks']} ({state}{need})", 3)
            found = [self.by_id[one] for one in item["statements"]]
            if found:
                yield self.lines(found, about=True)
            else:
                yield Paragraph("not established: no object says it")
        if profile["sources"]:
            yield Heading("Sources of this profile", 3)
            yield Bullets([_source(one) for one in profile["sources"]])

    def data(self) -> Iterator[Block]:
        """Yield all statements about the data and the rights in it."""
        yield Heading("The data in full", page=True)
        about: dict[str, list[Shown]] = {}
        of_all = self.facts("data.licence-mix", "data.identifiers")
        yield self.lines([one for one in of_all if not one["about"]])
        for one in self.card["statements"]:
            if one["id"].startswith("data.") and one["about"]:
                about.setdefault(one["about"].partition(" ")[0], []).append(one)
        for name, found in about.items():
            if len(found) > 1:
                yield Heading(name, 3)
            yield self.lines(found)
        yield Heading("Credentials and attestations", 3)
        yield self.said(
            "rights.credential", "rights.licence", "rights.permits", "rights.prohibits",
            "rights.requires", "rights.attribution", "rights.deletion", "rights.limits",
            "rights.quality", "rights.age", "rights.attested", "rights.liability", about=True,
        )  # fmt: skip
        said: dict[tuple[str, str], list[str]] = {}
        for one in (*self.facts("rights.challenge"), *self._answered()):
            evidence = said.setdefault((one["by"], one.get("liable", "nothing is said")), [])
            evidence += [label for label in one["evidence"] if label not in evidence]
        if said:
            yield Heading("Liability for answers and challenges", 3)
            rows = [(who, self.cited(evidence)) for who, evidence in said.items()]
            yield Table(("who", "liable"), rows)

    def _questions(self) -> Iterator[Block]:
        waiting = [one for one in self.card["questions"] if self._is_open(one["statements"])]
        yield Heading("Questions that are open", page=True)
        if not waiting:
            yield Paragraph("None.")
        for one in waiting:
            yield Heading(one["asks"], 3)
            if one["guidance"]:
                yield Paragraph(one["guidance"])
            yield self.lines([self.by_id[name] for name in one["shows"]], about=True)

    def _is_open(self, answers: Sequence[str]) -> bool:
        return all(self.by_id[one]["state"] in OPEN for one in answers)


def _source(source: Mapping[str, Any]) -> str:
    second = ", as somebody else tells it" if source.get("secondary") else ""
    place = f", {source['url']}" if "url" in source else ""
    return f"{source['cite']}{place}, read {source['retrieved']}{second}"


def title_of(statement: Shown, *, about: bool) -> str:
    """Return the start of a statement: its title, and its subject if the text does not contain it.

    Args:
        statement: The statement.
        about: Whether to add the subject.
    """
    title, subject = statement["title"], statement["about"]
    fact = statement["id"].partition(":")[0]
    # An answer is by a person, and its state says who.
    if about and subject and fact not in _NAMES_SUBJECT and not fact.startswith("answer."):
        title = f"{title}, {subject}"
    return title if title.endswith("?") else f"{title}:"


def attester(statement: Shown) -> str:
    """Return the DID of the attester of a statement or answer, or ""."""
    person = statement["state"] == "attested" or statement["id"].startswith("answer.")
    return str(statement.get("by", "")) if person else ""


def _cut(text: str) -> str:
    return text if len(text) <= _CELL else f"{text[: _CELL - 1]}…"


def properties(statements: Iterable[Shown]) -> Iterator[tuple[str, str]]:
    """Yield statements as names with values, with their authors, and who is liable for what.

    Args:
        statements: The statements; none is omitted.
    """
    for one in statements:
        was = f" ({one['was']})" if "was" in one else ""
        who = f" (by {one['by']}{called(one)})" if one.get("called") else ""
        yield plain(f"{one['state']}:{one['id']}"), plain(f"{one['text']}{was}{who}", 2 * MAX_TEXT)
        if one.get("liable"):
            yield plain(f"liable:{one['id']}"), plain(one["liable"], 2 * MAX_TEXT)


def shorten(text: str) -> str:
    """Return a text with its keys and ids shortened; the evidence lists them in full."""
    return _LONG.sub(lambda found: f"{found[1]}{found[2][:8]}…{found[2][-4:]}", text)


def state_of(one: Shown, *, whole: bool = False) -> str:
    """Return the state of a statement in words, with its attester if it has one.

    Args:
        one: The statement.
        whole: Whether to show the whole key.
    """
    who = attester(one)
    if not who:
        return str(one["state"])
    return f"{one['state']} by {who if whole else shorten(who)}{called(one)}"


def called(one: Shown) -> str:
    """Return the name that the author of a statement gives itself, in words; or "".

    Args:
        one: The statement.
    """
    return f", who says to be {one['called']}" if one.get("called") else ""


def labels_of(evidence: Iterable[str]) -> dict[str, str]:
    """Return object → its label in a rendering: its first hex digits.

    Labels have as many digits as make all of them different, and at least eight, so that a label
    usually stays the same when objects are added.
    """
    ids = list(evidence)
    digits = 8
    while len({_hex(one)[:digits] for one in ids}) < len(set(ids)):
        digits += 1
    return {one: _hex(one)[:digits] for one in ids}


def _hex(identity: str) -> str:
    return identity.rpartition(":")[2]
