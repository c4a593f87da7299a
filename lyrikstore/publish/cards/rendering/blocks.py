"""Blocks of a rendered card: headings, paragraphs, statements, tables, charts."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

Shown = Mapping[str, Any]
"""A statement, as ``card.json`` holds it."""


class Heading(Struct, frozen=True):
    """A heading.

    Attributes:
        text: Its text.
        level: 1 to 3.
        page: Whether a new page begins here, on paper.
    """

    text: str
    level: int = 2
    page: bool = False


class Paragraph(Struct, frozen=True):
    """A paragraph written by the program, not by a signer.

    Attributes:
        text: The words.
        strong: Whether they are emphasized.
    """

    text: str
    strong: bool = False


class StatementLine(Struct, frozen=True):
    """A statement in one line.

    Attributes:
        shown: The statement.
        title: Start of the line.
        cited: The labels of its evidence.
    """

    shown: Shown
    title: str
    cited: Sequence[str]


class StatementList(Struct, frozen=True):
    """Statements, one a line, each with its evidence.

    Attributes:
        lines: The statements.
    """

    lines: Sequence[StatementLine]


class Table(Struct, frozen=True):
    """Rows of text, each with the evidence of the statements it shows.

    Attributes:
        titles: Titles of the columns.
        rows: Cells, and the labels of the objects that the row rests on.
    """

    titles: Sequence[str]
    rows: Sequence[tuple[Sequence[str], Sequence[str]]]


class Chart(Struct, frozen=True):
    """A chart of the value of a statement; omitted in renderings without charts.

    Attributes:
        kind: ``metrics``, ``confusion``, ``calibration``, ``coverage``, ``slices`` or ``flow``.
        title: Its description, for screen readers.
        value: The value to draw.
    """

    kind: str
    title: str
    value: Any


class Bullets(Struct, frozen=True):
    """A list of lines written by the program.

    Attributes:
        lines: The lines.
    """

    lines: Sequence[str]


class Code(Struct, frozen=True):
    """Commands to type.

    Attributes:
        lines: The commands, one a line.
    """

    lines: Sequence[str]


class EvidenceList(Struct, frozen=True):
    """The objects that the card rests on.

    Attributes:
        rows: Label, description and id of each object.
    """

    rows: Sequence[tuple[str, str, str]]


Block = Heading | Paragraph | StatementList | Table | Chart | Bullets | Code | EvidenceList
