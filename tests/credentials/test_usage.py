"""Whoever uses a filtered dataset uses the partitions whose files it may hold, and no fewer."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError
from lyrikstore.credentials.terms.model import Partition, Selector, Terms
from lyrikstore.credentials.terms.usage import PartitionsUsed, RowsHeld, partitions_used
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.manifests.manifest import Input, Manifest, sign_manifest
from lyrikstore.history.trees.tree import Tree, TreeEntry
from tests.lineages import lineage_of

VECTORS = Path(__file__).resolve().parents[2] / "spec" / "vectors"
USED = json.loads((VECTORS / "terms" / "used.json").read_text("ascii"))
SIGNER = KeySigner(PrivateKey.from_seed(b"\x11" * 32))
NOW = datetime(2026, 11, 24, tzinfo=UTC)


class History:
    """Datasets as a store would have logged them, without a store."""

    def __init__(self) -> None:
        self.manifests: dict[Digest, Manifest] = {}
        self.trees: dict[Digest, Tree] = {}
        self.blobs: dict[Digest, bytes] = {}
        self.reader, self.companions = "document/1", list[str]()

    def open(self, digest: Digest) -> io.BytesIO:
        if digest not in self.blobs:
            raise IncompleteError("not-fetched", "it is not here")
        return io.BytesIO(self.blobs[digest])

    def dataset(
        self, files: dict[str, str], *sources: Manifest, against: Manifest | None = None
    ) -> Manifest:
        self.blobs |= {Digest.of(text.encode()): text.encode() for text in files.values()}
        companions = [path for path in self.companions if path in files]
        tree = Tree.of(
            TreeEntry(path, len(text), Digest.of(text.encode())) for path, text in files.items()
        )
        body: dict[str, Any] = {
            "reader": self.reader,
            "records": len(files),
            "bytes": tree.total_bytes,
            "fileCount": len(files),
            "origin": "filtered" if sources else "committed",
            "descriptor": {},
            **({"companions": companions} if companions else {}),
        }
        manifest = sign_manifest(
            kind="dataset",
            store=Digest.of(b"a store"),
            name="datasets/acme/poems",
            body=body,
            signer=SIGNER,
            created=NOW,
            tree=tree.id,
            files=tree.files_id,
            inputs=[Input("source", "dataset", source.id) for source in sources]
            + [Input("filter", "filter", Digest.of(b"a filter"))] * bool(sources)
            + [Input("against", "dataset", one.id) for one in (against,) if one is not None],
        )
        self.manifests[manifest.id] = manifest
        self.trees[manifest.id] = tree
        return manifest

    def used(self, source: Manifest, *datasets: Manifest) -> list[str]:
        return list(self.found(source, *datasets).names)

    def found(self, source: Manifest, *datasets: Manifest) -> PartitionsUsed:
        terms = Terms(
            tuple(
                Partition(
                    item["name"],
                    select=(Selector(path=item["path"]),) if "path" in item else (),
                )
                for item in USED["partitions"]
            )
        )
        return partitions_used(
            terms,
            source,
            datasets,
            lineage=lineage_of(*self.manifests.values()),
            tree_of=lambda manifest: self.trees[manifest.id],
            rows=RowsHeld(self.open),
        )


@pytest.mark.parametrize("case", USED["cases"], ids=lambda case: case["id"])
def test_used(case: dict[str, Any]) -> None:
    check(History(), USED["source"], case)


@pytest.mark.parametrize("case", USED["rows"]["cases"], ids=lambda case: case["id"])
def test_used_of_rows(case: dict[str, Any]) -> None:
    check(rows(), USED["rows"]["source"], case)


def rows() -> History:
    history = History()
    history.reader, history.companions = "jsonl/1", USED["rows"]["companions"]
    return history


def check(history: History, files: dict[str, str], case: dict[str, Any]) -> None:
    source = history.dataset(files)
    compared = history.dataset(case["compared"]) if "compared" in case else None
    ends = []
    for chain in case["datasets"]:
        ends.append(source)
        for made in chain:
            ends[-1] = history.dataset(made, ends[-1], against=compared)
    found = history.found(source, *ends)
    assert (list(found.names), found.unread) == (case["used"], "")


def test_data_that_is_not_here_uses_everything_and_says_so() -> None:
    files = USED["rows"]["source"]
    every = tuple(item["name"] for item in USED["partitions"])
    for lost in ("open/a.jsonl", "client/a.jsonl", "made"):
        history = rows()
        source = history.dataset(files)
        made = history.dataset({"open/a.jsonl": '{"n":2}\n'}, source)
        gone = history.trees[(made if lost == "made" else source).id].entries
        for entry in gone:
            if lost in ("made", entry.path):
                del history.blobs[entry.blake3]
        found = history.found(source, made)
        assert found.names == every
        assert "not here" in found.unread
    del history.blobs[Digest.of(files["client/a.jsonl"].encode())]
    elsewhere = history.dataset({"n=2/part-00000.jsonl": '{"n":2}\n'}, source)
    assert "not here" in history.found(source, elsewhere).unread
    kept = history.dataset({"open/a.jsonl": files["open/a.jsonl"]}, source)
    assert history.found(source, kept) == PartitionsUsed(("open",))  # no data is needed


def test_rows_of_other_readers_use_everything() -> None:
    history = History()
    history.reader = "csv/2"
    source = history.dataset({"client/a.csv": "n\n1\n", "open/a.csv": "n\n2\n3\n"})
    history.reader = "jsonl/1"
    made = history.dataset({"open/a.csv.jsonl": '{"n":"2"}\n'}, source)
    assert history.used(source, made) == [item["name"] for item in USED["partitions"]]


def test_what_cannot_be_followed_uses_everything() -> None:
    history = History()
    source = history.dataset(USED["source"])
    other = history.dataset({"y": "another dataset"})
    every = [item["name"] for item in USED["partitions"]]
    assert history.used(source, other) == []
    kept = {"open/1": USED["source"]["open/1"]}
    assert history.used(source, history.dataset(kept, source, other)) == every
    lost = history.dataset(kept, source)
    end = history.dataset(kept, lost)
    del history.manifests[lost.id]
    assert history.used(source, end) == every
