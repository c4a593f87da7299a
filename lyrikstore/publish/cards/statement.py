"""Statements of a card: each one fact, its state, and the objects it rests on (spec §14.4.2)."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import JSON, as_json
from lyrikstore.canon.text import pluralize
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.publish.markdown import plain

STATES: Mapping[str, str] = {
    "measured": "computed from data or answers, and can be computed again",
    "derived": "follows from signed objects",
    "stated": "said by whoever signed the object",
    "attested": "said and signed by somebody about the model or its data",
    "decided": "decided by rules that were in force",
    "not-established": "no object says it",
    "not-applicable": "somebody says that it does not apply",
    "stale": "answered when the facts were others",
    "contradicted": "an answer that the facts contradict",
}
"""State → its meaning, in the order in which states are shown."""

OPEN = frozenset({"not-established", "stale", "contradicted"})
"""States that require an action."""

MAX_TEXT = 4000

Cited = tuple[Digest, str]
"""Id of an object, and its description."""


class Said(Struct, frozen=True):
    """The value of a fact for one subject, before it becomes a statement of a card.

    Attributes:
        text: The fact in words; may be foreign text.
        evidence: The objects it rests on; at least one.
        state: A word of :data:`STATES`.
        subject: Its subject, such as a name or a label, if a fact has several.
        title: Title of the statement; empty: that of the fact.
        value: The fact for programs; decimals are strings.
        by: DID of the author; empty: the signer of the evidence.
        liable: What the author accepts liability for, in their words; may be empty.
    """

    text: str
    evidence: tuple[Cited, ...]
    state: str = "derived"
    subject: str = ""
    title: str = ""
    value: JSON = None
    by: str = ""
    liable: str = ""


class CardStatement(Struct, frozen=True, omit_defaults=True):
    """One statement of a card.

    Attributes:
        id: Name of the fact, and of its subject after a colon; unique in a card.
        title: Its title, in a few words.
        text: Its text: one visible line (spec §14.5).
        state: A word of :data:`STATES`.
        evidence: The objects it rests on.
        value: The value for programs; None: there is only the text.
        by: DID of the author; may be empty.
        called: Name that the author gives itself; may be empty.
        was: Why an answer is stale or contradicted.
        liable: What the author accepts liability for, in their words; may be empty.
        own: Whether it is the answer of whoever made the subject, its run or the card.
    """

    id: str
    title: str
    text: str
    state: str
    evidence: tuple[Cited, ...]
    value: JSON = None
    by: str = ""
    called: str = ""
    was: str = ""
    liable: str = ""
    own: bool = False

    @property
    def fact(self) -> str:
        """The name of the fact."""
        return self.id.partition(":")[0]

    @property
    def subject(self) -> str:
        """The name of its subject; may be empty."""
        return self.id.partition(":")[2]

    def to_json(self) -> dict[str, JSON]:
        """Return its members in ``card.json``."""
        evidence = [str(identity) for identity, _ in self.evidence]
        return {**as_json(self), "about": self.subject, "evidence": evidence}


def statement(fact: str, title: str, said: Said) -> CardStatement:
    """Return the statement of a fact; foreign text becomes one visible line."""
    subject = plain(said.subject, 300)
    return CardStatement(
        id=f"{fact}:{subject}" if subject else fact,
        title=plain(said.title or title, 300),
        text=plain(said.text, MAX_TEXT),
        state=said.state,
        evidence=said.evidence,
        value=said.value,
        by=said.by,
        liable=plain(said.liable, MAX_TEXT),
    )


def named(manifest: Manifest) -> Cited:
    """Return a manifest as evidence."""
    return manifest.id, f"{manifest.kind} {manifest.name}"


def counted(count: int, one: str, many: str = "") -> str:
    """Return a count and its noun as ``pluralize`` does, with separators between thousands."""
    return f"{count:,}{pluralize(count, one, many).removeprefix(str(count))}"


def listed(values: Iterable[Any]) -> str:
    """Return values as text, separated by commas."""
    return ", ".join(str(value) for value in values)
