"""Records as reviewers see them: which field is the text, where its spans are."""

from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.curate.readers.fields import DOCUMENT_TEXT
from lyrikstore.curate.recipes.filters.contract import FilterRecord
from lyrikstore.review.asked import ReviewedRecord
from lyrikstore.review.shown import MAX_SHOWN, shown_records
from lyrikstore.verify.review.model import FolderItem, encoded, parse_folder
from tests.web.review.reviewing import folder_of, questions_of

MANIFEST: Any = type("Manifest", (), {"body": {"strip": ["secret"], "field": "label"}})


def shown(*fields: dict[str, Any], texts: tuple[str, ...]) -> tuple[str, tuple[FolderItem, ...]]:
    """Return what reviewers see of records, and check that they can read it."""
    records = [
        (at, ReviewedRecord(at, (), (), FilterRecord("a", at, Digest.of(b""), one, one, texts)), ())
        for at, one in enumerate(fields)
    ]
    questions = questions_of((), spans="spans")
    text, items = shown_records(MANIFEST, questions, MANIFEST, records)
    assert parse_folder(folder_of(items, questions, text=text)[0]).items == items
    return text, items


@pytest.mark.parametrize(
    ("fields", "texts", "text", "spans"),
    [
        ({"z": "one two", "a": "b"}, ("z", "a"), "z", [(0, 3, "w")]),
        ({"a": "b"}, ("z", "a"), "", []),
        ({"secret": "one two", "a": "three"}, ("secret", "a"), "a", []),
        ({"z": ["one two"]}, ("z",), "z", []),
        ({"z": "one"}, (), "", []),
        ({DOCUMENT_TEXT: "one", "text": "b"}, (DOCUMENT_TEXT,), "text", [(0, 3, "w")]),
    ],
)
def test_the_text(fields, texts, text, spans) -> None:
    record = {**fields, "spans": [{"start": 0, "end": 3, "label": "w"}], "label": "law"}
    name, (item,) = shown(record, texts=texts)
    assert (name, list(item.spans)) == (text, spans)
    assert not {"spans", "label", "secret"} & item.fields.keys()
    assert len(item.fields) == len(fields.keys() - {"secret"})


def test_spans_outside_the_text_are_left_out() -> None:
    given = [[0, 1], [1, 1], [-1, 2], [0, MAX_SHOWN + 1], [True, 2], [0, MAX_SHOWN, "x"], 3, [1]]
    _, (item,) = shown({"t": "a" * (MAX_SHOWN + 9), "spans": given}, texts=("t",))
    assert item.spans == ((0, 1, ""), (0, MAX_SHOWN, "x"))


def test_the_text_comes_first() -> None:
    text, items = shown({"z": "1", "a": "2", "10": "3"}, {"a": "4"}, texts=("z",))
    folder = parse_folder(folder_of(items, questions_of(()), text=text)[0])
    assert [name for name, _ in folder.fields_of(items[0])] == ["z", "10", "a"]
    assert list(folder.fields_of(items[1])) == [("a", "4")]
    assert encoded(folder) == folder_of(items, questions_of(()), text=text)[0]
