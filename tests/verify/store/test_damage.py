"""Damaged files of a store: each damage found, and named under the right check."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.errors import FormatError, NotFoundError, StorageError
from lyrikstore.canon.schemas import check_schema
from lyrikstore.canon.timestamps import now
from lyrikstore.credentials.terms.model import whole
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.verify.checks import PROCEDURES
from lyrikstore.verify.store import ancestry
from lyrikstore.verify.store.store import verify_store_at
from tests.rewriting import rewrite
from tests.verify.store.lineage import Lineage, flip, problems, states


def test_flipped_pack_byte(copied: Lineage) -> None:
    packs = sorted((copied.root / "packs").rglob("*.pack"))
    for pack in packs:
        before = pack.read_bytes()
        flip(pack)
        report = copied.store()
        assert report.verdict == "invalid", pack
        pack.write_bytes(before)
    assert copied.store().verdict == "trusted"


def test_pack_that_begins_with_zeros_is_named(copied: Lineage) -> None:
    # Also where the store cannot even be opened without it.
    for pack in sorted((copied.root / "packs").rglob("*.pack")):
        before = pack.read_bytes()
        pack.chmod(0o600)
        pack.write_bytes(bytes(64) + before[64:])
        report = copied.store()
        assert report.verdict == "invalid"
        assert pack.name[:12] in problems(report, "blobs")
        pack.write_bytes(before)


def test_reports_number_the_files_of_a_dataset(
    copied: Lineage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report is shown to outsiders, and a path can be a client's name (A77)."""
    entries = copied.publisher.tree.entries
    monkeypatch.setattr(ancestry, "find_damaged", lambda *_: {entries[1].blake3})
    report = copied.object("dataset")
    assert report.verdict == "invalid"
    said = json.dumps(report.to_json())
    assert ": file 2" in said
    assert not [one.path for one in entries if one.path in said]


def test_missing_pack(copied: Lineage) -> None:
    genesis_pack = copied.repository.live.packs[0].name
    pack = next(p for p in copied.repository.live.packs[1:] if p.name != genesis_pack)
    (copied.root / pack.name).unlink()
    report = copied.store()
    assert report.verdict == "invalid"
    assert "missing" in problems(report, "blobs")


def test_tiles_altered(copied: Lineage) -> None:
    tiles = [path for path in sorted((copied.root / "log/tile").rglob("*")) if path.is_file()]
    assert len(tiles) > 4  # also partial ones of older sizes
    for tile in tiles:
        before = tile.read_bytes()
        flip(tile)
        report = copied.store()
        assert report.verdict == "invalid", tile
        assert states(report)["log.tiles"] == "fail"
        tile.write_bytes(before)


def test_tiles_missing(copied: Lineage) -> None:
    size = copied.repository.checkpoint.size
    (copied.root / f"log/tile/0/000.p/{size}").unlink()
    report = copied.store()
    assert report.verdict == "incomplete"
    assert "missing" in problems(report, "log.tiles")


