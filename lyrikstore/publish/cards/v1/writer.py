"""Writing the statements of a card, each with the evidence it rests on (spec §14.4.2)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from lyrikstore.canon.digest import Digest
from lyrikstore.publish.markdown import code, escape

NOT_ESTABLISHED = "*not established*"


@dataclass(slots=True)
class CardWriter:
    """Numbers the evidence as it is first used, and counts the statements.

    A statement is a line or table row that says something; each names at least one object. What
    the objects do not say is a statement too: *not established*, with the reason.

    Attributes:
        statements: Statements made.
        not_established: Of these, things not established.
        claimed: Of these, answers of a person.
        evidence: Object id → what it is, in the order of first use.
    """

    statements: int = 0
    not_established: int = 0
    claimed: int = 0
    evidence: dict[Digest, str] = field(default_factory=dict)

    def cite(self, objects: Sequence[tuple[Digest, str]]) -> str:
        """Return the references ``E1 E2`` to objects given as ``(id, what it is)``."""
        for identity, what in objects:
            self.evidence.setdefault(identity, what)
        numbers = list(self.evidence)
        return " ".join(f"[E{numbers.index(identity) + 1}](#evidence)" for identity, _ in objects)

    def say(self, text: str, *objects: tuple[Digest, str]) -> str:
        """Return one stated line: finished Markdown, then its evidence."""
        self.statements += 1
        return f"- {text} {self.cite(objects)}"

    def row(self, cells: Sequence[str], *objects: tuple[Digest, str]) -> str:
        """Return one stated table row: finished cells, then its evidence as the last cell."""
        self.statements += 1
        return f"| {' | '.join(cells)} | {self.cite(objects)} |"

    def lack(self, what: str, reason: str, *objects: tuple[Digest, str]) -> str:
        """Return a line that says that something is not established, and why."""
        self.not_established += 1
        return self.say(f"{_asked(what)} {NOT_ESTABLISHED} ({reason})", *objects)

    def claim(self, what: str, answer: str, by: str, *objects: tuple[Digest, str]) -> str:
        """Return a line with a person's answer, escaped, and whose it is: finished Markdown."""
        self.claimed += 1
        text = f"{_asked(what)} {escape(answer, 4000)} *({by})*"
        return self.say(text, *objects)

    def table(self) -> list[str]:
        """Return the table of all evidence."""
        lines = ["| | what | id |", "| --- | --- | --- |"]
        for number, (identity, what) in enumerate(self.evidence.items(), 1):
            lines.append(f"| E{number} | {escape(what)} | {code(str(identity))} |")
        return lines


def _asked(what: str) -> str:
    return what if what.endswith(("?", ")")) else f"{what}:"
