"""`show` is a page of text for each kind of manifest, and nobody's name is spelt in escapes."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore_cli.commands.evaluate import _show
from lyrikstore_cli.commands.show.models import run
from lyrikstore_cli.commands.show.registry import VIEWS
from tests.conftest import Person

SPEC = Path(__file__).resolve().parents[2] / "spec"
KINDS = json.loads((SPEC / "manifest-kinds.json").read_text())


def test_every_kind_has_a_view() -> None:
    assert VIEWS.keys() == KINDS.get("kinds", KINDS).keys()


@pytest.mark.parametrize("name", ["good", "good-2"])
def test_each_good_manifest_has_a_view(name: str) -> None:
    seen = set()
    for case in json.loads((SPEC / "vectors" / "manifests" / f"{name}.json").read_text())["cases"]:
        manifest = parse_manifest(case["manifest"].encode())
        view = VIEWS[manifest.kind](manifest, str)
        assert view.what, case
        seen.add(manifest.kind)
    assert seen


def test_a_page_says_who_what_and_what_is_not_proven(publisher: Person) -> None:
    folder = publisher.folder / "akten"
    folder.mkdir()
    (folder / "Müller.txt").write_text("Für alle Übrigen.")
    publisher.ok("commit", folder, "-d", "acme/akten", "-m", "geprüft für Müller")
    page = publisher.ok("show", "acme/akten").out
    assert "geprüft für Müller" in page
    assert publisher.did() in page
    assert "lyrikstore verify acme/akten" in page
    text = publisher.ok("show", "acme/akten", "--json")
    assert text.json["manifest"]["message"] == "geprüft für Müller"
    for said in (page, text.out, publisher.ok("show", "acme/akten", "--files").out):
        assert "\\u" not in said


def test_an_evaluation_without_a_verdict_prints_no_empty_line() -> None:
    lines: list[str] = []
    session: Any = SimpleNamespace(
        screen=SimpleNamespace(result=lambda text, *_style: lines.append(text))
    )
    model = {"accuracy": {"value": "0.5000"}}
    body = {"count": 2, "split": "train", "answers": {"source": "given"}, "model": model}
    manifest: Any = SimpleNamespace(
        body=body, name="evaluations/acme/rules", id=SimpleNamespace(short="0123456789ab")
    )
    _show(session, manifest, ())
    assert len(lines) > 2
    assert all(line.strip() for line in lines)


def _rows_of_run(*formats: str, **body: Any) -> dict[str, str]:
    said = {
        "purpose": "task-training", "plannedOutputs": [], "config": {}, "seed": 1,
        "code": {"package": "lyrikstore", "version": "1"},
        "candidates": [{"format": one} for one in formats], "inputs": [], **body,
    }  # fmt: skip
    return dict(run(cast("Manifest", SimpleNamespace(body=said, inputs=())), str).what)


def test_what_learns_from_validation_records_is_named() -> None:
    every = ("tfidf/2", "embeddings/1", "peft-lora/1", "blend/1")
    said = _rows_of_run(*every, refit=True)["refit"]
    assert [one in said for one in every] == [True, True, False, False]
    assert "validation" in said
    assert "refit" not in _rows_of_run("peft-lora/1", refit=True)  # stopped by the validation data
    assert "refit" not in _rows_of_run(*every)
