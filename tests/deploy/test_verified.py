"""A deployed folder at a stranger's: each file is held against what was signed, with no store."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Person
from tests.deploy.conftest import Shop

pytestmark = pytest.mark.train

EXIT = {"trusted": 0, "valid": 4, "invalid": 3, "incomplete": 5}


@pytest.fixture
def stranger(new_person: Callable[[str], Person]) -> Person:
    return new_person("stranger")


def handed(folder: Path, to: Person) -> Path:
    return shutil.copytree(folder, to.folder / folder.name)


def states(report: dict[str, Any]) -> dict[str, str]:
    return {
        check["id"]: check["detail"].get("reason", check["state"]) for check in report["checks"]
    }


def test_whoever_gets_a_folder_can_verify_it(shop: Shop, stranger: Person) -> None:
    folder, result = shop.deploy("words", "onnx")
    shop.checkpoint("words")
    got = handed(folder, stranger)
    said = stranger.run("verify", got, "--json")
    assert said.code == EXIT["valid"], said.out
    assert said.json["subject"] == result["deployment"]
    assert states(said.json) == {
        "manifest.signature": "pass",
        "store.genesis": "unknown-founder",
        "log.inclusion": "pass",
        "log.witness": "n/a",
        "log.memory": "pass",
        "deployment.files": "pass",
        "deployment.evidence": "pass",
        "deployment.made-from": "pass",
        "deployment.rights": "unknown-issuer",
        "deployment.approval": "n/a",
    }
    rights = next(one for one in said.json["checks"] if one["id"] == "deployment.rights")
    assert {"requires": ["attribution"]}.items() <= rights["detail"]["credentials"][0].items()
    stranger.ok("trust", "add", shop.person.did(), "--name", "Acme")
    for target in (got, got / "README.md", got / "onnx" / "model.onnx"):
        assert stranger.run("verify", target).code == EXIT["trusted"]
    (got / "sitecustomize.py").write_text("import os\n")
    (got / "NOTICE").unlink()
    said = stranger.run("verify", got / "README.md", "--json")
    assert said.code == EXIT["invalid"]
    files = next(one for one in said.json["checks"] if one["id"] == "deployment.files")["detail"]
    assert (files["part"], files["extra"]) == ("README.md", ["sitecustomize.py"])
    assert files["missing"] == ["NOTICE"]


@pytest.mark.ci
def test_a_folder_with_a_base_and_a_card_verifies(shop: Shop, stranger: Person) -> None:
    checkpoint = shop.checkpoint("roberta")
    shop.person.ok("card", checkpoint)
    folder = shop.person.folder / "carded"
    shop.person.ok("deploy", checkpoint, "--to", "hf", "-o", folder)
    stranger.ok("trust", "add", shop.person.did(), "--name", "Acme")
    said = stranger.run("verify", handed(folder, stranger), "--json")
    assert said.code == EXIT["trusted"], said.out
    assert states(said.json)["deployment.approval"] == "not-approved"
    made = next(one for one in said.json["checks"] if one["id"] == "deployment.made-from")
    assert {one["role"] for one in made["detail"]["inputs"]} == {
        "checkpoint", "run", "base", "card"
    }  # fmt: skip
    name = json.loads((folder / "lyrikstore" / "manifest.json").read_text())["name"]
    report = shop.person.run("verify", name, "--json").json
    assert states(report)["deployment.made-from"] == "pass"
    report = shop.person.run("verify", "--json").json
    assert states(report)["deployment.made-from"] == "pass"


def test_an_unsigned_folder_says_so(shop: Shop, stranger: Person) -> None:
    folder = shop.person.folder / "unsigned"
    shop.person.ok("deploy", shop.checkpoint("words"), "--to", "onnx", "-o", folder, "--no-sign")
    said = stranger.run("verify", handed(folder, stranger), "--json")
    assert said.code == EXIT["incomplete"]
    assert states(said.json)["manifest.signature"] == "unsigned"