def test_partial_tiles_of_older_sizes_are_checked_whole(copied: Lineage) -> None:
    size = copied.repository.checkpoint.size
    folder = copied.root / "log/tile"
    older = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != str(size)]
    assert len(older) >= 4
    for tile in older:
        before = tile.read_bytes()
        for damage in (before[:-1], before[: len(before) // 2], b"", before + b"x"):
            rewrite(tile, damage)
            assert states(copied.store())["log.tiles"] == "fail", tile
        tile.unlink()
        assert copied.store().verdict == "incomplete", tile
        tile.symlink_to("/etc/passwd")
        assert copied.store().verdict != "trusted", tile
        tile.unlink()
        tile.write_bytes(before)
    assert copied.store().verdict == "trusted"


def test_a_memory_that_cannot_be_written_is_a_warning(
    copied: Lineage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise StorageError("disk-full", "no space left")

    monkeypatch.setattr(LogMemory, "remember_seen", full)
    report = copied.store(memory=LogMemory(copied.root.parent / "memory"))
    assert report.verdict == "trusted"
    assert states(report)["log.memory"] == "warn"


@pytest.mark.parametrize(
    ("name", "check"),
    [("format", "store.format"), ("log/checkpoint", "log.checkpoint")],
)
def test_small_files(copied: Lineage, name: str, check: str) -> None:
    path = copied.root / name
    flip(path, 0.1)
    report = copied.store()
    assert report.verdict == "invalid"
    assert states(report)[check] == "fail"
    assert tuple(states(report)) == PROCEDURES["store"].checks
    check_schema(report.to_json(), "report")


def test_no_checkpoint(copied: Lineage) -> None:
    (copied.root / "log/checkpoint").unlink()
    report = copied.store()
    assert report.verdict == "invalid"
    assert report.check("log.checkpoint").detail["reason"] == "no-checkpoint"


def test_transaction_records(copied: Lineage) -> None:
    records = sorted((copied.root / "tx").iterdir())
    for record in records:
        before = record.read_bytes()
        flip(record, 0.05)  # in a member name
        assert copied.store().verdict == "invalid", record
        record.write_bytes(before.replace(b'"v":1', b'"v":2'))
        report = copied.store()
        assert report.verdict == "incomplete"
        assert report.check("log.transactions").detail["reason"] == "newer-format"
        record.write_bytes(before)
    records[-1].unlink()
    report = copied.store()
    assert report.verdict == "invalid"
    assert report.check("log.transactions").detail["reason"] == "transaction-missing"


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.symlink_to("x")])
def test_something_else_where_a_record_was(copied: Lineage, make: Callable[[Path], None]) -> None:
    record = min((copied.root / "tx").iterdir())
    record.unlink()
    make(record)
    report = copied.store()
    assert report.verdict == "invalid"
    assert tuple(states(report)) == PROCEDURES["store"].checks


def test_genesis_that_the_first_record_does_not_name(copied: Lineage) -> None:
    record = copied.root / "tx" / f"{0:020d}"
    before = record.read_bytes()
    digest = copied.repository.store_id.hex.encode()
    at = before.index(digest)
    record.chmod(0o600)
    for place in range(at, at + len(digest)):
        other = b"0" if before[place : place + 1] != b"0" else b"1"
        record.write_bytes(before[:place] + other + before[place + 1 :])
        report = copied.store()
        assert report.verdict == "incomplete"
        assert report.check("log.transactions").detail["reason"] == "no-blob"
        assert tuple(states(report)) == PROCEDURES["store"].checks


def test_writer_that_died_while_publishing(
    fresh: Lineage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = LocalBackend.replace

    def die(self: LocalBackend, name: str, source: bytes | Path) -> None:
        if name == "log/checkpoint":
            raise KeyboardInterrupt
        real(self, name, source)

    with monkeypatch.context() as patch:
        patch.setattr(LocalBackend, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            fresh.log_credential(fresh.publisher.credential(terms=whole(["evaluate"])))
    report = fresh.store(memory=fresh.publisher.memory)
    assert report.verdict == "trusted", [c for c in report.checks if c.state != "pass"]
    assert states(report)["log.transactions"] == "warn"
    assert {check for check, state in states(report).items() if state != "pass"} == {
        "approvals",
        "deployment.made-from",
        "reviews",
        "rules",
        "log.transactions",
        "log.witness",
        "timestamps",
        "card.sources",  # there is no card
    }
    # The files of the next size are checked all the same.
    size = fresh.repository.checkpoint.size + 2
    for tile in (f"tile/0/000.p/{size}", f"tile/entries/000.p/{size}"):
        before = (fresh.root / "log" / tile).read_bytes()
        flip(fresh.root / "log" / tile)
        assert "differs" in problems(fresh.store(), "log.tiles")
        (fresh.root / "log" / tile).write_bytes(before)


def test_what_is_published_while_the_store_is_verified_is_no_damage(fresh: Lineage) -> None:
    class Busy(LogMemory):
        """Somebody commits just after the records were read, before the tiles are."""

        committed = False

        def check_seen(self, *arguments: Any) -> Any:
            if not self.committed:
                self.committed = True
                fresh.run("runs/acme/meanwhile")
            return super().check_seen(*arguments)

    size = fresh.repository.checkpoint.size
    report = fresh.store(memory=Busy(fresh.root.parent / "reader"))
    assert fresh.repository.checkpoint.size > size
    assert report.verdict == "trusted", [c for c in report.checks if c.state == "fail"]
    assert states(report)["log.tiles"] == "pass"


@pytest.mark.parametrize("data", [b"", b"{}", b'{"v":2}'])
def test_planted_record_is_a_warning(copied: Lineage, data: bytes) -> None:
    count = len(copied.repository.records.transactions)
    (copied.root / "tx" / f"{count:020d}").write_bytes(data)
    report = copied.store()
    assert report.verdict == "trusted"
    assert states(report)["log.transactions"] == "warn"


def test_no_store_is_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no store"):
        verify_store_at(tmp_path, trust=Trust(), at=now(), memory=LogMemory(tmp_path))


def test_newer_store_is_no_verdict(copied: Lineage) -> None:
    (copied.root / "format").chmod(0o600)
    (copied.root / "format").write_bytes(b"lyrikstore 2\n")
    with pytest.raises(FormatError) as caught:
        copied.store()
    assert caught.value.kind == "newer-format"


def test_stray_pack_is_a_warning(copied: Lineage) -> None:
    stray = copied.root / "packs/00" / ("0" * 64 + ".pack")
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"x")
    report = copied.store()
    assert report.verdict == "trusted"
    assert states(report)["orphans"] == "warn"


def test_rollback_is_seen(fresh: Lineage, tmp_path: Path) -> None:
    memory = LogMemory(tmp_path / "auditor")
    older = tmp_path / "older"
    shutil.copytree(fresh.root, older)
    fresh.log_credential(fresh.publisher.credential(terms=whole(["evaluate"])))
    assert fresh.store(memory=memory).verdict == "trusted"
    trust = fresh.world.trusting(fresh.world.OWNER.did)
    report = verify_store_at(older, trust=trust, at=fresh.world.NOW, memory=memory)
    assert report.verdict == "invalid"
    assert report.check("log.memory").detail["reason"] == "rollback"
