"""The vectors of decisions: what recipes decide about records, and what is no such table."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.curate.recipes.decisions import COLUMNS_3, Decision
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.verify.datasets.decisions import DecisionWalk, ReadRecord
from lyrikstore.verify.datasets.results import ResultFiles, UnsoundDecisionError
from tests.curate.conftest import Bench
from tests.curate.recipes.applied import decisions_of

VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors" / "decisions"
ROWS = json.loads((VECTORS / "rows.json").read_text())["cases"]
STATES = json.loads((VECTORS / "states.json").read_text())["cases"]
COUNTED = ("counts", "dropped", "changed", "reported")


def _commit(bench: Bench, name: str, files: dict[str, Any]) -> None:
    shutil.rmtree(bench.data)
    bench.write(
        {
            path: text if isinstance(text, str) else bytes.fromhex(text["hex"])
            for path, text in files.items()
        }
    )
    bench.commit(name)


@pytest.mark.parametrize("case", ROWS, ids=lambda case: case["id"])
def test_rows(bench: Bench, case: dict[str, Any]) -> None:
    for name, files in {**case.get("read", {}), **case["sources"]}.items():
        _commit(bench, name, files)
    found = bench.filter(case["recipe"], *case["sources"]).manifests
    assert found.keys() == case["parts"].keys()
    for part, manifest in found.items():
        expected, derivation = case["parts"][part], manifest.body["derivation"]
        files = {
            entry.path: bench.repo.blobs.read(entry.blake3, max_bytes=entry.bytes).decode()
            for entry in bench.repo.tree(manifest).entries
        }
        assert files == expected["files"]
        assert {name: derivation.get(name, {}) for name in COUNTED} == {
            name: expected[name] for name in COUNTED
        }
        assert derivation["decisions"] == 3
        rows = [
            {name: cell for name, cell in row.cells.items() if cell is not None}
            for row in decisions_of(bench, manifest)
        ]
        assert rows == case["rows"]


class _Stream:
    """Rows of files as a verifier reads them."""

    def __init__(self, files: dict[str, Any]) -> None:
        self.data = {
            path: text.encode() if isinstance(text, str) else bytes.fromhex(text["hex"])
            for path, text in sorted(files.items())
        }
        self.tree = Tree.of(TreeEntry(p, len(d), Digest.of(d)) for p, d in self.data.items())

    def rows(self) -> Iterator[tuple[int, list[bytes]]]:
        for at, data in enumerate(self.data.values()):
            yield at, data.splitlines()

    def records(self, prefix: str, first: int) -> Iterator[ReadRecord]:
        for at, (path, data) in enumerate(self.data.items()):
            if path.endswith(".jsonl"):
                for position, line in enumerate(data.splitlines()):
                    yield ReadRecord(first + at, prefix + path, position, "jsonl/1", line)
            else:
                raw = Digest.of(data).raw
                yield ReadRecord(first + at, prefix + path, 0, "document/1", raw, True)


def _state(case: dict[str, Any]) -> str:
    """Return what a verifier says of the decisions of a case and of what came of them."""
    of = next(one for one in ROWS if one["id"] == case["of"])
    rows = list(of["rows"])
    if change := case.get("change"):
        rows[change["at"] : change["at"] + 1] = [change["row"]] if change["row"] else []
    if more := case.get("insert"):
        rows.insert(more["at"], more["row"])
    made = {
        part: _Stream(case.get("files", {}).get(part, one["files"]))
        for part, one in of["parts"].items()
    }
    results = {}
    for part, one in made.items():
        reader = "jsonl/1" if all(p.endswith(".jsonl") for p in one.data) else "document/1"
        results[part] = ResultFiles(SimpleNamespace(body={"reader": reader}), one.tree)  # type: ignore[arg-type]
    steps = [line.split('"')[1] for line in of["recipe"].splitlines() if line.startswith("use = ")]
    several = len(of["sources"]) > 1
    source: list[ReadRecord] = []
    if several:
        steps.insert(0, "union/1")
    for name in sorted(of["sources"]) if several else of["sources"]:
        first = max((one.file for one in source), default=-1) + 1
        source += _Stream(of["sources"][name]).records(f"{name}/" if several else "", first)
    empty = dict.fromkeys(COLUMNS_3)
    walk = DecisionWalk(3, (Decision.of_cells({**empty, **one}) for one in rows), steps, results)
    try:
        totals = walk.follow(None if case.get("retired") else iter(source))
        for part, expected in of["parts"].items():
            follows = totals.derivation(part)
            counted = {name: expected[name] for name in COUNTED}
            counted["counts"] = case.get("counts", {}).get(part, counted["counts"])
            if follows != counted:
                return "differs"
            if results[part].is_rows:
                results[part].compare_rows(made[part].rows())
            else:
                results[part].compare_documents()
    except UnsoundDecisionError:
        return "bad-decisions"
    return "pass"


@pytest.mark.parametrize("case", STATES, ids=lambda case: case["id"])
def test_states(case: dict[str, Any]) -> None:
    assert _state(case) == case["state"]
