"""What a rendering of a card is made of: headings, paragraphs, statements, tables, charts."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

Shown = Mapping[str, Any]
"""A statement, as ``card.json`` holds it."""


class Heading(Struct, frozen=True):
    """A heading.

    Attributes:
        text: What it says.
        level: 1 to 3.
        page: Whether a new page begins here, on paper.
    """

    text: str
    level: int = 2
    page: bool = False


class Paragraph(Struct, frozen=True):
    """Words of the program, not of anybody who signed.

    Attributes:
        text: The words.
        strong: Whether they have to be seen.
    """

    text: str
    strong: bool = False


class StatementLine(Struct, frozen=True):
    """A statement in its line.

    Attributes:
        shown: The statement.
        title: How the line begins.
        cited: The labels of its evidence.
    """

    shown: Shown
    title: str
    cited: Sequence[str]


class StatementList(Struct, frozen=True):
    """Statements, one a line, each with its evidence.

    Attributes:
        lines: Them.
    """

    lines: Sequence[StatementLine]


class Table(Struct, frozen=True):
    """Rows of text, each with the evidence of the statements it shows.

    Attributes:
        titles: Of the columns.
        rows: Cells, and the labels of the objects that the row rests on.
    """

    titles: Sequence[str]
    rows: Sequence[tuple[Sequence[str], Sequence[str]]]


class Chart(Struct, frozen=True):
    """A picture of what a statement's value holds; where there are no pictures, nothing.

    Attributes:
        kind: ``metrics``, ``confusion``, ``calibration``, ``coverage``, ``slices`` or ``flow``.
        title: What it shows, for people who hear it.
        value: What is drawn.
    """

    kind: str
    title: str
    value: Any


class Bullets(Struct, frozen=True):
    """Lines of the program's own.

    Attributes:
        lines: Them.
    """

    lines: Sequence[str]


class Code(Struct, frozen=True):
    """Lines to type.

    Attributes:
        lines: Them.
    """

    lines: Sequence[str]


class EvidenceList(Struct, frozen=True):
    """The objects that the card rests on.

    Attributes:
        rows: Label, what it is, and id of each.
    """

    rows: Sequence[tuple[str, str, str]]


Block = Heading | Paragraph | StatementList | Table | Chart | Bullets | Code | EvidenceList
