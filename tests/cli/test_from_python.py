"""The programs of docs/python.md and docs/filesystem.md, run as they stand."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"
RECIPE = """
recipe = 1
[[step]]
use = "drop-empty/1"
"""


def test_the_page_runs(publisher, new_person) -> None:
    documents = publisher.folder / "documents"
    documents.mkdir()
    (documents / "letter-0231.txt").write_text("dear sir\n")
    (documents / "letter-0232.txt").write_text("\n")
    (publisher.folder / "clean.toml").write_text(RECIPE)
    publisher.ok("commit", documents, "-d", "acme/contracts", "--license", "CC0-1.0")
    clean = "acme/contracts-clean"
    publisher.ok("filter", "acme/contracts", "--recipe", "clean.toml", "--as", clean)
    publisher.ok("issue", clean, "-o", "delivery", "--permit", "train")
    publisher.ok("push", "--mirror", "--json", cwd=_remote(publisher))
    buyer = new_person("buyer")
    shutil.copytree(publisher.folder / "delivery", buyer.folder / "delivery")
    first, second = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert _run(buyer, first).startswith("valid []\nthat the claims are true")
    buyer.ok("trust", "add", publisher.did(), "--name", "Acme")
    assert _run(buyer, first).startswith("trusted []")
    (buyer.folder / "delivery" / "data" / "letter-0231.txt").write_text("dear madam\n")
    assert _run(buyer, first).startswith("invalid [('data.files', ")
    buyer.ok("clone", publisher.folder.parent / "mirror", "corpus")
    said = _run(buyer, first + second)
    assert "('datasets/acme/contracts-clean', 1)" in said
    assert "letter-0231.txt" in said


def test_a_sheet_and_its_documents_are_one_table(publisher) -> None:
    documents = publisher.folder / "documents"
    documents.mkdir()
    (documents / "a.txt").write_text("dear sir")
    (documents / "b.txt").write_text("dear madam")
    (publisher.folder / "sheet.csv").write_text("path,kind\na.txt,letter\n")
    publisher.ok("commit", documents, "-d", "acme/contracts", "--metadata", "sheet.csv")
    page = (PAGE.parent / "filesystem.md").read_text("utf-8")
    program = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[1]
    program = program.replace("/data/corpus", str(publisher.folder))
    said = _run(publisher, f"import pandas\n{program}print(table.to_csv(index=False))")
    assert said.splitlines()[:3] == [
        "path,kind,text",
        "datasets/acme/contracts/a.txt,letter,dear sir",
        "datasets/acme/contracts/b.txt,,dear madam",
    ]


def _remote(person):
    person.ok("remote", "add", "origin", person.folder.parent / "mirror", "--mirror")
    return person.folder


def _run(person, program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=person.folder,
        env=person.variables(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
