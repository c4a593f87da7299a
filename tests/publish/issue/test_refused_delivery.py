"""What is not issued, or fails on the way, leaves nothing behind."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.errors import (
    ConflictError,
    InvalidInputError,
    PolicyError,
    StorageError,
    VerificationError,
)
from lyrikstore.curate.terms.offer import Offer
from lyrikstore.publish.issue import dataset as dataset_module
from lyrikstore.publish.issue import delivery as delivery_module
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.report import Verdict
from tests.publish.issue.deliveries import issue, size, verify


def test_an_empty_folder_is_taken_and_a_full_one_refused(chain: Any, tmp_path: Path) -> None:
    before = size(chain)
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").write_text("mine")
    with pytest.raises(ConflictError) as caught:
        issue(chain, chain.made["raw"], full)
    assert caught.value.kind == "not-empty"
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(full)
    for bad in (tmp_path / "file", tmp_path / "link", tmp_path / "no" / "parent"):
        with pytest.raises(InvalidInputError):
            issue(chain, chain.made["raw"], bad)
    assert size(chain) == before
    empty = tmp_path / "empty"
    empty.mkdir()
    issue(chain, chain.made["raw"], empty)
    assert verify(chain, empty).verdict is Verdict.TRUSTED


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"offer": Offer.of_words(("fly",))}, "unknown-word"),
        ({"offer": Offer.of_words(("train",), ("train",))}, "contradiction"),
        ({"valid_for": timedelta(0)}, "bad-validity"),
        ({"valid_for": timedelta(days=-1)}, "bad-validity"),
        ({"valid_for": timedelta(days=40_000)}, "bad-validity"),
    ],
)
def test_bad_terms_are_refused_at_once(
    chain: Any, tmp_path: Path, changes: dict[str, Any], kind: str
) -> None:
    before = size(chain)
    with pytest.raises(InvalidInputError) as caught:
        issue(chain, chain.made["raw"], tmp_path / "d", **changes)
    assert caught.value.kind == kind
    assert not (tmp_path / "d").exists()
    assert size(chain) == before


def test_only_datasets_of_this_store(chain: Any, world: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError):
        issue(chain, chain.made["checkpoint"], tmp_path / "d")
    (tmp_path / "other").mkdir()
    other = world.Chain(tmp_path / "other")
    with pytest.raises(InvalidInputError):
        issue(other, chain.made["raw"], tmp_path / "d")


def test_a_stranger_s_key_cannot_issue(chain: Any, tmp_path: Path) -> None:
    before = size(chain)
    with pytest.raises(PolicyError):
        issue(chain, chain.made["raw"], tmp_path / "d", signer=signer_for("mallory"))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["home"]
    assert size(chain) == before


def test_a_failure_leaves_nothing(
    chain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = size(chain)

    def full(*_: Any, **__: Any) -> None:
        raise StorageError("disk-full", "no space")

    for module, step in (
        (delivery_module, "checkout_tree"),
        (dataset_module, "commit_to_records"),
        (dataset_module, "_log"),
        (delivery_module, "write_files"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(module, step, full)
            with pytest.raises(StorageError):
                issue(chain, chain.made["raw"], tmp_path / "d")
        assert sorted(entry.name for entry in tmp_path.iterdir()) == ["home"], step
        if step != "write_files":  # by then the credential is logged
            assert size(chain) == before
    issue(chain, chain.made["raw"], tmp_path / "d")
    assert verify(chain, tmp_path / "d").verdict is Verdict.TRUSTED


def test_a_damaged_store_issues_nothing(chain: Any, tmp_path: Path) -> None:
    for pack in (chain.repository.root / "packs").rglob("*.pack"):
        data = bytearray(pack.read_bytes())
        data[len(data) // 4] ^= 0xFF
        os.chmod(pack, 0o600)
        pack.write_bytes(data)
    chain.repository.refresh()
    with pytest.raises(Exception) as caught:  # whichever byte was hit
        issue(chain, chain.made["raw"], tmp_path / "d")
    assert caught.type.__module__ == "lyrikstore.canon.errors"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["home"]


def test_wrong_counts_are_noticed(chain: Any, tmp_path: Path) -> None:
    lying = chain.dataset("lying", "datasets/acme/l", {"a.txt": b"a\n"}, body={"records": 7})
    with pytest.raises(VerificationError) as caught:
        issue(chain, lying, tmp_path / "d")
    assert caught.value.kind == "records-differ"


def test_what_a_killed_process_left_beside_is_removed_and_of_one_alive_nothing(
    chain: Any, tmp_path: Path
) -> None:
    destination = tmp_path / "delivery"
    build = (
        "import sys, time, pathlib\n"
        "from lyrikstore.publish.issue.atomic_folder import building\n"
        "with building(pathlib.Path(sys.argv[1])) as folder:\n"
        "    (folder / 'data').mkdir()\n"
        "    print(folder.name, flush=True)\n"
        "    time.sleep(600)\n"
    )

    def start(name: str) -> tuple[subprocess.Popen[str], str]:
        child = subprocess.Popen(
            [sys.executable, "-c", build, str(tmp_path / name)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        with child.stdout as output:
            return child, output.readline().strip()

    killed, left = start("delivery")
    killed.kill()
    killed.wait()
    alive, kept = start("delivery")
    other, others = start("delivery.more")
    try:
        assert left.startswith(".")  # nobody takes it for a delivery
        assert not (tmp_path / left).exists()
        other.kill()
        other.wait()
        issue(chain, chain.made["raw"], destination)
        assert sorted(path.name for path in tmp_path.iterdir() if "delivery" in path.name) == (
            sorted([kept, others, "delivery"])
        )
    finally:
        alive.kill()
        alive.wait()
        other.kill()
