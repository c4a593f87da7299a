"""The commands of the README and of docs/first-steps.md, run in their order, on real texts."""

import re
import shutil
from pathlib import Path

import openpyxl
import pytest

from tests.cli.small_runs import rows
from tests.conftest import REPOSITORY, Corpus, Person
from tests.pages import Shell, blocks

README = (REPOSITORY / "README.md").read_text("utf-8")
STEPS = (REPOSITORY / "docs" / "first-steps.md").read_text("utf-8")
LETTER = "letter-0231.txt"
BUCKET = "s3://bucket/contracts"
PASSPHRASE = "correct horse"
RECIPE = 'recipe = 1\n[[step]]\nuse = "drop-duplicates/1"\n'


def section(title: str) -> list[tuple[str, str]]:
    """Return the commands of one section, each with the output that is shown below it."""
    (text,) = re.findall(
        rf"^## {title}\n(.*?)(?=^## |\Z)", README + STEPS, re.MULTILINE | re.DOTALL
    )
    found = []
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for command in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, shown = command.partition("\n")
            found.append((line, shown))
    return found


def masked(text: str) -> str:
    """Return a text without what differs from run to run."""
    return re.sub(r"[0-9a-f]{8,}|\d[\d.]*( [KM]iB)?", "N", text)


def test_the_first_minute_shows_what_is_said(new_person) -> None:
    person = new_person("reader")
    shutil.copytree(REPOSITORY / "docs", person.folder / "docs")
    shell = Shell(person)
    seen = 0
    for line, shown in section("In one minute"):
        code = 3 if " verify " in line else 14 if " terms " in line else 0
        said = iter(masked(shell.ok(line, code)).splitlines())
        for expected in masked(shown).splitlines():
            assert expected == "…" or expected in said, (line, expected)
            seen += expected != "…"
    assert seen >= 8


@pytest.fixture
def acme(new_person, corpus: Corpus) -> Person:
    """Return a publisher with a folder of documents, a spreadsheet and a recipe."""
    person = new_person("acme")
    documents, _ = corpus.write(person.folder)
    first = min(corpus.texts)
    (documents / first).rename(documents / LETTER)
    shutil.copytree(documents, person.folder / "matters")
    workbook = openpyxl.Workbook()
    workbook.active.append(list(corpus.columns))
    for row in corpus.rows:
        named = {**row, "path": LETTER if row["path"] == first else row["path"]}
        workbook.active.append([named[column] or None for column in corpus.columns])
    workbook.save(person.folder / "sheet.xlsx")
    (person.folder / "clean.toml").write_text(RECIPE)
    (person.home / "passphrase").write_text(PASSPHRASE)
    person.environment["LYRIKSTORE_PASSPHRASE_FILE"] = str(person.home / "passphrase")
    return person


def all_of(shell: Shell, title: str) -> dict[str, str]:
    """Run every command of a section, and return what each said."""
    said = {}
    for line, shown in section(title):
        assert not shown
        if line.startswith("lyrikstore diff"):  # a month later
            documents = shell.person.folder / "documents"
            (documents / LETTER).write_text("dear sir or madam\n")
            (commit,) = (one for one in said if one.startswith("lyrikstore commit"))
            assert shell.run(commit).returncode == 0
        said[line] = shell.ok(line)
    return said


@pytest.fixture
def buyer(new_person) -> Person:
    """Return somebody with a key."""
    person = new_person("buyer")
    person.ok("key", "new", "--no-passphrase")
    return person


@pytest.fixture
def published(acme: Person, buyer: Person, tmp_path: Path) -> tuple[Shell, dict[str, str]]:
    """Return the publisher, whose delivery and grant the buyer got, and what the program said."""
    shell = Shell(acme, {"did:key:z6Mk…": buyer.did(), BUCKET: str(tmp_path / "bucket")})
    said = all_of(shell, "A first store")
    shutil.copytree(acme.folder / "delivery", buyer.folder / "delivery")
    for path in acme.folder.glob("grant*"):
        shutil.copy(path, buyer.folder)
    return shell, said


@pytest.mark.ci
def test_a_delivery_is_made_checked_attested_and_shared(published, acme, buyer) -> None:
    publisher, said = published
    (reason,) = (text for line, text in said.items() if " why " in line)
    assert "kept in  datasets/acme/contracts-clean" in reason
    (changed,) = (text for line, text in said.items() if " diff " in line)
    assert LETTER in changed

    shell = Shell(buyer, {"did:key:z6Mk…": acme.did()})
    said = all_of(shell, "Check a delivery")
    assert any("\nTRUSTED" in text for text in said.values())
    assert any(text.endswith("\nPERMITTED\n") for text in said.values())
    assert shell.run("lyrikstore page -o verify.html").returncode == 0

    (statement,) = blocks("grants.md", "toml")
    (buyer.folder / "audit.toml").write_text(statement.replace("records = 500", "records = 5"))
    (attest,) = (line for line, _ in section("Audit") if " attest " in line)
    assert shell.run(attest).returncode == 0
    shutil.copy(buyer.folder / "attestation.json", acme.folder)
    assert publisher.run("lyrikstore import attestation.json").returncode == 0
    assert all_of(publisher, "Work in several places")


@pytest.mark.train
@pytest.mark.ci
def test_a_model_is_made_of_it_and_its_ancestry_shown(published, acme, buyer) -> None:
    buyer.ok("init")
    shutil.copy(acme.folder / "documents" / LETTER, buyer.folder)
    clauses = [f"{row['text']},{row['label']}" for row in rows(120)]
    (buyer.folder / "clauses.csv").write_text("\n".join(["text,topic", *clauses, ""]))
    shell = Shell(buyer)
    all_of(shell, "Train on it")
    outputs = [shell.run(line).stdout for line, _ in section("Audit") if " attest " not in line]
    assert "run: run runs/acme/task" in outputs[0]
    assert "checkpoint checkpoints/acme/task" in outputs[1]
    assert len(outputs) == 4
    assert all(outputs)


def test_no_command_is_left_out() -> None:
    run = ("In one minute", "A first store", "Check a delivery", "Train on it", "Audit")
    commands = [line for title in (*run, "Work in several places") for line, _ in section(title)]
    assert commands == re.findall(r"^\$ (.*)", README + STEPS, re.MULTILINE)
