"""Conversion between records of the source, records as steps see them, and changed records."""

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.curate.readers.fields import DOCUMENT_TEXT, FieldRoles
from lyrikstore.curate.readers.rows import Fields, encode_row, encode_value, parse_row
from lyrikstore.curate.recipes.filters.contract import FilterRecord
from lyrikstore.curate.recipes.step_results import Item
from lyrikstore.history.records.order_root import document_id, record_id
from lyrikstore.history.records.rows import JSONL


class SourceRecord(Struct, frozen=True):
    """A record of the source.

    Attributes:
        path: Its file.
        position: Its position in the file, from 0.
        fields: Its fields.
        row: Its bytes, if it is a row.
        blob: The digest of the file, if it is a document.
        data: The bytes of a document, if a step reads them; else its first bytes, or none.
    """

    path: str
    position: int
    fields: Fields
    row: bytes = b""
    blob: Digest | None = None
    data: bytes = b""

    def id(self, reader: str) -> Digest:
        """Return its record id."""
        return record_id(reader, self.row) if self.blob is None else document_id(self.blob)


def record_of(
    item: Item, base: SourceRecord, texts: tuple[str, ...], roles: FieldRoles
) -> FilterRecord:
    """Return a record as the next step sees it.

    Args:
        item: The results of earlier stages for it.
        base: The record in the source.
        texts: Names of the fields that are the text.
        roles: The roles of its fields.
    """
    fields = base.fields
    if texts != (DOCUMENT_TEXT,):
        fields = base.fields if item.data is None else parse_row(item.data)
    elif item.data is not None or item.meta is not None:
        fields = dict(base.fields if item.meta is None else item.meta)
        if item.data is not None:
            fields[DOCUMENT_TEXT] = item.data.decode()
        elif DOCUMENT_TEXT in base.fields:
            fields[DOCUMENT_TEXT] = base.fields[DOCUMENT_TEXT]
    return FilterRecord(
        base.path,
        base.position,
        Digest(item.id),
        fields,
        base.fields,
        texts,
        roles,
        base.data,
        Digest(item.origin or item.id),
        None if item.left is None else Digest(item.left),
        new_path=item.path,
    )


def made_line(item: Item, base: SourceRecord, start: FilterRecord, fields: Fields) -> bytes:
    """Return the JSON line of a row that a step makes from a record.

    Args:
        item: The results of earlier stages for that record.
        base: The record in the source.
        start: The record at the start of the stage: values that the new row has from it stay byte
            for byte.
        fields: The fields of the new row.

    Raises:
        LyrikstoreError: As :func:`encode_value`.
    """
    if start.is_document:
        return encode_value(dict(fields))
    return encode_row(item.data or base.row, start.fields, fields)


def left_id(item: Item, base: SourceRecord, start: FilterRecord, now: FilterRecord) -> Digest:
    """Return the record id of a record in its present state.

    Args:
        item: The results of earlier stages for it.
        base: The record in the source.
        start: The record at the start of the stage.
        now: The record now.

    Raises:
        LyrikstoreError: As :func:`made_line`.
    """
    if not now.is_document:
        return record_id(JSONL, made_line(item, base, start, now.fields))
    text = now.fields.get(DOCUMENT_TEXT)
    if isinstance(text, str) and text != base.fields.get(DOCUMENT_TEXT):
        return document_id(Digest.of(text.encode()))
    return Digest(item.id)


def keep_changes(item: Item, base: SourceRecord, start: FilterRecord, end: FilterRecord) -> None:
    """Store the new line, text or metadata of a record in ``item``.

    Args:
        item: The results for the record.
        base: The record in the source.
        start: The record at the start of the stage.
        end: The record at its end.

    Raises:
        LyrikstoreError: As :func:`made_line`.
    """
    if not end.is_document:
        line = made_line(item, base, start, end.fields)
        if start.is_document:
            item.data, item.meta = line, None
        else:
            item.data = None if line == base.row and item.origin is None else line
        return
    text = end.fields.get(DOCUMENT_TEXT)
    if isinstance(text, str) and text != start.fields.get(DOCUMENT_TEXT):
        item.data = text.encode()
    meta = {name: str(value) for name, value in end.fields.items() if name != DOCUMENT_TEXT}
    if meta != {name: value for name, value in start.fields.items() if name != DOCUMENT_TEXT}:
        item.meta = meta
