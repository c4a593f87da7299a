"""Whoever uses a filtered dataset uses the partitions whose files it may hold, and no fewer."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.credentials.terms.model import Partition, Selector, Terms
from lyrikstore.credentials.terms.usage import partitions_used
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.manifests.manifest import Input, Manifest, sign_manifest
from lyrikstore.history.trees.tree import Tree, TreeEntry

VECTORS = Path(__file__).resolve().parents[2] / "spec" / "vectors"
USED = json.loads((VECTORS / "terms" / "used.json").read_text("ascii"))
SIGNER = KeySigner(PrivateKey.from_seed(b"\x11" * 32))
NOW = datetime(2026, 11, 24, tzinfo=UTC)


class History:
    """Datasets as a store would have logged them, without a store."""

    def __init__(self) -> None:
        self.manifests: dict[Digest, Manifest] = {}
        self.trees: dict[Digest, Tree] = {}

    def dataset(
        self, files: dict[str, str], *sources: Manifest, against: Manifest | None = None
    ) -> Manifest:
        tree = Tree.of(
            TreeEntry(path, len(text), Digest.of(text.encode())) for path, text in files.items()
        )
        body: dict[str, Any] = {
            "reader": "document/1",
            "records": len(files),
            "bytes": tree.total_bytes,
            "fileCount": len(files),
            "origin": "filtered" if sources else "committed",
            "descriptor": {},
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
        terms = Terms(
            tuple(
                Partition(
                    item["name"],
                    select=(Selector(path=item["path"]),) if "path" in item else (),
                )
                for item in USED["partitions"]
            )
        )
        return list(
            partitions_used(
                terms,
                source,
                datasets,
                manifest_of=self.manifests.__getitem__,
                tree_of=lambda manifest: self.trees[manifest.id],
            )
        )


@pytest.mark.parametrize("case", USED["cases"], ids=lambda case: case["id"])
def test_used(case: dict[str, Any]) -> None:
    history = History()
    source = history.dataset(USED["source"])
    compared = history.dataset(case["compared"]) if "compared" in case else None
    ends = []
    for chain in case["datasets"]:
        ends.append(source)
        for files in chain:
            ends[-1] = history.dataset(files, ends[-1], against=compared)
    assert history.used(source, *ends) == case["used"]


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
