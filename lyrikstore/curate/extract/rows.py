"""The rows of documents and of chunks, and their fields (spec §12.5.26, §12.5.27).

A row depends only on what the step puts out: it has no digest of a file that was read, or of a text
that another step changed.
"""

import re
from collections.abc import Collection, Mapping

from blake3 import blake3
from msgspec import to_builtins

from lyrikstore.canon.json import JSON
from lyrikstore.curate.extract.chunk import TextChunk
from lyrikstore.curate.extract.result import Extracted

TEXT, PATH, PARENT, PAGES = "text", "path", "parent", "pages"
DOCUMENT, PART, PAGE, START, END = "document", "part", "page", "start", "end"
ATTACHMENTS = "attachments"

EXTRACTED_FIELDS = frozenset({TEXT, PATH, PARENT, PAGES, ATTACHMENTS})
"""Fields of a document's row that a column of a sheet cannot set; ``parent`` is of version 1."""

CHUNK_FIELDS = frozenset({TEXT, DOCUMENT, PART, PAGE, START, END})
"""Fields of a chunk that are not copied from its record."""

CHUNK_FIELDS_1 = frozenset({TEXT, PARENT, PAGE, START, END})
"""Fields of a chunk of version 1 that are not copied from its record."""

_CONTEXT = "lyrikstore 2026-12 document"
_DIGEST = re.compile("[0-9a-f]{64}")


def document_row(
    found: Extracted, *, path: str, columns: Mapping[str, JSON], parent: str = ""
) -> dict[str, JSON]:
    """Return the row of a document.

    Args:
        found: Its extracted text.
        path: Its path.
        parent: Its record id for ``extract-text/1``, whose rows also have the digests of
            attachments; empty for later versions.
        columns: Its values in the sheet. They take precedence over the metadata in the document; a
            column with the name of one of :data:`EXTRACTED_FIELDS` is renamed.
    """
    row: dict[str, JSON] = dict(found.fields)
    row |= {free_name(name, columns): value for name, value in columns.items()}
    row |= {TEXT: found.text, PATH: path}
    if parent:
        row[PARENT] = parent
    if found.page_starts:
        row[PAGES] = list(found.page_starts)
    if found.attachments:
        listed = [to_builtins(one) for one in found.attachments]
        for one in () if parent else listed:
            # ATTACK A72: a short attachment could be guessed back.
            del one["blake3"]
        row[ATTACHMENTS] = listed
    return row


def free_name(name: str, columns: Collection[str]) -> str:
    """Return the field name of a sheet's column: its name, or ``sheet_NAME`` if that is taken."""
    if name not in EXTRACTED_FIELDS:
        return name
    while name in EXTRACTED_FIELDS or name in columns:
        name = f"sheet_{name}"
    return name


def document_digest(text: str) -> str:
    """Return the digest of the text that chunks were cut from, as 64 hex digits (spec §12.5.27)."""
    return blake3(text.encode(), derive_key_context=_CONTEXT).hexdigest()


def chunk_row(
    chunk: TextChunk,
    *,
    record: Mapping[str, JSON],
    texts: Collection[str],
    own: Collection[str],
    known_by: Mapping[str, JSON],
) -> dict[str, JSON]:
    """Return the row of a chunk.

    Args:
        chunk: The chunk.
        record: The fields of the record that it was cut from.
        texts: The fields of the record that are its text; ``text`` takes their place.
        own: The fields that are not copied from the record.
        known_by: The fields that identify the record, and the chunk in it.
    """
    replaced = {*texts, PAGES, *own}
    row = {name: value for name, value in record.items() if name not in replaced}
    row |= {TEXT: chunk.text, START: chunk.start, END: chunk.end, **known_by}
    if chunk.page is not None:
        row[PAGE] = chunk.page
    return row


def is_document_row(record: Mapping[str, JSON]) -> bool:
    """Return whether a record has the fields of a document's row of version 1."""
    return all(isinstance(record.get(name), str) for name in (TEXT, PATH, PARENT))


def traces_of(record: Mapping[str, JSON]) -> frozenset[str]:
    """Return the fields of a row that would still reveal its text from before a change.

    They are the digest of the document, written by ``extract-text/1``, ``chunk/1`` and ``chunk/2``,
    and the range of a chunk in it. The result is empty if the row has no such digest. The name of
    the text field does not matter: map/1 may have renamed it.
    """
    digests = {
        name
        for name in (DOCUMENT, PARENT)
        if isinstance(value := record.get(name), str) and _DIGEST.fullmatch(value)
    }
    if not digests:
        return frozenset()
    return frozenset(digests | ({START, END} & record.keys()))


def page_starts(record: Mapping[str, JSON]) -> list[int]:
    """Return the positions where the pages of a record's text begin.

    The result is empty if the record states none, or invalid ones.
    """
    stated = record.get(PAGES)
    if not isinstance(stated, list):
        return []
    starts = [one for one in stated if isinstance(one, int) and not isinstance(one, bool)]
    sound = len(starts) == len(stated) and starts == sorted(starts) and starts[:1] == [0]
    return starts if sound else []
