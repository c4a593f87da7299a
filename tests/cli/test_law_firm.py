"""300 PDF and DOCX files and a faulty spreadsheet: mended, committed, made into chunks, split."""

import json
import textwrap
from collections import Counter
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.conftest import Corpus, Person
from tests.curate.extract import making

COUNT = 300
COLUMNS = ("path", "matter", "kind")
RECIPE = """
recipe = 1
description = "Chunks of a law firm's documents"
[[step]]
use = "extract-text/2"
[[step]]
use = "redact/3"
kinds = ["person", "email", "phone", "address", "zip", "matter"]
[[step]]
use = "chunk/2"
size = 1500
[[step]]
use = "drop-duplicates/2"
[[step]]
use = "split/3"
by = "path"
"""
PARTS = ("train", "validation", "test")


def pdf(text: str) -> bytes:
    """Return a PDF of a text, 50 lines a page."""
    lines = [part for line in text.splitlines() for part in textwrap.wrap(line, 90) or [""]]
    contents = []
    for first in range(0, len(lines), 50):
        page = b""
        for number, line in enumerate(lines[first : first + 50]):
            plain = line.encode("latin-1", "replace").decode("latin-1")
            for special in "\\()":
                plain = plain.replace(special, f"\\{special}")
            page += making.line(plain, y=800 - 15 * number)
        contents.append(page)
    return making.pages_pdf(contents)


def docx(text: str) -> bytes:
    """Return a DOCX of a text, a paragraph for each line."""
    printable = "".join(one for one in text if one.isprintable() or one == "\n")
    return making.docx("".join(map(making.paragraph, escape(printable).splitlines())))


@pytest.fixture
def firm(publisher: Person, corpus: Corpus) -> Person:
    """Return somebody with 300 documents: a letterhead each, and one of the licence texts."""
    documents = publisher.folder / "documents"
    documents.mkdir()
    given = [data.decode("utf-8")[:20_000] for data in corpus.texts.values()]
    for n in range(COUNT):
        head = (
            f"To Mr. John Smith{n % 7}, 12 Main Street, Boston, MA 02115, john{n}@firm.example\n\n"
        )
        name = f"{n:03}." + ("docx" if n % 3 else "pdf")
        make = docx if n % 3 else pdf
        (documents / name).write_bytes(make(head + given[n % len(given)]))
    return publisher


def write_sheet(firm: Person, rows: list[tuple[str, ...]]) -> None:
    workbook = openpyxl.Workbook()
    workbook.active.append(COLUMNS)
    for row in rows:
        workbook.active.append(row)
    workbook.save(firm.folder / "sheet.xlsx")


def commit(firm: Person, *more: object, code: int = 0) -> Any:
    arguments = ("commit", "documents", "-d", "firm/letters", "--metadata", "sheet.xlsx")
    done = (*arguments, "--label", "kind", "--group", "matter", "--json", *more)
    return firm.fails(code, *done).error if code else firm.ok(*done).json


def lines(folder: Path) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Yield path, number and row of each line of a checkout."""
    for file in sorted(folder.rglob("*.jsonl")):
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
            yield str(file.relative_to(folder)), number, json.loads(line)


def test_from_documents_to_a_split_of_chunks(firm: Person) -> None:
    names = sorted(path.name for path in (firm.folder / "documents").iterdir())
    rows = [(name, f"M-{at // 4}", "lease" if at % 2 else "sale") for at, name in enumerate(names)]
    faulty = [*rows[:-1], rows[0], ("", "M-1", "sale"), ("gone.pdf", "M-2", "sale"), ("301.docx",)]
    write_sheet(firm, faulty)
    error = commit(firm, code=16)
    found = Counter(one["kind"] for one in error["details"]["mistakes"])
    assert found == {"duplicate-rows": 1, "bad-sheet": 1, "orphan-rows": 2}
    assert error["details"]["mistakesCount"] == 4
    assert firm.run("log", "firm/letters").code == 1

    write_sheet(firm, rows)
    done = commit(firm, "--licence", "LicenseRef-firm")
    assert done["fieldRoles"] == {"label": "kind", "group": "matter"}
    (firm.folder / "r.toml").write_text(RECIPE)
    result = firm.ok(
        "filter", "firm/letters", "--recipe", "r.toml", "--as", "firm/task", "--json", timeout=120
    ).json
    dropped = result["droppedFor"]
    assert dropped["chunked"] == COUNT
    # Which chunks are alike but for case depends on the packages that are installed.
    assert {*dropped} - {"duplicate-normalised"} == {"chunked", "duplicate-exact"}
    # Letters to several people are one letter once it is redacted.
    assert min(result["changedFor"][f"redacted-{kind}"] for kind in ("email", "person")) > 100

    kept: dict[str, list[tuple[str, int, dict[str, Any]]]] = {}
    for part in result["parts"]:
        counts = part["counts"]
        assert counts["in"] == COUNT
        assert counts["in"] + counts["made"] == (
            counts["kept"] + counts["dropped"] + counts["elsewhere"]
        )
        firm.ok("checkout", part["name"], part["part"])
        kept[part["part"]] = list(lines(firm.folder / part["part"]))
        assert len(kept[part["part"]]) == counts["kept"]
    assert tuple(kept) == PARTS
    made = result["parts"][0]["counts"]["made"]
    assert sum(map(len, kept.values())) == made + COUNT - sum(dropped.values())
    assert all("john" not in row["text"] for some in kept.values() for _, _, row in some)
    owners = [{row["path"] for _, _, row in kept[part]} for part in PARTS]
    assert len(set().union(*owners)) == sum(map(len, owners))

    path, number, row = next(one for one in kept["train"] if one[2].get("page", 0) > 1)
    why = firm.ok("why", "firm/task.train", f"{path}:{number}", "--json").json
    assert row["path"].endswith(".pdf")
    decision = why["stages"][0]["decisions"][-1]
    assert decision["action"] == "kept"
    assert decision["path"] == row["path"]
    assert (decision["newPath"], decision["newPosition"]) == (path, number - 1)
    assert row["part"] > 1
    # The chunks of a document know each other; letters to two people may be one text by now.
    assert len({(one["path"], one["document"]) for _, _, one in kept["train"]}) == len(owners[0])
