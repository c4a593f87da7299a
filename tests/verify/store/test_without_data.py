"""Clones whose user left out all data: a verdict of its own words, and nothing else excused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.schemas import check_schema
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.partial_clone import Selection
from lyrikstore.history.sync.pull import clone
from lyrikstore.history.sync.repair import repair_store
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.objects.pack.format import PackRef
from lyrikstore.verify.report import Report, Verdict
from lyrikstore.verify.report_text import headline
from lyrikstore.web.pages.report import report_facts, report_page
from tests.verify.store.lineage import Lineage, flip, states

Cloned = Callable[[Selection | None], Lineage]


def commit(store: Lineage, name: str, data: bytes) -> Digest:
    """Commit a dataset of one file, in a pack of data."""
    with open_transaction(store.repository) as transaction:
        tree = Tree.of([TreeEntry("a", len(data), transaction.writer.put_data(data))])
        transaction.writer.put_bytes(tree.encode())
        body = {
            "reader": "document/1", "records": 1, "bytes": len(data), "fileCount": 1,
            "origin": "committed", "descriptor": {}, "ignored": 0,
        }  # fmt: skip
        made = store.sign("dataset", f"datasets/acme/{name}", body, tree=tree.id,
                          files=tree.files_id)  # fmt: skip
        transaction.log_manifest(made)
        transaction.commit()
    return made.id


@pytest.fixture
def cloned(fresh: Lineage, tmp_path: Path) -> Cloned:
    """Return a maker of clones of a sound store with two datasets in packs of data."""
    fresh.ids["one"] = commit(fresh, "one", b"the first\n")
    fresh.ids["two"] = commit(fresh, "two", b"the second\n")

    def make(selection: Selection | None) -> Lineage:
        root = tmp_path / "clone" / ".lyrikstore"
        memory = LogMemory(tmp_path / "memory of the clone")
        clone(LocalBackend(fresh.root), "home", root, memory=memory, selection=selection)
        return Lineage(root, fresh.world, fresh.publisher, fresh.ids)

    return make


@pytest.fixture
def bare(cloned: Cloned) -> Lineage:
    """Return a clone without data."""
    return cloned(Selection())


def unchecked(report: Report) -> set[tuple[str, object]]:
    """Return the checks that were not made, each with its reason."""
    return {
        (one.id, one.detail["reason"])
        for one in report.checks
        if states(report)[one.id] == "unchecked"
    }


def documents(store: Lineage) -> list[PackRef]:
    """Return the packs of documents but that of the genesis."""
    first = store.repository.live.packs[0]
    return [one for one in store.repository.live.packs[1:] if one.role == first.role == "documents"]


def test_all_that_can_be_checked_without_the_data_holds(bare: Lineage) -> None:
    report = bare.store()
    assert report.verdict == "trusted-without-data"
    assert unchecked(report) == {("manifests", "not-fetched")}
    document = report.to_json()
    check_schema(document, "report")
    assert [(one["id"], one["reason"]) for one in document["notChecked"]] == [
        ("manifests", "not-fetched")
    ]
    assert "everything that can be checked without the data holds" in headline(report)
    page = report_page(report_facts(report, trust="t")).decode()
    assert "left out of this copy" in page
    assert 'class="trusted"' in page
    unknown = bare.store(trust=bare.world.trusting())
    assert unknown.verdict == "valid-without-data"
    dataset = bare.object("one")
    assert dataset.verdict is Verdict.TRUSTED_WITHOUT_DATA
    assert [one.id for one in dataset.left_out] == ["blobs", "manifests"]


def test_the_log_of_a_clone_without_data_is_remembered(bare: Lineage) -> None:
    memory = LogMemory(bare.root.parent / "another memory")
    bare.store(memory=memory)
    assert memory.last_seen(bare.repository.store_id) is not None


def test_a_store_with_all_data_is_never_judged_without(cloned: Cloned) -> None:
    whole = cloned(None)
    assert "notChecked" not in whole.store().to_json()
    for pack in whole.repository.live.packs:
        if pack.role == "data":
            (whole.root / pack.name).unlink()
    assert whole.store().verdict == "invalid"


def test_some_data_alone_is_incomplete(cloned: Cloned) -> None:
    # Nothing says which packs were left out, so a lost one looks the same.
    some = cloned(Selection(("acme/one",)))
    for pack in some.repository.live.packs:
        if pack.role == "data" and (some.root / pack.name).exists():
            (some.root / pack.name).unlink()
    report = some.store()
    assert report.verdict == "incomplete"
    assert "notChecked" not in report.to_json()


def test_a_lost_pack_of_documents_is_not_called_left_out(bare: Lineage, fresh: Lineage) -> None:
    """A187."""
    for pack in documents(bare):
        held = (bare.root / pack.name).read_bytes()
        (bare.root / pack.name).unlink()
        report = bare.store()
        assert report.verdict == "invalid", pack
        assert states(report)["blobs"] == "fail"
        memory = LogMemory(bare.root.parent.parent / "memory of the clone")
        (restored,) = repair_store(bare.root, LocalBackend(fresh.root), "home", memory=memory)
        assert restored.name == pack.name
        flip(bare.root / pack.name)
        assert bare.store().verdict == "invalid", pack
        (bare.root / pack.name).write_bytes(held)
    assert bare.store().verdict == "trusted-without-data"


def test_a_document_that_no_pack_has_is_lost(
    bare: Lineage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A187: a home that never had the blob, or hides it."""
    from lyrikstore.objects.pack.reader import PackedBlobs

    manifest = bare.repository.manifest(bare.ids["model"])
    assert manifest.tree is not None
    held = PackedBlobs.holds
    for hidden in (manifest.attachments[0].id, manifest.tree, manifest.id):

        def holds(self: PackedBlobs, raw: bytes, hidden: Digest = hidden) -> bool:
            return raw != hidden.raw and held(self, raw)

        monkeypatch.setattr(PackedBlobs, "holds", holds)
        monkeypatch.setattr(PackedBlobs, "size", lambda self, raw, holds=holds: (
            self.table.place(self.table.find(raw))[3] if holds(self, raw) else None
        ))  # fmt: skip
        monkeypatch.setattr(
            "lyrikstore.objects.store.blobs.BlobStore.differing",
            lambda self, sizes, hidden=hidden: [*self.table.differing(sizes), hidden.raw],
        )
        report = bare.store()
        assert report.verdict == "incomplete", hidden
        assert states(report)["manifests"] == "unchecked"
        assert report.check("manifests").detail["reason"] == "lost"
        monkeypatch.undo()


def test_what_was_committed_here_is_lost_and_not_left_out(bare: Lineage) -> None:
    bare.ids["here"] = commit(bare, "here", b"made here\n")
    assert bare.store().verdict == "trusted-without-data"
    (pack,) = [
        one
        for holder in bare.repository.pending_transactions
        for one in holder.added
        if one.role == "data"
    ]
    (bare.root / pack.name).unlink()
    assert bare.store().verdict == "invalid"
