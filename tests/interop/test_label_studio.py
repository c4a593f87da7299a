"""Label Studio's own library reads our tasks and answers them, and we read what it writes.

Its package pins libraries that ours has newer, so it is installed into an environment of its own.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import UNSET

from lyrikstore.api import Store
from lyrikstore.canon.timestamps import now
from lyrikstore.crypto.keys.keyring import KeyFolder
from lyrikstore.review.asked import ReviewRequest, parse_questions_file
from lyrikstore.review.folder import open_folder
from lyrikstore.review.label_studio import label_studio_decisions, label_studio_files
from lyrikstore.review.queue import request_review
from lyrikstore.review.sign import sign_decisions
from lyrikstore.testing.keys import signer_for
from tests.review.conftest import ANNA, commit_rows, rows

pytestmark = [pytest.mark.ci]
HERE = Path(__file__).with_name("label_studio")
LABELS = ["audit", "insurance", "law", 'a "b" & <c>', "$50 fee", "l'été\nII"]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with label_studio_sdk."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=120)
    made = folder / "bin" / "python"
    lines = (HERE / "requirements.txt").read_text().splitlines()
    sdk, *needed = [one for one in lines if not one.startswith("#")]
    for words in (["--no-deps", sdk], needed):
        install = [made, "-m", "pip", "install", "--quiet", *words]
        subprocess.run(install, check=True, timeout=600)
    return made


@pytest.mark.parametrize("blind", [False, True])
@pytest.mark.parametrize("several", ["true", "false"])
def test_there_and_back(python: Path, tmp_path: Path, blind: bool, several: str) -> None:
    store = Store.create(
        tmp_path / "work",
        signer=signer_for("owner"),
        keys=KeyFolder(tmp_path / "keys"),
        memory_dir=tmp_path / "memory",
        trust_file=tmp_path / "trust.toml",
    )
    name = commit_rows(store, tmp_path / "data", [{**one, "$x": "<b>"} for one in rows(7)])
    text = f'questions = 1\nasks = "<Which>?"\nseveral = {several}\nlabels = {json.dumps(LABELS)}\n'
    asked = ReviewRequest((ANNA.did,), blind=blind, questions=parse_questions_file(text.encode()))
    opened = open_folder(request_review(store, name, asked, tmp_path / "queue").folders[ANNA.did])
    for path, data in label_studio_files(opened).items():
        (tmp_path / path).write_bytes(data)
    answer = [python, HERE / "answer.py", tmp_path]
    done = subprocess.run(answer, check=True, capture_output=True, text=True, timeout=120)
    answered = json.loads(done.stdout)
    assert answered["labels"] == LABELS
    file = label_studio_decisions(opened, json.dumps(answered["tasks"]).encode())
    decided = {one.item: one for one in file.decisions}
    for at, item in enumerate(opened.folder.items):
        one = decided[item.item]
        if at == len(LABELS):
            assert one.decision == "cannot-say"
            continue
        given = (LABELS[at],)
        assert one.decision == ("accept" if given == item.candidate else "change")
        assert one.value == given or one.decision == "accept"
        assert (one.ms, one.note) == (1000 * at + 500, "seen")
        assert one.blind == (given if blind else UNSET)
    assert file.annotators == {"user 0": 4, "user 1": 3}
    assert sign_decisions(opened, file, ANNA, now())
