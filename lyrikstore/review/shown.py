"""Records as reviewers see them: fields, spans, candidate (spec §26.5)."""

from collections.abc import Iterable, Set
from typing import Final

from lyrikstore.canon.json import JSON
from lyrikstore.curate.readers.fields import DOCUMENT_TEXT
from lyrikstore.curate.readers.rows import as_text
from lyrikstore.curate.recipes.filters.contract import TEXT, FilterRecord
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.review.asked import ReviewedRecord
from lyrikstore.verify.review.model import FolderItem, Questions

MAX_SHOWN: Final = 100_000
"""Longest text of a field in a folder, in characters; the rest is cut, and said."""
Given = tuple[tuple[str, ...], ...]
"""In an adjudication what the reviewers said about an item."""


def shown_records(
    request: Manifest,
    questions: Questions,
    dataset: Manifest,
    records: Iterable[tuple[int, ReviewedRecord, Given]],
) -> tuple[str, tuple[FolderItem, ...]]:
    """Return the field that is the text of records, and the records as a reviewer sees them.

    Args:
        request: The request.
        questions: Its questions.
        dataset: The dataset.
        records: Item, record and what the reviewers said about it, in the reviewer's order.

    Returns:
        The first field with a text that reviewers see, empty if no record has one; and the items.
        Only a text that is the first of its record has spans: they are of that one.
    """
    hidden = {*request.body["strip"], request.body["field"], questions.spans} - {""}
    by = ", ".join(entry["name"] for entry in dataset.body.get("generators", []))
    items, text = [], ""
    for item, one, given in records:
        record = one.record
        first = next((name for name in record.text_fields if name not in hidden), None)
        texts = _texts(record, hidden)
        spans: tuple[tuple[int, int, str], ...] = ()
        if first is not None and (shown := _shown_name(record, first)) in texts:
            text = shown
            if first == record.text_fields[0] and isinstance(record.fields[first], str):
                spans = _spans(record.fields.get(questions.spans), str(record.fields[first]))
        items.append(FolderItem(item, texts, spans, one.candidate, by, given))
    return text, tuple(items)


def _texts(record: FilterRecord, hidden: Set[str]) -> dict[str, str]:
    return {
        _shown_name(record, name): _cut(as_text(value) or "")
        for name, value in record.fields.items()
        if name not in hidden and value is not None
    }


def _shown_name(record: FilterRecord, name: str) -> str:
    """Return the name of a field; the text of a document is shown as ``text``."""
    if name == DOCUMENT_TEXT:
        return TEXT
    return f"meta:{name}" if name == TEXT and record.is_document else name


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + " […]"


def _spans(value: JSON, text: str) -> tuple[tuple[int, int, str], ...]:
    """Return the spans of a field that fit a text; others are left out."""
    length = min(len(text), MAX_SHOWN)
    found = []
    for one in value if isinstance(value, list) else ():
        if isinstance(one, dict):
            start, end, word = one.get("start"), one.get("end"), one.get("label", "")
        elif isinstance(one, list) and len(one) in (2, 3):
            start, end, word = one[0], one[1], one[2] if len(one) == 3 else ""
        else:
            continue
        if type(start) is int and type(end) is int and 0 <= start < end <= length:
            found.append((start, end, str(word)[:200]))
    return tuple(found)
