"""Content ids: ids of the texts and labels of records, independent of fields (spec §11.7.3)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from blake3 import blake3

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import JSON
from lyrikstore.curate.readers.fields import FieldRoles, is_text
from lyrikstore.curate.readers.records import ROWS, iter_rows
from lyrikstore.curate.readers.rows import RowError, as_texts, parse_row
from lyrikstore.curate.recipes.source import MAX_TEXT_BYTES
from lyrikstore.curate.text import normalise
from lyrikstore.history.records.order_root import DOCUMENT
from lyrikstore.history.records.rows import BadRow
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.verify.datasets.body import companions_of
from lyrikstore.verify.datasets.reading import CONTENT_BYTES, OpenBlob

CONTEXT = "lyrikstore 2026-12 record content"
"""Key derivation context of content ids."""

LEAST_CHARACTERS = 20
"""Shorter texts occur in many records by chance; they are compared only with their labels."""

_HASHER = blake3(derive_key_context=CONTEXT)


def content_id(texts: Iterable[str], labels: Iterable[str] = ()) -> bytes | None:
    """Return the id of a record's content; fields, case and white space do not change it.

    Args:
        texts: Its texts, in order.
        labels: Its labels, in any order; they count only if the text is short.

    Returns:
        16 bytes; None if the content is so short that equal contents are likely to be chance.
    """
    text = normalise(" ".join(texts))
    parts = [text]
    if len(text) < LEAST_CHARACTERS:
        parts += sorted({normalise(label) for label in labels})
        if not text or sum(map(len, parts)) < LEAST_CHARACTERS:
            return None
    hasher = _HASHER.copy()
    hasher.update("\0".join(parts).encode("utf-8", "surrogatepass"))
    return hasher.digest(CONTENT_BYTES)


def content_ids(
    body: Mapping[str, Any], tree: Tree, open_blob: OpenBlob
) -> Iterator[tuple[int, bytes]]:
    """Yield the number of the file, from 0, and the content id of each record that has one.

    Raises:
        InvalidInputError: (``no-reader``, ``bad-record``) the files have no such records.
        VerificationError, IncompleteError: A blob is damaged or missing.

    Cost: one read; a document in memory, or a row.
    """
    reader, roles = body["reader"], FieldRoles.of_body(body)
    companions = companions_of(body, tree)
    for number, entry in enumerate(tree.entries):
        if entry.path in companions:
            continue
        if reader == DOCUMENT:
            found = _document(entry, roles, open_blob)
        elif reader in ROWS:
            found = _rows(reader, entry, roles, open_blob)
        else:
            raise InvalidInputError("no-reader", f"{reader} has no fields that are texts")
        yield from ((number, one) for one in found if one is not None)


def _document(entry: TreeEntry, roles: FieldRoles, open_blob: OpenBlob) -> Iterator[bytes | None]:
    if entry.bytes > MAX_TEXT_BYTES:
        return
    with open_blob(entry.blake3) as stream:
        data = stream.read()
    try:
        text = data.decode()
    except UnicodeDecodeError:  # not a text: it has no content id
        return
    yield content_id([text], roles.labels(entry.meta or {}))


def _rows(
    reader: str, entry: TreeEntry, roles: FieldRoles, open_blob: OpenBlob
) -> Iterator[bytes | None]:
    with open_blob(entry.blake3) as stream:
        for row in iter_rows(reader, entry.path, stream):
            reason = row.reason if isinstance(row, BadRow) else ""
            try:
                fields = {} if isinstance(row, BadRow) else parse_row(row.data)
            except RowError as error:
                reason = str(error)
            if reason:
                where = BadRow(row.line, "").place(reader)
                raise InvalidInputError("bad-record", f"{entry.path}: {where}: {reason}")
            yield content_id(_texts(fields, roles), roles.labels(fields))


def _texts(fields: Mapping[str, JSON], roles: FieldRoles) -> list[str]:
    if roles.text:
        return [text for name in roles.text for text in as_texts(fields.get(name))]
    # ATTACK: a publisher names no text field, to avoid comparison. Then the longest text counts.
    values = (as_texts(value) for value in fields.values() if is_text(value))
    return max(values, key=lambda texts: sum(map(len, texts)), default=[])
