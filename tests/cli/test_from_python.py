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
    publisher.ok("commit", documents, "-d", "acme/contracts", "--licence", "CC0-1.0")
    clean = "acme/contracts-clean"
    publisher.ok("filter", "acme/contracts", "--recipe", "clean.toml", "--as", clean)
    publisher.ok("issue", clean, "-o", "delivery", "--permit", "train")
    publisher.ok("push", "--mirror", "--json", cwd=_remote(publisher))
    buyer = new_person("buyer")
    shutil.copytree(publisher.folder / "delivery", buyer.folder / "delivery")
    first, second, _ = _programs()
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


def test_a_program_commits_issues_and_pushes(publisher) -> None:
    for name in ("letter-0231.txt", "letter-0232.txt"):
        (publisher.folder / "documents").mkdir(exist_ok=True)
        (publisher.folder / "documents" / name).write_text(f"dear sir, {name}\n")
    (publisher.folder / "sheet.csv").write_text("path,party\nletter-0231.txt,Acme\n")
    *_, program = _programs()
    said = _run(publisher, program)
    assert said.splitlines() == [
        "2 ('letter-0232.txt',)",
        "trusted",
        "moved",
        "b'dear sir, letter-0231.txt\\n'",
    ]
    assert publisher.ok("log", "acme/letters", "--store", "archive", "--json").json["versions"]


def test_opening_a_store_without_a_signer_or_keys_says_what_it_takes(publisher) -> None:
    said = _run(publisher, _READING)
    assert said.splitlines() == ["no-signer signer=keys.signer())", "no-keys keys=KeyFolder(PATH))"]


def test_a_program_clones_and_knows_what_came(publisher) -> None:
    (publisher.folder / "documents").mkdir()
    (publisher.folder / "documents" / "a.txt").write_text("dear sir")
    publisher.ok("commit", publisher.folder / "documents", "-d", "acme/letters")
    said = _run(publisher, _BEGIN + _CLONING)
    assert said.splitlines() == ["['a.txt'] dear sir", "made", "<Manifest datasets/acme/letters bl"]


def test_a_key_with_a_passphrase_is_asked_for_it_by_its_path(publisher) -> None:
    secret = publisher.folder / "secret"
    secret.write_text("correct horse\n")
    publisher.ok("key", "new", "locked", "--passphrase-file", secret)
    said = _run(publisher, _LOCKED)
    assert said.splitlines() == ["passphrase-needed", "passphrase-wrong", "locked did:key:z6Mk"]


_BEGIN = """
from pathlib import Path
from lyrikstore import KeyFolder, LyrikstoreError, Store
config, state = Path.home() / ".config/lyrikstore", Path.home() / ".local/state/lyrikstore"
mine = {"memory_dir": state / "logs", "trust_file": config / "trust.toml"}
keys = KeyFolder(config / "keys")
"""

_READING = (
    _BEGIN
    + """
Path("documents").mkdir()
Path("documents/a").write_text("a")
for options in ({}, {"signer": keys.signer()}):
    try:
        Store.open(".", **mine, **options).datasets.commit("documents", "acme/letters")
    except LyrikstoreError as error:
        print(error.kind, error.hint.split(", ")[-1])
"""
)

_CLONING = """
home = str(Path(".lyrikstore").resolve())
paths = {name: str(path) for name, path in mine.items()}  # as text does as well
copy, came = Store.clone(home, "copy", keys=keys, signer=keys.signer(), **paths)
tree = copy.datasets.checkout("acme/letters", "out")
print(list(tree.paths), Path("out/a.txt").read_text())
Path("out/b.txt").write_text("b")
print("made" if came.after and copy.datasets.commit("out", "acme/letters").manifest else "nothing")
print(repr(copy.resolve("acme/letters"))[:34])
"""

_LOCKED = (
    _BEGIN
    + """
asked = []
for ask in (None, lambda path: b"wrong", lambda path: asked.append(path.name) or b"correct horse"):
    try:
        signer = KeyFolder(keys.path, ask).signer("locked")
        print(*asked, signer.did[:12])
    except LyrikstoreError as error:
        print(error.kind)
"""
)


def _programs():
    return re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


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
