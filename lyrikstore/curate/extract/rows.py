"""Rows that documents and texts become: which fields they have (spec §12.5.10, §12.5.11)."""

from collections.abc import Collection, Mapping

from msgspec import to_builtins

from lyrikstore.canon.json import JSON
from lyrikstore.curate.extract.chunk import TextChunk
from lyrikstore.curate.extract.result import Extracted

TEXT, PATH, PARENT, PAGES = "text", "path", "parent", "pages"
PAGE, START, END = "page", "start", "end"
ATTACHMENTS = "attachments"

EXTRACTED_FIELDS = frozenset({TEXT, PATH, PARENT, PAGES, ATTACHMENTS})
"""Fields of the row of a document that no column of a sheet can have."""

CHUNK_FIELDS = frozenset({TEXT, PARENT, PAGE, START, END})
"""Fields of a chunk that it does not get from its record."""


def document_row(
    found: Extracted, *, path: str, parent: str, columns: Mapping[str, JSON]
) -> dict[str, JSON]:
    """Return the row of a document.

    Args:
        found: Its text.
        path: Its path.
        parent: Its record id.
        columns: What a sheet says of it. What a person wrote goes before what the document says
            of itself; a column that has the name of one of :data:`EXTRACTED_FIELDS` is renamed,
            not lost.
    """
    row: dict[str, JSON] = dict(found.fields)
    row |= {free_name(name, columns): value for name, value in columns.items()}
    row |= {TEXT: found.text, PATH: path, PARENT: parent}
    if found.page_starts:
        row[PAGES] = list(found.page_starts)
    if found.attachments:
        row[ATTACHMENTS] = [to_builtins(one) for one in found.attachments]
    return row


def free_name(name: str, columns: Collection[str]) -> str:
    """Return the field that a column becomes: its name, or ``sheet_NAME`` where that is taken."""
    if name not in EXTRACTED_FIELDS:
        return name
    while name in EXTRACTED_FIELDS or name in columns:
        name = f"sheet_{name}"
    return name


def chunk_row(
    part: TextChunk, *, record: Mapping[str, JSON], record_id: str, texts: Collection[str]
) -> dict[str, JSON]:
    """Return the row of a chunk.

    Args:
        part: The chunk.
        record: The fields of the record that it was cut from.
        record_id: The id of that record: the chunk's parent, unless the record is the row of a
            document, whose parent it keeps: start, end and page are places in that document.
        texts: The fields of the record that are its text; ``text`` takes their place.
    """
    gone = {*texts, PAGES, *CHUNK_FIELDS}
    row = {name: value for name, value in record.items() if name not in gone}
    row |= {TEXT: part.text, START: part.start, END: part.end}
    row[PARENT] = record[PARENT] if is_document_row(record) else record_id
    if part.page is not None:
        row[PAGE] = part.page
    return row


def is_document_row(record: Mapping[str, JSON]) -> bool:
    """Return whether a record has what :func:`document_row` gives it."""
    return all(isinstance(record.get(name), str) for name in (TEXT, PATH, PARENT))


def page_starts(record: Mapping[str, JSON]) -> list[int]:
    """Return where the pages of a record's text begin; empty unless it says so soundly."""
    stated = record.get(PAGES)
    if not isinstance(stated, list):
        return []
    starts = [one for one in stated if isinstance(one, int) and not isinstance(one, bool)]
    sound = len(starts) == len(stated) and starts == sorted(starts) and starts[:1] == [0]
    return starts if sound else []
