"""A store with rows, documents and what filters made of them, to be signed again."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from lyrikstore.curate.commit.inputs import CommitMetadata
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.readers.records import iter_records
from lyrikstore.history.commit.transaction import create_repository
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.testing.keys import signer_for
from tests.curate.conftest import NOW, Bench
from tests.verify.datasets.forging import Forger

ROWS = "".join(
    f'{{"text":"{text}","label":"{label}","n":{number}}}\n'
    for number, (text, label) in enumerate(
        [("dear sir", "letter"), ("whereas", "ruling"), ("dear sir", "letter"), ("a@b.example", "")]
        * 3
    )
)
DOCUMENTS = {"a.txt": "dear sir", "b.txt": "write to a@b.example", "c.txt": " ", "d.md": "whereas"}
SHEET = [["path", "court"], ["a.txt", "BGH"], ["b.txt", ""], ["d.md", "BVerfG"]]
RECIPE = """
recipe = 1
[[step]]
use = "drop-empty/1"
[[step]]
use = "drop-duplicates/2"
[[step]]
use = "redact/3"
"""
CUT = """
recipe = 1
[[step]]
use = "redact/3"
[[step]]
use = "chunk/2"
size = 4
"""
PARTS = """
recipe = 1
[[step]]
use = "split/3"
by = "n"
train = 0.5
validation = 0
test = 0.5
"""


def make_stage(folder: Path) -> SimpleNamespace:
    (folder / "data").mkdir()
    repo = create_repository(
        folder / ".lyrikstore",
        origin="example.org/forged",
        signer=signer_for("owner"),
        log_signer=signer_for("log"),
        clock=lambda: NOW,
        memory=LogMemory(folder / "memory"),
        nonce=bytes(16),
    )
    bench = Bench(folder, repo)
    bench.write({"rows.jsonl": ROWS, "README.md": "no rows"})
    roles = FieldRoles(text=("text",), label="label")
    bench.commit("acme/rows", stated=CommitMetadata(roles=roles, measures=("tokens",)))
    for path in bench.data.iterdir():
        path.unlink()
    bench.write(DOCUMENTS)
    bench.commit("acme/docs", stated=CommitMetadata(sheet=bench.sheet(SHEET)))
    made = {name: repo.resolve(f"acme/{name}") for name in ("rows", "docs")}
    made["clean"] = bench.filter(RECIPE, "acme/rows", to="acme/clean").manifests[""]
    made["plain"] = bench.filter(RECIPE, "acme/docs", to="acme/plain").manifests[""]
    made["cut"] = bench.filter(CUT, "acme/docs", to="acme/cut").manifests[""]
    made["test"] = bench.filter(PARTS, "acme/rows", to="acme/parts").manifests["test"]
    forger = Forger(repo)
    tree = repo.tree(made["rows"])
    with repo.blobs.open(tree.by_path["rows.jsonl"].blake3) as stream:
        ids = [one.id for one in iter_records("jsonl/1", "", stream)]
    made["roots"] = forger.commit_to(made["rows"], ids)
    return SimpleNamespace(bench=bench, made=made, forger=forger)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """One store for a module: what is forged there is a new version, and the honest ones stay."""
    return make_stage(tmp_path_factory.mktemp("stage"))
