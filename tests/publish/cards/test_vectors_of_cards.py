"""The vectors of cards: which facts are stated after each step of a whole store."""

import base64
import json
from pathlib import Path
from typing import Any

import make_store
from lyrikstore.context import StoreContext
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.repository import Repository

VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors"
STAGES = json.loads((VECTORS / "cards" / "facts.json").read_text())["stages"]
FILES = json.loads((VECTORS / "stores" / "end-to-end.json").read_text())["files"]
KINDS = {
    "commit": {"subject", "data"},
    "permit": {"rights"},
    "hand_over": {"rights"},
    "take_back": {"rights"},
    "train": {"subject", "model", "data", "rights", "run", "evaluation", "answer"},
    "evaluate": {"rights", "evaluation"},
    "reproduce": {"run"},
    "describe": {"answer"},
}
"""Step → what its new statements are about."""


def store_after(stage: dict[str, Any], folder: Path) -> StoreContext:
    """Write the whole store as it was after a step, and open it."""
    for path, data in FILES.items():
        if path.startswith("tx/") and int(path.removeprefix("tx/")) >= stage["transactions"]:
            continue
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(base64.b64decode(data))
    (folder / "log" / "checkpoint").write_text(stage["checkpoint"])
    memory = LogMemory(folder.with_name("memory"))
    return StoreContext(Repository.open(folder, memory=memory), memory, Path("none"))


def test_facts_of_each_step(tmp_path: Path) -> None:
    said: dict[str, dict[str, Any]] = {}
    for stage in STAGES:
        context = store_after(stage, tmp_path / stage["after"] / "store")
        for subject, changes in stage["cards"].items():
            expected = said.setdefault(subject, {})
            expected.update(changes["says"])
            for name in changes["gone"]:
                del expected[name]
        for subject, expected in said.items():
            assert make_store.statements(context, subject) == expected, (stage["after"], subject)


def test_each_step_adds_facts_of_its_own() -> None:
    assert [stage["after"] for stage in STAGES] == list(KINDS)
    for stage in STAGES:
        names = {name for card in stage["cards"].values() for name in card["says"]}
        found = {name.partition(".")[0] for name in names}
        assert found == KINDS[stage["after"]], stage["after"]


def test_what_somebody_says_is_never_measured() -> None:
    states = {"measured", "derived", "stated", "attested", "not-established"}
    for stage in STAGES:
        for card in stage["cards"].values():
            for name, one in card["says"].items():
                assert one["state"] in states
                assert one["evidence"] or name.startswith(("answer.", "evaluation.")), name
                if name.startswith("answer."):
                    assert one["state"] in {"attested", "not-established"}
