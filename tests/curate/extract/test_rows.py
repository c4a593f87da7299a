"""Rows of documents and of chunks keep what was known, and say where they come from."""

from lyrikstore.curate.extract.chunk import chunk
from lyrikstore.curate.extract.document import extract
from lyrikstore.curate.extract.result import Extracted
from lyrikstore.curate.extract.rows import chunk_row, document_row, page_starts
from tests.curate.extract import making

PDF = making.pages_pdf([making.line("first page"), making.line("second")])
MAIL = b"From: a@b.c\nDate: x\nSubject: Hello\nContent-Type: application/pdf\n\n%PDF"


def read(path: str, data: bytes) -> Extracted:
    found = extract(path, data)
    assert isinstance(found, Extracted)
    return found


def test_a_document_keeps_its_columns_and_says_its_parent() -> None:
    columns = {"matter": "5", "pages": "2", "sheet_pages": "x"}
    assert document_row(read("a.pdf", PDF), path="a.pdf", parent="id", columns=columns) == {
        "text": "first page\nsecond",
        "path": "a.pdf",
        "parent": "id",
        "pages": [0, 11],
        "matter": "5",
        "sheet_pages": "x",
        "sheet_sheet_pages": "2",
    }


def test_a_message_has_its_headers_unless_a_person_said_otherwise() -> None:
    row = document_row(read("a.eml", MAIL), path="a.eml", parent="id", columns={"subject": "Rent"})
    (attached,) = row.pop("attachments")  # type: ignore[misc,union-attr]
    assert attached["bytes"] == 4  # type: ignore[index,call-overload]
    assert row == {
        "text": "",
        "path": "a.eml",
        "parent": "id",
        "from": "a@b.c",
        "date": "x",
        "subject": "Rent",
    }


def test_a_chunk_names_document_page_and_place() -> None:
    row = document_row(read("a.pdf", PDF), path="a.pdf", parent="id", columns={"matter": "5"})
    text = str(row["text"])
    rows = [
        chunk_row(one, record=row, record_id="other", texts=["text"])
        for one in chunk(text, "tokens", 2, pages=page_starts(row))
    ]
    common = {"path": "a.pdf", "parent": "id", "matter": "5"}
    assert rows == [
        {"text": "first page", "page": 1, "start": 0, "end": 10, **common},
        {"text": "second", "page": 2, "start": 11, "end": 17, **common},
    ]


def test_a_chunk_of_a_row_names_the_row() -> None:
    record = {"facts": "a b", "law": "c", "label": ["x"], "page": "old", "pages": [5, 1]}
    (one,) = chunk("a b\n\nc", "tokens", 9, pages=page_starts(record))
    assert chunk_row(one, record=record, record_id="id", texts=["facts", "law"]) == {
        "text": "a b\n\nc",
        "start": 0,
        "end": 6,
        "parent": "id",
        "label": ["x"],
    }


def test_pages_that_a_row_states_are_checked() -> None:
    for pages in ("0", [1], [0, "1"], [0, 5, 3], [0, True], None, [], {}):
        assert page_starts({"pages": pages}) == []
    assert page_starts({"pages": [0, 4, 4]}) == [0, 4, 4]
