"""Training in a clone: what home and clone say of the order of run and checkpoint."""

import json
from pathlib import Path

import pytest

from lyrikstore.api import CommitMetadata, Store
from lyrikstore.crypto.keys.keyring import KeyFolder
from lyrikstore.curate.terms.offer import Offer
from lyrikstore.testing.keys import signer_for
from lyrikstore.train.config import TrainConfig
from lyrikstore.verify.store.statements.runs import LOGGED_TOGETHER
from tests.servers.dask import new_store
from tests.verify.store.honest import ROLES, rows

pytestmark = pytest.mark.train

MODEL = "checkpoints/acme/clauses"
CONFIG = f"""purpose = "train"
name = "{MODEL}"
[data]
train = "acme/train"
validation = "acme/validation"
label = "label"
[model]
base = "linear"
[training]
threads = 1
refit = false
"""


@pytest.fixture
def home(tmp_path: Path) -> Store:
    store = new_store(tmp_path)
    for seed, part in enumerate(("train", "validation")):
        (tmp_path / part).mkdir()
        lines = "".join(f"{json.dumps(row)}\n" for row in rows(30, seed=seed))
        (tmp_path / part / "rows.jsonl").write_text(lines)
        store.datasets.commit(tmp_path / part, f"acme/{part}", CommitMetadata(roles=ROLES))
        store.credentials.permit(f"acme/{part}", offer=Offer.of_words(("train", "evaluate")))
    return store


def clone(home: Store, folder: Path) -> Store:
    made, _ = Store.clone(
        str(home.repository.root),
        folder / "clone",
        signer=signer_for("owner"),
        keys=KeyFolder(folder / "keys"),
        memory_dir=folder / "memory",
        trust_file=folder / "trust.toml",
    )
    return made


def test_a_run_that_is_pushed_with_its_checkpoint(home: Store, tmp_path: Path) -> None:
    desk = clone(home, tmp_path)
    desk.models.train(TrainConfig.parse(CONFIG.encode()))
    assert desk.verify(MODEL).check("runs").state == "pass", "the local log shows the order"
    desk.remotes.push(str(home.repository.root))
    home.repository.refresh()
    for place in (home, desk):
        for report in (place.verify(MODEL), place.verify()):
            check = report.check("runs")
            assert report.verdict == "trusted", report.checks
            assert (check.state, check.detail["reason"]) == ("warn", LOGGED_TOGETHER)
            assert "registered before" not in check.summary
