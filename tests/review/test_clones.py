"""Reviews are asked for where the log is extended."""

from pathlib import Path

from lyrikstore.api import Store
from lyrikstore.crypto.keys.keyring import KeyFolder
from lyrikstore.review.asked import ReviewRequest
from lyrikstore.review.queue import request_review
from lyrikstore.testing.keys import signer_for
from tests.kinds import refused
from tests.review.conftest import ANNA, commit_rows, rows


def test_a_clone_asks_nobody(store: Store, tmp_path: Path) -> None:
    name = commit_rows(store, tmp_path / "data", rows(6))
    clone, _ = Store.clone(
        str(tmp_path / "work"),
        tmp_path / "clone",
        memory_dir=tmp_path / "memory-2",
        trust_file=tmp_path / "trust-2.toml",
        keys=KeyFolder(tmp_path / "keys-2"),
        signer=signer_for("owner"),
    )
    with refused("not-home"):
        request_review(clone, name, ReviewRequest((ANNA.did,)), tmp_path / "queue")
    assert not (tmp_path / "queue").exists()
