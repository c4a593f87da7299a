"""``verify`` with deployed folders, by whoever gets one: a fresh HOME, and no store."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deployed import LAST, RULES, TRAINER, Folder, policy
from lyrikstore.history.commit.policy_change import revoked
from tests.conftest import Person
from tests.verify.deployment.folders import AT, TRUST, files_of, write

EARLIER = Path(__file__).resolve().parents[1] / "compat" / "2026-12-01" / "package"
KEPT = Path(__file__).resolve().parents[1] / "compat" / "2026-12-01-deployments"


@pytest.fixture
def stranger(new_person: Callable[[str], Person]) -> Person:
    person = new_person("stranger")
    (person.folder / "trust.toml").write_text(TRUST)
    return person


def reasons(report: dict[str, Any]) -> dict[str, str]:
    return {
        check["id"]: check["detail"].get("reason", check["state"]) for check in report["checks"]
    }


@pytest.mark.parametrize(
    ("case", "part", "code"),
    [
        ("sound", "", 0),
        ("sound", "lyrikstore/manifest.json", 0),
        ("nobody-trusted", "", 4),
        ("labels-swapped", "README.md", 3),
        ("unsigned", "", 5),
    ],
)
def test_a_folder_is_judged_whole(stranger: Person, case: str, part: str, code: int) -> None:
    root = write(files_of(case), stranger.folder / "folder")
    trust = () if case == "nobody-trusted" else ("--trust", "trust.toml")
    said = stranger.run("verify", root / part, "--at", AT, *trust)
    assert said.code == code, said.out
    # Who made it, of what, and who approved it, is said where all is well, too.
    for check in ("manifest.signature", "deployment.made-from", "deployment.approval"):
        assert (f" {check} " in said.out) == (case != "unsigned" or check == "manifest.signature")
    assert ("is a part of" in said.out) == (part == "README.md")


def test_a_folder_of_statements_about_keys_is_heard(stranger: Person) -> None:
    root = write(files_of("sound"), stranger.folder / "folder")
    later = Folder(after=(LAST, policy(revoked(TRAINER.did, 1), RULES))).make()
    names = {path: path.rpartition("/")[2] for path in later if "policy" in path or "/log." in path}
    said = write({name: later[path] for path, name in names.items()}, stranger.folder / "said")
    judged = stranger.run("verify", root, "--at", AT, "--status", said, "--json")
    assert judged.code == 3
    assert reasons(judged.json)["manifest.signature"] == "unauthorised"


def test_the_store_that_deployed_it_vouches_for_its_log(stranger: Person) -> None:
    store = stranger.folder / ".lyrikstore"
    shutil.copytree(KEPT / "store", store)
    assert stranger.run("verify").code == 4  # which remembers the log, longer than the folder's
    ask = ("verify", KEPT / "folder", "--json")
    assert reasons(stranger.run(*ask).json)["log.memory"] == "pass"
    store.rename(stranger.folder / "away")
    found = stranger.run(*ask)
    assert (found.code, reasons(found.json)["log.memory"]) != (4, "pass")


def test_what_goes_with_a_credential_does_not_go_with_a_folder(stranger: Person) -> None:
    root = write(files_of("sound"), stranger.folder / "folder")
    assert stranger.run("verify", root, "--data", root).code == 2
    assert stranger.run("verify", root / "README.md", "--report", root / "x.html").code == 2


def test_nobody_signed_the_files_of_an_earlier_folder(stranger: Person) -> None:
    said = stranger.run("verify", EARLIER / "README.md", "--json")
    assert said.code == 4, said.out
    assert "signed" in said.json["notProven"][0]
    assert reasons(said.json)["card"] == "pass"
    said = stranger.run("verify", EARLIER, "--json")
    assert said.code == 5, said.out
    assert reasons(said.json)["manifest.signature"] == "unsigned"


def test_a_manifest_that_lies_alone_is_not_called_invalid(stranger: Person) -> None:
    (manifest,) = (EARLIER / "lyrikstore").glob("checkpoint-*.json")
    said = stranger.run("verify", manifest, "--json")
    assert said.code == 5, said.out
    assert reasons(said.json) == {
        "object": "no-store",
        "store.genesis": "unknown-founder",
        "manifest.signature": "pass",
        "log.inclusion": "pass",
        "log.witness": "n/a",
        "log.memory": "pass",
    }
    edited = stranger.folder / "checkpoint.json"
    edited.write_bytes(manifest.read_bytes().replace(b"checkpoint", b"checkpoins", 1))
    assert stranger.run("verify", edited).code == 3
