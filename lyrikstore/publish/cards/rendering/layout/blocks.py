"""Blocks of a rendered card, and the parts of their lines."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

Shown = Mapping[str, Any]
"""A statement, as ``card.json`` holds it."""


class StatementLine(Struct, frozen=True):
    """A statement, printed.

    Attributes:
        shown: The statement.
        title: Start of the line; empty: the line starts with the text.
        anchor: Name of this place.
        cited: The labels of its evidence.
        text: The printed text; empty: it stands elsewhere in the block.
        large: Whether the text is set in large type.
        bare: Whether state and evidence stand elsewhere in the block.
    """

    shown: Shown
    title: str
    anchor: str
    cited: Sequence[str]
    text: str
    large: bool = False
    bare: bool = False


class Reference(Struct, frozen=True):
    """A link to places in the card.

    Attributes:
        text: The words.
        anchors: Names of the places, one at least; those after the first are numbered.
        state: The state of the statements there, and of those of the references before it; empty:
            a reference behind it has it.
    """

    text: str
    anchors: Sequence[str]
    state: str = ""


class Badge(Struct, frozen=True):
    """A state, as a word in a frame.

    Attributes:
        text: The word.
        state: The state that it is coloured by.
    """

    text: str
    state: str = ""


class Identifier(Struct, frozen=True):
    """An id in full.

    Attributes:
        text: The id.
    """

    text: str


Inline = str | StatementLine | Reference | Badge | Identifier
"""A part of a line; a ``str`` is shown literally, whoever wrote it."""


class Heading(Struct, frozen=True):
    """A heading.

    Attributes:
        text: Its text.
        level: 1 to 3.
        page: Whether a new page begins here, on paper.
        anchor: Name of this place.
    """

    text: str
    level: int = 2
    page: bool = False
    anchor: str = ""


class Paragraph(Struct, frozen=True):
    """A paragraph written by the program.

    Attributes:
        text: The words.
        kind: ``strong``, ``quiet`` or empty.
    """

    text: str
    kind: str = ""


class LineList(Struct, frozen=True):
    """A list, one line for each entry.

    Attributes:
        lines: The lines.
        bullets: Whether each line begins with a bullet.
    """

    lines: Sequence[Sequence[Inline]]
    bullets: bool = False


class TermList(Struct, frozen=True):
    """Words with what is to be known of each.

    Attributes:
        rows: The word, and its line.
    """

    rows: Sequence[tuple[str, Sequence[Inline]]]


class FlowPart(Struct, frozen=True):
    """A statement within a :class:`StatementFlow`.

    Attributes:
        title: Its title.
        text: Its text; empty: it is the lead of the flow.
        anchor: Name of this place.
        cited: The labels of its evidence; empty: those of the flow.
    """

    title: str
    text: str
    anchor: str
    cited: Sequence[str] = ()


class StatementFlow(Struct, frozen=True):
    """Statements with the same state, one after another in a paragraph.

    Attributes:
        lead: Their common subject or text.
        parts: The statements.
        state: Their state, in words.
        word: Their state.
        cited: The labels of their evidence, if all have the same.
    """

    lead: str
    parts: Sequence[FlowPart]
    state: str
    word: str
    cited: Sequence[str]


class TableRow(Struct, frozen=True):
    """A row of a table.

    Attributes:
        cells: One for each column.
        anchor: Name of this place; may be empty.
    """

    cells: Sequence[Sequence[Inline]]
    anchor: str = ""


class Table(Struct, frozen=True):
    """A table.

    Attributes:
        titles: Titles of the columns.
        rows: The rows.
        figures: Whether all columns but the first and the last hold figures.
    """

    titles: Sequence[str]
    rows: Sequence[TableRow]
    figures: bool = False


class Chart(Struct, frozen=True):
    """A chart of the values of statements, with a table of the same values.

    Attributes:
        kind: A function of :mod:`~lyrikstore.publish.cards.rendering.charts`.
        title: Its caption.
        value: The value to draw.
        of: The statements that the chart prints.
        lines: Statements in words below it.
    """

    kind: str
    title: str
    value: Any
    of: Sequence[StatementLine] = ()
    lines: Sequence[StatementLine] = ()


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


class Approvals(Struct, frozen=True):
    """The place for approvals, which are logged after the card is signed."""


class Box(Struct, frozen=True):
    """Blocks in a frame with a title.

    Attributes:
        title: The title.
        blocks: The blocks.
        anchor: Name of this place.
        kind: ``lead`` for the box that decides; else empty.
    """

    title: str
    blocks: Sequence["Block"]
    anchor: str
    kind: str = ""


class Panels(Struct, frozen=True):
    """Columns beside each other, where there is room.

    Attributes:
        columns: The boxes and charts of each.
    """

    columns: Sequence[Sequence["Box | Chart"]]


Block = (
    Heading | Paragraph | LineList | TermList | StatementFlow | Table | Chart | Bullets | Code
    | Approvals | Box | Panels
)  # fmt: skip
