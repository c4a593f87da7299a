"""A chain with data that was bought, a model of it, and one that was trained on from that."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.credentials.issue import issue
from lyrikstore.credentials.model.credential import CredentialMetadata
from lyrikstore.credentials.model.dataset import build_dataset_credential
from lyrikstore.credentials.model.status_entry import StatusEntry
from lyrikstore.credentials.model.status_list import STATUS_LIST_ENTRIES, sign_list
from lyrikstore.credentials.terms.model import Partition, Terms, UsageLimits
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.testing.keys import signer_for

PUBLISHER = signer_for("publisher")
THEIR_STORE = Digest.of(b"the store of the publisher")
THEIR_NAME, OUR_NAME = "datasets/pub/clauses", "datasets/house/bought"
LIST = "https://pub.example/status"
GENERATOR = {"name": "ours", "outputTerms": {"permitsTraining": "yes"}}
LICENCE = b"Name us, and hand on no model.\n"
FILES = {"x.txt": b"a clause that was bought\n", "y.txt": b"another, with a secret\n"}


def terms(chain: Any) -> Terms:
    """Return terms with duties, a prohibition, and an end of use before that of the credential."""
    until = chain.clock() + timedelta(days=100)
    part = Partition(
        "all",
        permits=("train", "evaluate"),
        prohibits=("derivativeModels",),
        requires=("attribution", "deleteOnExpiry"),
        limits=UsageLimits(use_until=until),
        licence="LicenseRef-Pub-1.0",
    )
    return Terms((part,))


def bought(chain: Any) -> Any:
    """Return a chain with data that was bought, and what was made of it.

    ``part`` is filtered from ``bought``, ``first`` trained on it, ``second`` trained on from
    ``first`` with other data, ``merged`` made of ``second``, and ``written`` by ``merged``.
    """
    ours = chain.dataset(
        "bought",
        OUR_NAME,
        FILES,
        body={"origin": "imported"},
        blobs=[LICENCE, (foreign := _foreign(chain)).data],
        attachments=[
            Attachment("foreign-manifest", foreign.id, len(foreign.data)),
            Attachment("licence-text", Digest.of(LICENCE), len(LICENCE)),
        ],
    )
    chain.made["foreign"] = foreign
    assert foreign.tree == ours.tree
    chain.theirs = said(chain, foreign)
    train = chain.made["train"]
    part = chain.dataset(
        "part",
        "datasets/house/part",
        {"x.txt": FILES["x.txt"]},
        body=train.body,
        inputs=[Input("source", "dataset", ours.id), *train.inputs_in("filter")],
        attachments=list(train.attachments_in("decisions")),
    )
    right = {
        "dataset": str(ours.id), "credential": str(chain.theirs), "issuer": PUBLISHER.did,
        "permits": ["train", "evaluate"],
    }  # fmt: skip
    first = _trained(chain, "first", part, chain.made["base"], [right])
    own = chain.made["run"].body["rights"]
    second = _trained(chain, "second", train, first, own)
    chain.log(
        "merged",
        kind="checkpoint",
        name="checkpoints/house/merged",
        body={**first.body, "origin": "derived", "operation": {"use": "merge-adapters/1"}},
        tree=first.tree,
        files=first.files,
        inputs=[Input("source", "checkpoint", second.id), *second.inputs],
    )
    chain.dataset(
        "written",
        "datasets/house/written",
        {"w.txt": b"what a model wrote\n"},
        body={"origin": "generated", "generators": [GENERATOR]},
        inputs=[Input("generator", "checkpoint", chain.made["merged"].id)],
    )
    return chain


def said(chain: Any, manifest: Manifest, **changes: Any) -> Digest:
    """Log a credential by the publisher about a manifest of theirs; return its id.

    Args:
        chain: The chain.
        manifest: Theirs.
        changes: ``terms``, ``files``, of the tree that it names, or ``more`` of what it says.
    """
    start = chain.clock()
    status = [StatusEntry("revocation", 5, LIST)]
    document = build_dataset_credential(
        CredentialMetadata(PUBLISHER.did, start, start + timedelta(days=365), "Pub Ltd", status),
        manifest=manifest,
        tree=tree_of(changes.get("files", FILES)),
        records=None,
        log_origin="pub.example/log",
        log_index=3,
        terms=changes.get("terms") or terms(chain),
        licence_texts=changes.get("texts", [("LicenseRef-Pub-1.0", LICENCE)]),
        more=changes.get("more"),
    )
    return _logged(chain, issue(document, PUBLISHER, start))


def revoke(chain: Any, index: int = 5) -> Digest:
    """Log a list of the publisher's that takes back what was :func:`said`; return its id."""
    bits = bytearray(STATUS_LIST_ENTRIES // 8)
    bits[index // 8] |= 1 << (7 - index % 8)
    made = (LIST, "revocation", bytes(bits), PUBLISHER, chain.clock(), timedelta(days=90))
    return _logged(chain, sign_list(*made))


def union(chain: Any) -> Manifest:
    """Log a union of the data that was bought and one's own, as nickname ``union``."""
    parts = [chain.made["bought"], chain.made["raw"]]
    made: Manifest = chain.dataset(
        "union",
        "datasets/house/union",
        {"x.txt": FILES["x.txt"], "a/one.txt": b"the first document\n"},
        body={
            "origin": "filtered",
            "derivation": {
                "counts": {"in": 6, "kept": 2, "dropped": 4, "changed": 0, "elsewhere": 0},
                "dropped": {"duplicate": 4},
                "changed": {},
            },
        },
        inputs=[
            *(Input("source", "dataset", one.id) for one in parts),
            Input("filter", "filter", chain.made["filter"].id),
        ],
        attachments=list(chain.made["train"].attachments_in("decisions")),
    )
    return made


def _foreign(chain: Any) -> Manifest:
    tree = tree_of(FILES)
    body = {**chain.made["raw"].body, "records": len(FILES), "fileCount": len(FILES)}
    body |= {"bytes": sum(map(len, FILES.values()))}
    del body["licence"]
    return sign_manifest(
        kind="dataset", store=THEIR_STORE, name=THEIR_NAME, body=body, signer=PUBLISHER,
        created=chain.clock(), tree=tree.id, files=tree.files_id,
    )  # fmt: skip


def tree_of(files: dict[str, bytes]) -> Tree:
    """Return the tree of a dataset with these files, as a chain makes it."""
    return Tree.of(
        TreeEntry(path, len(data), Digest.of(data), {"category": f"c{n}", "owner": "Acme"})
        for n, (path, data) in enumerate(sorted(files.items()))
    )


def _logged(chain: Any, data: bytes) -> Digest:
    with open_transaction(chain.repository) as transaction:
        transaction.log_credential(data)
        transaction.commit()
    return Digest.of(data)


def _trained(
    chain: Any, nickname: str, data: Manifest, base: Manifest, rights: Sequence[Any]
) -> Manifest:
    like, run = chain.made["checkpoint"], chain.made["run"]
    name = f"checkpoints/house/{nickname}"
    made = chain.log(
        f"run-{nickname}",
        kind="run",
        name=f"runs/house/{nickname}",
        body={**run.body, "rights": list(rights), "plannedOutputs": [name]},
        inputs=[Input("train", "dataset", data.id), Input("base", "checkpoint", base.id)],
    )
    trained: Manifest = chain.log(
        nickname,
        kind="checkpoint",
        name=name,
        body=like.body,
        tree=like.tree,
        files=like.files,
        inputs=[
            Input("run", "run", made.id),
            Input("base", "checkpoint", base.id),
            Input("train", "dataset", data.id),
        ],
    )
    return trained


def renamed(manifest: Manifest, name: str) -> Manifest:
    """Return a manifest of the publisher's under another name, to be spoken of."""
    return replace(manifest, name=name)
