"""The page and a deployed folder: chosen or dropped, it is judged as by Python."""

from pathlib import Path

import pytest

from deployed import LAST, RULES, TRAINER, Folder, policy
from lyrikstore.history.commit.policy_change import revoked
from lyrikstore.verify.checks import not_proven
from tests.differential.judges import differences
from tests.verify.deployment.folders import AT, TRUST, files_of, judged, write
from tests.web.conftest import browsers, drop

pytestmark = [pytest.mark.web]
NOBODY = "version = 1\n"


def sound(folder: Path) -> Path:
    """Return the deployed folder of the vectors, on a disk."""
    return write(files_of("sound"), folder / "model")


def same_as_python(window, folder: Path, trust: str = NOBODY) -> None:
    """Whatever the page answers, Python answers; but that the page sees no links."""
    ours = judged(folder, trust).to_json()
    ours["notProven"].append(not_proven("unseen"))
    kept = {name: value for name, value in window.report.items() if name != "schema"}
    assert differences(ours, kept) == []


@browsers("firefox")  # WebKit hands over no folder
def test_a_folder_that_is_chosen(open_page, tmp_path) -> None:
    folder = sound(tmp_path)
    window = open_page()
    window.at(AT)
    window.give(folder)
    assert "“model”: 7 files" in window.page.text_content("#given")
    assert window.verify() == "valid"  # at best, without trust
    same_as_python(window, folder)
    said = window.page.text_content("#claims")
    report = judged(folder)
    for sentence in (
        f"deployed by, as signed{report.issuer}",
        "ONNX Runtime (onnx)",
        "runruns/acme/clauses, blake3:",
        "as whoever deployed it found thempass",
        "permitsevaluate, train",
        "you mustattribution",
        report.check("deployment.approval").detail["approvers"][0],
    ):
        assert sentence in said
    open_ones = window.page.text_content("#open")
    assert "no step was replayed here" in open_ones
    assert "whatever answers requests runs these bytes" in open_ones
    assert window.page.text_content("#same") == f"lyrikstore verify model --at {AT}"
    assert window.page.evaluate("document.title") == "valid: deployments/acme/clauses.onnx"
    window.page.set_input_files("#trust", _trust(tmp_path))
    assert window.verify() == "trusted"
    same_as_python(window, folder, TRUST)


def test_what_was_changed_removed_and_added_is_named(open_page, tmp_path) -> None:
    folder = sound(tmp_path)
    with (folder / "onnx" / "model.onnx").open("ab") as model:
        model.write(b"\x00")
    (folder / "NOTICE").unlink()
    (folder / "sitecustomize.py").write_text("import os\n")
    (folder / "lyrikstore" / "notes.json").write_text("{}")
    (folder / "credential.json").write_bytes(
        next((folder / "lyrikstore").glob("credential-*[0-9a-f].json")).read_bytes()
    )
    window = open_page()
    window.at(AT)
    window.give(folder)
    assert window.verify() == "invalid"  # the folder, not the credential laid into it
    same_as_python(window, folder)
    for path, state in {
        "onnx/model.onnx": "differs (size)",
        "NOTICE": "missing",
        "sitecustomize.py": "not listed",
        "credential.json": "not listed",
    }.items():
        row = window.page.locator(f"#shards tr[data-path='{path}']")
        assert state in row.text_content()
    evidence = window.page.text_content("[data-check='deployment.evidence']")
    assert "lyrikstore/notes.json" in evidence


@pytest.mark.disk  # Chromium takes nothing from below /dev
def test_a_folder_that_is_dropped(open_page, tmp_path) -> None:
    window = open_page()
    window.at(AT)
    window.page.fill("#did", judged(sound(tmp_path)).check("store.genesis").detail["founder"])
    drop(window.page, tmp_path / "model")
    assert window.verify() == "trusted"
    unsigned = write(files_of("unsigned"), tmp_path / "unsigned")
    window.page.click("#clear")
    window.at(AT)
    drop(window.page, unsigned)
    assert window.verify() == "incomplete"
    same_as_python(window, unsigned)
    assert "nobody: it is not signed" in window.page.text_content("#claims")


def test_a_list_given_apart_counts(open_page, tmp_path) -> None:
    revoked = files_of("revoked-since")
    lists = {name: data for name, data in revoked.items() if name.endswith("-revocation.json")}
    folder = write(
        {name: data for name, data in revoked.items() if name not in lists}, tmp_path / "model"
    )
    later = tmp_path / "later.json"
    later.write_bytes(*lists.values())
    window = open_page()
    window.at(AT)
    window.page.set_input_files("#trust", _trust(tmp_path))
    window.give(folder)
    assert window.verify() == "trusted"
    window.page.set_input_files("#files", later)
    assert window.verify() == "valid"
    assert "revoked later" in window.page.text_content("#verdict")


def test_a_stolen_key_given_apart_counts(open_page, tmp_path) -> None:
    folder = sound(tmp_path)
    later = Folder(after=(LAST, policy(revoked(TRAINER.did, 1), RULES))).make()
    names = {path: path.rpartition("/")[2] for path in later if "policy" in path or "/log." in path}
    said = write({name: later[path] for path, name in names.items()}, tmp_path / "said")
    window = open_page()
    window.at(AT)
    window.give(folder)
    assert window.verify() == "valid"
    window.page.set_input_files("#files", sorted(said.iterdir()))
    assert window.verify() == "invalid"
    assert "unauthorised" in window.page.text_content("[data-check='manifest.signature']")


def _trust(folder: Path) -> Path:
    file = folder / "trust.toml"
    file.write_text(TRUST)
    return file
