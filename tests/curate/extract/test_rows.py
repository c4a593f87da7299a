"""Rows of documents and of chunks keep what was known, and say where they come from."""

from lyrikstore.curate.extract.chunk import chunk
from lyrikstore.curate.extract.document import extract
from lyrikstore.curate.extract.result import Extracted
from lyrikstore.curate.extract.rows import (
    CHUNK_FIELDS,
    chunk_row,
    document_digest,
    document_row,
    page_starts,
    traces_of,
)
from tests.curate.extract import making

PDF = making.pages_pdf([making.line("first page"), making.line("second")])
MAIL = b"From: a@b.c\nDate: x\nSubject: Hello\nContent-Type: application/pdf\n\n%PDF"


def read(path: str, data: bytes) -> Extracted:
    found = extract(path, data)
    assert isinstance(found, Extracted)
    return found


def test_a_document_keeps_its_columns_and_version_1_says_its_parent() -> None:
    columns = {"matter": "5", "pages": "2", "sheet_pages": "x"}
    row = {
        "text": "first page\nsecond",
        "path": "a.pdf",
        "pages": [0, 11],
        "matter": "5",
        "sheet_pages": "x",
        "sheet_sheet_pages": "2",
    }
    pdf = read("a.pdf", PDF)
    assert document_row(pdf, path="a.pdf", columns=columns) == row
    first = document_row(pdf, path="a.pdf", parent="id", columns=columns)
    assert first == row | {"parent": "id"}


def test_a_message_has_its_headers_unless_a_person_said_otherwise() -> None:
    mail = read("a.eml", MAIL)
    row = document_row(mail, path="a.eml", columns={"subject": "Rent"})
    attached = row.pop("attachments")
    assert attached == [{"name": "", "type": "application/pdf", "bytes": 4}]
    first = document_row(mail, path="a.eml", parent="id", columns={})
    assert [sorted(one) for one in first["attachments"]] == [  # type: ignore[union-attr,arg-type]
        ["blake3", "bytes", "name", "type"]
    ]
    assert row == {
        "text": "",
        "path": "a.eml",
        "from": "a@b.c",
        "date": "x",
        "subject": "Rent",
    }


def test_a_chunk_names_document_page_and_place() -> None:
    row = document_row(read("a.pdf", PDF), path="a.pdf", columns={"matter": "5"})
    text = str(row["text"])
    known_by = {"document": document_digest(text)}
    rows = [
        chunk_row(one, record=row, texts=["text"], own=CHUNK_FIELDS, known_by=known_by)
        for one in chunk(text, "tokens", 2, pages=page_starts(row))
    ]
    common = {"path": "a.pdf", "matter": "5", **known_by}
    assert rows == [
        {"text": "first page", "page": 1, "start": 0, "end": 10, **common},
        {"text": "second", "page": 2, "start": 11, "end": 17, **common},
    ]


def test_a_chunk_of_a_row_names_the_row() -> None:
    record = {"facts": "a b", "law": "c", "label": ["x"], "page": "old", "pages": [5, 1]}
    (one,) = chunk("a b\n\nc", "tokens", 9, pages=page_starts(record))
    texts, known_by = ["facts", "law"], {"document": "id", "part": 1}
    row = chunk_row(one, record=record, texts=texts, own=CHUNK_FIELDS, known_by=known_by)
    assert row == {
        "text": "a b\n\nc",
        "start": 0,
        "end": 6,
        "document": "id",
        "part": 1,
        "label": ["x"],
    }


def test_traces_of_a_text_are_digests_and_the_range_beside_them() -> None:
    digest = document_digest("x")
    chunk_of_2 = {"text": "x", "document": digest, "part": 1, "start": 0, "end": 1, "path": "a"}
    assert traces_of(chunk_of_2) == {"document", "start", "end"}
    assert traces_of({"text": "x", "parent": digest, "start": 0, "end": 1, "page": 1}) == {
        "parent",
        "start",
        "end",
    }
    assert traces_of({"text": "x", "parent": digest, "path": "a"}) == {"parent"}
    # Fields of somebody's own that are only called so.
    assert traces_of({"text": "x", "start": 5, "end": 6, "document": "a text"}) == frozenset()
    assert traces_of({"body": "x", "document": digest, "start": 0}) == {"document", "start"}


def test_pages_that_a_row_states_are_checked() -> None:
    for pages in ("0", [1], [0, "1"], [0, 5, 3], [0, True], None, [], {}):
        assert page_starts({"pages": pages}) == []
    assert page_starts({"pages": [0, 4, 4]}) == [0, 4, 4]
