"""Clones for an audit: nothing of the data is in them, and what they have verifies."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.api import Store
from lyrikstore.canon.digest import Digest
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Attachment
from lyrikstore.history.repository.partial_clone import Selection, read_selection
from lyrikstore.history.sync import audit_clone
from lyrikstore.history.sync.pull import PullResult, clone, pull
from lyrikstore.history.sync.push import Remote, push
from lyrikstore.history.sync.repair import repair_store
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.verify.report import Report
from tests.conftest import REPOSITORY
from tests.kinds import refused
from tests.verify.store.lineage import Lineage, states

CANARY = b"Ms-Canary-of-Kestrel-v-Osprey"
LICENCE = b"The licence of these texts.\n"
AUDIT = Selection(for_audit=True)


def commit(store: Lineage, name: str, *more: tuple[str, bytes]) -> Digest:
    """Commit a dataset whose data, paths and lists have the canary."""
    path, data = f"{CANARY.decode()}.jsonl", b'{"text": "' + CANARY + b'"}\n'
    lists = [
        ("decisions", b"decided about " + CANARY),
        ("ignored", CANARY),
        ("licence-text", LICENCE),
        ("salts", CANARY + os.urandom(32)),
        *more,
    ]
    with open_transaction(store.repository) as transaction:
        put = transaction.writer
        tree = Tree.of([TreeEntry(path, len(data), put.put_data(data), {"of": CANARY.decode()})])
        put.put_bytes(tree.encode())
        body = {
            "reader": "document/1", "records": 1, "bytes": len(data), "fileCount": 1,
            "origin": "committed", "descriptor": {}, "ignored": 0,
        }  # fmt: skip
        attachments = [Attachment(role, put.put_bytes(one), len(one)) for role, one in lists]
        made = store.sign("dataset", f"datasets/acme/{name}", body, tree=tree.id,
                          files=tree.files_id, attachments=attachments)  # fmt: skip
        transaction.log_manifest(made)
        transaction.commit()
    return made.id


@pytest.fixture
def home(fresh: Lineage) -> Lineage:
    """Return a store with data that no auditor may see."""
    fresh.ids["one"] = commit(fresh, "one")
    return fresh


def audited(home: Lineage, folder: Path, backend: LocalBackend | None = None) -> Lineage:
    """Return a clone of ``home`` for an audit."""
    root = folder / "clone" / ".lyrikstore"
    source = backend or LocalBackend(home.root)
    memory = LogMemory(folder / "memory of the clone")
    clone(source, "home", root, memory=memory, selection=AUDIT)
    return Lineage(root, home.world, home.publisher, home.ids)


def pulled(store: Lineage, home: Lineage, **how: Any) -> PullResult:
    """Pull into a clone from its home."""
    memory = LogMemory(store.root.parent.parent / "memory of the clone")
    return pull(store.repository, LocalBackend(home.root), "home", memory=memory, **how)


def everything(store: Lineage) -> bytes:
    """Return every byte of a store, as it is stored and unpacked, and every file name."""
    files = [one for one in sorted(store.root.rglob("*")) if one.is_file()]
    blobs = store.repository.blobs
    unpacked = [blobs.read(one, max_bytes=1 << 30) for one in blobs.iter()]
    assert unpacked
    return b"\0".join([*(one.read_bytes() for one in files), *unpacked, *(map(bytes, files))])


def holds(report: Report) -> None:
    """Hold that a report says that everything holds that can be checked without the data."""
    assert report.verdict == "trusted-without-data", report.to_json()
    assert states(report)["orphans"] == "pass"
    assert {one["id"] for one in report.to_json()["notChecked"]} >= {"manifests"}


def test_nothing_of_the_data_is_in_a_clone_for_an_audit(home: Lineage, tmp_path: Path) -> None:
    assert CANARY in everything(home)
    made = audited(home, tmp_path)
    found = everything(made)
    assert CANARY not in found
    assert LICENCE in found
    assert made.repository.manifest(home.ids["model"]).kind == "checkpoint"
    holds(made.store())
    assert made.object("one").verdict == "trusted-without-data"
    with refused("not-fetched"):
        made.repository.tree(made.repository.manifest(home.ids["one"]))
    trusting_nobody = made.store(trust=home.world.trusting())
    assert trusting_nobody.verdict == "valid-without-data"


def test_signed_statements_that_name_paths_or_values_are_named(home: Lineage) -> None:
    assert audit_clone.naming_data(home.repository) == ()
    old = home.repository.manifest(home.ids["one"])
    body = {**old.body, "companions": ["a.pdf"]}
    made = home.sign("dataset", "datasets/acme/with", body, tree=old.tree, files=old.files)
    home.log(made)
    first = home.log_credential(b'{"licence":{"type":"P\\u0061thSelector"}}')
    home.log_credential(b'{"licence":"Caf\\u00e9"}')
    second = home.log_credential(b'{"type":"MetadataSelector","values":["Kestrel"]}')
    assert audit_clone.naming_data(home.repository) == (
        f"{made.name} ({made.id.short})", f"credential {first.short}", f"credential {second.short}",
    )  # fmt: skip


def test_a_pull_keeps_to_what_an_auditor_may_see(
    home: Lineage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_clone, "MAX_OWN_PACKS", 2)
    made = audited(home, tmp_path)
    for number, packs in enumerate((2, 1, 2)):
        home.ids[f"more{number}"] = commit(home, f"more{number}", ("licence-text", bytes([number])))
        assert pulled(made, home).packs.files == 1
        selection = read_selection(made.repository.backend)
        assert selection is not None
        assert len(selection.packs) == packs
        assert CANARY not in everything(made)
        holds(made.store())
    assert pulled(made, home).packs.files == 0
    assert len([*(made.root / "packs").rglob("*.pack")]) == 2


def test_a_clone_for_an_audit_stays_one(home: Lineage, tmp_path: Path) -> None:
    made = audited(home, tmp_path)
    with refused("audit-clone"):
        pulled(made, home, all_data=True)
    with refused("audit-clone"):
        clone(LocalBackend(made.root), "it", tmp_path / "next", memory=LogMemory(tmp_path / "m"))
    with refused("audit-clone"):
        place = LocalBackend(tmp_path / "mirror")
        memory = LogMemory(tmp_path / "memory of the clone")
        push(made.repository, Remote(place, tmp_path / "mirror", "mirror", mirror=True),
             memory=memory, log_signer=lambda: home.world.LOG)  # fmt: skip
    holds(made.store())


@pytest.mark.parametrize("kept", ["2026-12-01", "2026-12-01-rights"])
def test_no_check_says_worse_of_a_clone_than_of_its_home(kept: str, tmp_path: Path) -> None:
    (tmp_path / "trust.toml").write_text("version = 1\n")
    shutil.copytree(REPOSITORY / "tests/compat" / kept / "store", tmp_path / "home")

    def report(name: str, **selected: Any) -> Report:
        store, _ = Store.clone(
            str(tmp_path / "home"),
            tmp_path / name,
            memory_dir=tmp_path / f"memory of {name}",
            trust_file=tmp_path / "trust.toml",
            **selected,
        )
        return store.verify()

    home = states(report("all"))
    for found in (report("bare", only=()), report("audited", for_audit=True)):
        left_out = {one.id for one in found.left_out}
        assert found.verdict == "valid-without-data"
        made = {one: state for one, state in states(found).items() if one not in left_out}
        assert made == {one: state for one, state in home.items() if one not in left_out}


@pytest.mark.parametrize("content", [
    b"{", b"[]", b'{"for":"audit","v":1}', b'{"for":"sale","packs":[],"v":1}',
    b'{"for":"audit","packs":[{"bytes":0,"id":"blake3:00"}],"v":1}',
    b'{"for":"audit","packs":[1],"v":1}', b'{"for":"audit","packs":{},"v":2}',
    b'{"for":"audit","only":[],"packs":[],"v":1}', b" " * (1 << 15),
])  # fmt: skip
def test_a_damaged_selection_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "partial").write_bytes(content)
    with refused("bad-partial"):
        read_selection(LocalBackend(tmp_path))


def test_a_remote_that_returns_another_blob_for_a_range(home: Lineage, tmp_path: Path) -> None:
    """A185."""
    one, other = os.urandom(30_000), os.urandom(30_000)
    commit(home, "two", ("licence-text", one), ("licence-text", other))

    class Swapping(LocalBackend):
        def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
            data = super().read(name, start, length)
            if one in data and other in data:
                self.swapped = True
                data = data.replace(one, b"-").replace(other, one).replace(b"-", other, 1)
            return data

    backend = Swapping(home.root)
    with refused("blob-damaged"):
        audited(home, tmp_path, backend)
    assert backend.swapped
    assert not (tmp_path / "clone" / ".lyrikstore" / "format").exists()


def test_a_clone_that_was_cut_off_goes_on(
    home: Lineage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("lyrikstore.history.sync.pull.copy_log", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            audited(home, tmp_path)
    assert not (tmp_path / "clone" / ".lyrikstore" / "format").exists()
    holds(audited(home, tmp_path).store())


def test_a_size_that_is_signed_falsely_stops_no_clone(home: Lineage, tmp_path: Path) -> None:
    old = home.repository.manifest(home.ids["one"])
    lists = [Attachment("licence-text", Digest.of(LICENCE), 3)]
    home.log(home.sign("dataset", "datasets/acme/false", {**old.body}, tree=old.tree,
                       files=old.files, attachments=lists))  # fmt: skip
    report = audited(home, tmp_path).store()
    assert report.verdict == "invalid"
    assert states(report)["manifests"] == "fail"


def test_a_home_that_hides_a_manifest(
    home: Lineage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A186."""
    hidden, fetch = home.ids["run"], audit_clone._fetch

    def without(there: Any, identity: Digest, *rest: Any) -> bytes | None:
        return None if identity == hidden else fetch(there, identity, *rest)

    monkeypatch.setattr(audit_clone, "_fetch", without)
    report = audited(home, tmp_path).store()
    assert report.verdict == "incomplete"
    assert report.check("manifests").detail["reason"] == "lost"


