"""From records of a source to what steps see of them, and back to what they have become."""

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.curate.readers.fields import DOCUMENT_TEXT, FieldRoles
from lyrikstore.curate.readers.rows import Fields, encode_row, encode_value, parse_row
from lyrikstore.curate.recipes.filters.contract import FilterRecord
from lyrikstore.curate.recipes.step_results import Item
from lyrikstore.history.records.order_root import document_id, record_id
from lyrikstore.history.records.rows import JSONL


class SourceRecord(Struct, frozen=True):
    """A record as the source has it.

    Attributes:
        path: Its file.
        position: Its place there.
        fields: Its fields.
        row: Its bytes, if it is a row.
        blob: The digest of the file, if it is a document.
        data: The file, if a step reads that; else its first bytes, or none.
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
    """Return what the next step sees of a record.

    Args:
        item: What is found of it so far.
        base: What the source has there.
        texts: Which of its fields are the text.
        roles: Which field has which role.
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
    """Return the line of a row that a step makes of a record.

    Args:
        item: That record.
        base: What the source has there.
        start: What it was when its stage began: what the new row has of that stays byte for byte.
        fields: The fields of the new row.

    Raises:
        LyrikstoreError: As :func:`encode_value`.
    """
    if start.is_document:
        return encode_value(dict(fields))
    return encode_row(item.data or base.row, start.fields, fields)


def left_id(item: Item, base: SourceRecord, start: FilterRecord, now: FilterRecord) -> Digest:
    """Return the record id of a record as it is now.

    Args:
        item: The record.
        base: What the source has there.
        start: What it was when its stage began.
        now: What it is.

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
    """Note in ``item`` what it is now.

    Args:
        item: The record.
        base: What the source has there.
        start: What it was.
        end: What it is.

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
