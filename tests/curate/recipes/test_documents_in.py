"""Documents of a law firm through extract-text/1 and chunk/1: counts reconcile, places hold."""

import json
from typing import Any

import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.commit.inputs import CommitMetadata
from lyrikstore.curate.extract.workers import Extractor
from lyrikstore.curate.profile import profile_version
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.recipes.apply import FilterResult
from lyrikstore.curate.recipes.explain.why import why
from lyrikstore.curate.recipes.recipe import parse_recipe
from lyrikstore.history.records.order_root import document_id
from lyrikstore.web.pages.profile import profile_facts, profile_page
from tests.curate.conftest import Bench
from tests.curate.extract import making
from tests.kinds import refused

EXTRACT = 'recipe = 1\n[[step]]\nuse = "extract-text/1"\n'
CHUNK = '[[step]]\nuse = "chunk/1"\nunit = "tokens"\nsize = 4\noverlap = 1\n'
FILES: dict[str, str | bytes] = {
    "a/lease.pdf": making.pages_pdf([making.line("The rent is due"), making.line("on Monday")]),
    "b.docx": making.docx(making.paragraph("A contract of sale")),
    "c.eml": b"From: a@b.c\nDate: Sun, 29 Nov 2026 10:00:00 +0000\nSubject: Rent\n\nPaid?",
    "d.txt": "Größe und Maß ".encode("cp1252") * 20,
    "e.html": "<title>T</title><p>Terms",
    "f.docx": making.docx(""),
    "locked.pdf": making.encrypted_pdf(b"x"),
    "mixed.pdf": making.pages_pdf([making.line("text"), making.SCAN]),
    "scan.pdf": making.pages_pdf([making.SCAN]),
}
SHEET = [["path", "matter", "pages"], ["a/lease.pdf", "7", "two"], ["c.eml", "8", ""]]


@pytest.fixture
def committed(bench: Bench) -> Bench:
    bench.write(FILES)
    bench.commit(stated=CommitMetadata(bench.sheet(SHEET), roles=FieldRoles(group="matter")))
    return bench


def rows(bench: Bench, result: FilterResult) -> list[dict[str, Any]]:
    tree = bench.repo.tree(result.manifests[""])
    files = [bench.repo.blobs.read(entry.blake3, max_bytes=1 << 20) for entry in tree.entries]
    return [json.loads(line) for file in files for line in file.splitlines()]


def test_documents_become_rows_or_have_a_reason(committed: Bench) -> None:
    result = committed.filter(EXTRACT)
    assert result.counts[""] | {"changed": 7} == result.counts[""]
    assert (result.counts[""]["in"], result.counts[""]["kept"]) == (9, 7)
    assert result.dropped == {"encrypted": 1, "no-text-layer": 1}
    assert result.changed == {
        "extracted-docx": 2,
        "extracted-eml": 1,
        "extracted-html": 1,
        "extracted-pdf": 2,
        "extracted-txt": 1,
    }
    assert result.reported == {"encoding-guessed": 1, "pages-without-text": 1}
    body = result.filter.body
    assert set(body["libraries"]) == {"charset-normalizer", "lxml", "pypdfium2"}
    found = {row["path"]: row for row in rows(committed, result)}
    source = committed.repo.tree(result.sources[0]).by_path
    for path, row in found.items():
        assert row["parent"] == document_id(source[path].blake3).hex
    lease = found["a/lease.pdf"]
    assert lease == {
        "text": "The rent is due\non Monday",
        "path": "a/lease.pdf",
        "parent": lease["parent"],
        "pages": [0, 16],
        "matter": "7",
        "sheet_pages": "two",
    }
    assert found["c.eml"]["subject"] == "Rent"
    assert found["c.eml"]["matter"] == "8"
    assert found["d.txt"]["text"].startswith("Größe")
    assert found["e.html"] | {"title": "T", "text": "Terms"} == found["e.html"]


def test_chunks_keep_document_page_and_place(committed: Bench) -> None:
    extracted = committed.filter(EXTRACT)
    documents = {row["path"]: row for row in rows(committed, extracted)}
    both = committed.filter(EXTRACT + CHUNK, to="acme/at-once")
    result = committed.filter("recipe = 1\n" + CHUNK, "acme/clean", to="acme/later")
    later = rows(committed, result)
    assert rows(committed, both) == later
    assert result.dropped == {"blank": 1, "chunked": 6}
    lease = [row for row in later if row["path"] == "a/lease.pdf"]
    assert [(row["text"], row["page"], row["start"], row["end"]) for row in lease] == [
        ("The rent is due", 1, 0, 15),
        ("due\non Monday", 1, 12, 25),
    ]
    at = next(number for number, row in enumerate(later) if row["path"] == "a/lease.pdf")
    found = why(committed.repo, "acme/later", f"part-00000.jsonl:{at + 1}")
    assert (found.document_path, found.document_page) == ("a/lease.pdf", 1)
    for row in later:
        document = documents[row["path"]]
        assert row["parent"] == document["parent"]
        assert document["text"][row["start"] : row["end"]] == row["text"]
        assert row.get("matter") == document.get("matter")


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        ('use = "extract-text/1"\nencoding = "zip"', "bad-encoding"),
        ('use = "chunk/1"\nsize = 10\noverlap = 6', "bad-chunk-size"),
        ('use = "chunk/1"\nsize = "10"', "bad-recipe"),
        ('use = "chunk/1"\nunit = "words"', "bad-recipe"),
    ],
)
def test_steps_that_cannot_be(step: str, kind: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        parse_recipe(f"recipe = 1\n[[step]]\n{step}\n".encode())
    assert error.value.kind == kind


def test_rows_are_not_extracted(committed: Bench) -> None:
    committed.filter(EXTRACT)
    with pytest.raises(InvalidInputError) as error:
        committed.filter(EXTRACT, "acme/clean", to="acme/again")
    assert error.value.kind == "bad-recipe"


def test_a_step_of_rows_takes_no_documents() -> None:
    recipe = parse_recipe(b'recipe = 1\n[[step]]\nuse = "partition/1"\n')
    with refused("needs-rows"):
        recipe.check_fields(None, FieldRoles(), "acme/docs", is_rows=False)


def test_what_was_not_read_is_counted_and_called_neither_empty_nor_clean(committed: Bench) -> None:
    # ATTACK A148: scans and files with a password pass for empty texts without personal data.
    found = profile_version(committed.context, "acme/docs")
    assert dict(found.unread) == {"encrypted": 1, "no-text-layer": 1}
    assert sorted(found.unread_paths) == ["locked.pdf", "scan.pdf"]
    assert (found.records, found.partly, found.sampled) == (9, 1, 7)
    assert found.lengths.get(0, 0) == 1  # the DOCX without a word
    assert sum(found.lengths.values()) == 7
    about = {"store": "s", "created": "2026", "with_data": ["paths"]}
    said = profile_page(profile_facts(found.to_json(), **about)).decode()
    assert "not read" in said
    assert "scan.pdf" in said


def test_where_nothing_was_read_nothing_was_looked_at(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> None:
        raise InvalidInputError("no-parser", "not installed")

    monkeypatch.setattr(Extractor, "extract", missing)
    bench.write({"a.pdf": making.pages_pdf([making.line("mail jo@example.org")])})
    bench.commit()
    found = profile_version(bench.context, "acme/docs")
    assert dict(found.unread) == {"no-parser": 1}
    assert (dict(found.lengths), found.sampled) == ({}, 0)
    facts = profile_facts(found.to_json(), store="s", created="2026")
    assert "Nothing was searched." in profile_page(facts).decode()