def test_an_attachment_that_the_home_hides_is_lost(
    home: Lineage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A186."""
    hidden, fetch = Digest.of(LICENCE), audit_clone._fetch

    def without(there: Any, identity: Digest, *rest: Any) -> bytes | None:
        return None if identity == hidden else fetch(there, identity, *rest)

    monkeypatch.setattr(audit_clone, "_fetch", without)
    report = audited(home, tmp_path).store()
    assert report.verdict == "incomplete"
    assert report.check("manifests").detail["reason"] == "lost"


def test_own_packs_that_are_lost_or_damaged_are_found(home: Lineage, tmp_path: Path) -> None:
    made = audited(home, tmp_path)
    home.ids["more"] = commit(home, "more")
    pulled(made, home)
    selection = read_selection(made.repository.backend)
    assert selection is not None
    pack = made.root / selection.packs[1].name
    data = pack.read_bytes()
    pack.chmod(0o600)
    pack.write_bytes(data[:40] + bytes([data[40] ^ 1]) + data[41:])
    assert made.store().verdict == "invalid"
    pack.unlink()
    assert made.store().verdict == "invalid"
    memory = LogMemory(tmp_path / "memory of the clone")
    repaired = repair_store(made.root, LocalBackend(home.root), "home", memory=memory)
    assert [one.problem for one in repaired] == ["missing"]
    holds(made.store())


def test_an_auditor_pushes_what_needs_no_data(home: Lineage, tmp_path: Path) -> None:
    made = audited(home, tmp_path)
    repository = made.repository
    repository.log_signer = home.world.LOG
    run = home.repository.manifest(home.ids["run"])
    again = made.sign("run", "runs/acme/audit", {**run.body}, inputs=run.inputs)
    with open_transaction(repository) as transaction:
        transaction.log_manifest(again)
        transaction.commit()
    repository.refresh()
    result = push(
        repository,
        Remote(LocalBackend(home.root), home.root, "home"),
        memory=home.publisher.memory,
        log_signer=lambda: home.world.LOG,
    )
    assert result.what == "appended"
    assert home.repository.refs["runs/acme/audit"].id == again.id
    assert CANARY not in everything(made)
