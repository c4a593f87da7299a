"""What an owner signs again, with the real key and policy, and with something false in it."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.curate.reading.datasets import StoredDatasets
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest
from lyrikstore.history.records.order_root import order_root
from lyrikstore.history.repository.repository import Repository
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.report import Report
from lyrikstore.verify.store.object import verify_object
from lyrikstore.verify.store.readers import Readers
from lyrikstore.verify.store.store import verify_store
from tests.contexts import context_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OWNER = signer_for("owner")
TRUST = Trust((TrustedIssuer(did=OWNER.did, nickname="me"),))

Change = Callable[[dict[str, Any]], None]
"""Changes a body in place."""


class Forger(Struct):
    """Whoever owns a store.

    Attributes:
        repo: The store.
    """

    repo: Repository

    def sign(self, manifest: Manifest, change: Change | None = None, **members: Any) -> Manifest:
        """Log a version of a name that says something else; return it.

        Args:
            manifest: The honest one.
            change: What to change in its body.
            members: As ``sign_manifest`` takes them, in place of the honest ones. ``blobs`` are
                attached under their roles, ``stored`` is stored.
        """
        body = json.loads(json.dumps(manifest.body))
        if change is not None:
            change(body)
        blobs: Mapping[str, bytes] = members.pop("blobs", {})
        attached = [one for one in manifest.attachments if one.role not in blobs]
        attached += [Attachment(name, Digest.of(one), len(one)) for name, one in blobs.items()]
        name = str(members.pop("name", manifest.name))
        stored = [*blobs.values(), *members.pop("stored", ())]
        parents = [self.repo.refs[name].id] if name in self.repo.refs else []
        members = {
            "inputs": manifest.inputs,
            "attachments": attached,
            "tree": manifest.tree,
            "files": manifest.files,
            "created": NOW,
            **members,
        }
        forged = sign_manifest(
            kind=manifest.kind,
            store=self.repo.store_id,
            name=name,
            body=body,
            parents=parents,
            signer=OWNER,
            **members,
        )
        with open_transaction(self.repo) as tx:
            for data in stored:
                tx.writer.put_bytes(data)
            tx.log_manifest(forged)
            tx.commit()
        return forged

    def commit_to(self, dataset: Manifest, records: list[Digest]) -> Manifest:
        """Log the commitment to the records of a dataset; return its manifest."""
        salts = bytes(range(256))[: 16 * len(records)]
        found = order_root(records, salts)
        with open_transaction(self.repo) as tx:
            tx.writer.put_bytes(salts)
            manifest = sign_manifest(
                kind="records",
                store=self.repo.store_id,
                name=dataset.name.replace("datasets/", "records/"),
                body={
                    "reader": dataset.body["reader"],
                    "roots": [{"type": "order", "root": found.root, "count": found.count}],
                },
                inputs=[Input("dataset", "dataset", dataset.id)],
                attachments=[Attachment("salts", Digest.of(salts), len(salts))],
                signer=OWNER,
                created=NOW,
            )
            tx.log_manifest(manifest)
            tx.commit()
        return manifest

    def verify(self, manifest: Manifest | None = None, **changes: Any) -> Report:
        """Return the report on an object, or on the whole store."""
        context = context_of(self.repo, trust=TRUST, clock=lambda: NOW)
        how = {"readers": Readers(datasets=StoredDatasets()), **changes}
        if manifest is None:
            return verify_store(context, **how)
        return verify_object(context, manifest.id, **how)

    def reason(self, manifest: Manifest, check: str = "datasets") -> str:
        """Return what a check says of an object: its state, or its reason where it fails."""
        found = self.verify(manifest).check(check)
        return str(found.detail["reason"] if found.state == "fail" else found.state)
