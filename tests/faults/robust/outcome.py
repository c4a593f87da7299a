"""The robustness table: what was tried, what survived, and what exactly did not."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

KINDS = ("lost", "undetected", "traceback", "hang", "stuck lock", "other")
HEAD = (
    "scenario",
    "tries",
    "survived",
    "lost",
    "undetected",
    "tracebacks",
    "hangs",
    "stuck locks",
)


class UnavailableError(Exception):
    """This machine cannot run a scenario; the text says what is missing."""


@dataclass(frozen=True)
class Finding:
    """Something that went wrong in one try.

    Attributes:
        kind: One of :data:`KINDS`.
        text: What happened, for whoever repairs it.
    """

    kind: str
    text: str


@dataclass
class Row:
    """One scenario.

    Attributes:
        scenario: What was done, in a few words.
        tries: How often.
        survived: Tries without any finding.
        counts: Tries with a finding, by kind; a try counts once per kind.
        findings: Every finding, with the try it belongs to.
        facts: Figures worth knowing beside the table.
        skipped: Why the scenario did not run; empty if it did.
    """

    scenario: str
    tries: int = 0
    survived: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    facts: Counter[str] = field(default_factory=Counter)
    skipped: str = ""

    def add(self, label: object, findings: Iterable[Finding]) -> None:
        """Count one try and what was found in it."""
        found = list(findings)
        self.tries += 1
        self.survived += not found
        self.counts.update({finding.kind for finding in found})
        self.findings += [f"{label}: {finding.kind}: {finding.text}" for finding in found]

    @property
    def held(self) -> bool:
        """Whether every try survived, and there was at least one."""
        return bool(self.skipped) or (self.tries > 0 and self.survived == self.tries)

    def cells(self) -> list[str]:
        """Return the cells of :data:`HEAD`."""
        if self.skipped:
            return [self.scenario, f"not run: {self.skipped}", *[""] * 6]
        counts = [str(self.counts[kind]) for kind in KINDS[:5]]
        facts = ", ".join(f"{count} {what}" for what, count in self.facts.items())
        name = f"{self.scenario} ({facts})" if facts else self.scenario
        return [name, str(self.tries), str(self.survived), *counts]

    def __iadd__(self, other: "Row") -> "Row":
        """Add what another part of the same scenario found."""
        self.tries += other.tries
        self.survived += other.survived
        self.counts.update(other.counts)
        self.findings += other.findings
        self.facts.update(other.facts)
        self.skipped = "; ".join(dict.fromkeys(filter(None, (self.skipped, other.skipped))))
        return self


def joined(rows: Iterable[Row]) -> list[Row]:
    """Return the rows, those of one scenario added up."""
    found: dict[str, Row] = {}
    for row in rows:
        if row.scenario in found:
            found[row.scenario] += row
        else:
            found[row.scenario] = row
    return list(found.values())


def total(rows: Sequence[Row]) -> Row:
    """Return the sum of all rows."""
    whole = Row("all")
    for row in rows:
        whole.tries += row.tries
        whole.survived += row.survived
        whole.counts.update(row.counts)
    return whole


def text(rows: Sequence[Row]) -> str:
    """Return the table for a terminal, with every finding below it."""
    body = [list(HEAD), *(row.cells() for row in (*rows, total(rows)))]
    ran = [line for line in body if not line[1].startswith("not run")]
    widths = [max(len(line[column]) for line in ran) for column in range(len(HEAD))]
    widths[0] = max(len(line[0]) for line in body)
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in body
    ]
    return "\n".join(
        [*lines, *(f"! {row.scenario}: {one}" for row in rows for one in row.findings)]
    )
