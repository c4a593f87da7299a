"""A store with a dataset, its credential, a run and its model; and what reports on it say."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.curate.reading.datasets import StoredDatasets
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.verify.report import Report
from lyrikstore.verify.store.object import verify_object
from lyrikstore.verify.store.readers import Readers
from lyrikstore.verify.store.store import verify_store_at
from tests.contexts import context_of

ENVIRONMENT = {"python": "3.11.7", "platform": "linux", "packages": {}, "threads": 2}


@dataclass
class Lineage:
    """A store with a dataset, its credential, a run and what came of it."""

    root: Path
    world: SimpleNamespace
    publisher: Any
    ids: dict[str, Digest]

    @property
    def repository(self) -> Repository:
        memory = self.publisher.memory
        return Repository.open(self.root, memory=memory, log_signer=self.world.LOG)

    def store(self, **changes: Any) -> Report:
        arguments = {
            "trust": self.world.trusting(self.world.OWNER.did),
            "at": self.world.NOW,
            "readers": Readers(datasets=StoredDatasets()),
            "memory": LogMemory(self.root.parent / f"memory of {self.root.name}"),
        }
        return verify_store_at(self.root, **{**arguments, **changes})

    def object(self, name: str, **changes: Any) -> Report:
        arguments = {
            "trust": self.world.trusting(self.world.OWNER.did),
            "at": self.world.NOW,
            "readers": Readers(datasets=StoredDatasets()),
        }
        how = {**arguments, **changes}
        at = how.pop("at")
        context = context_of(self.repository, trust=how.pop("trust"), clock=lambda: at)
        return verify_object(context, self.ids[name], **how)

    def sign(self, kind: str, name: str, body: dict[str, Any], **rest: Any) -> Manifest:
        return sign_manifest(
            kind=kind,
            store=self.repository.store_id,
            name=name,
            body=body,
            **{"signer": self.world.OWNER, "created": self.world.NOW, **rest},
        )

    def log(self, *manifests: Manifest, blobs: tuple[bytes, ...] = ()) -> None:
        with open_transaction(self.repository) as tx:
            for blob in blobs:
                tx.writer.put_bytes(blob)
            for manifest in manifests:
                tx.log_manifest(manifest)
            tx.commit()

    def log_credential(self, data: bytes) -> Digest:
        with open_transaction(self.repository) as tx:
            identity = tx.log_credential(data)
            tx.commit()
        return identity

    def checkpoint(self, name: str, body: dict[str, Any], **rest: Any) -> Manifest:
        data = f"weights of {name}".encode()
        tree = Tree.of([TreeEntry("model.safetensors", len(data), Digest.of(data))])
        more: tuple[tuple[str, bytes], ...] = rest.pop("more", ())
        sums = rest.pop("sums", f"{sha256(data).hexdigest()}  model.safetensors\n".encode())
        manifest = self.sign(
            "checkpoint",
            name,
            {"format": "transformers/1", **body},
            tree=tree.id,
            files=tree.files_id,
            attachments=[
                Attachment(role, Digest.of(blob), len(blob))
                for role, blob in (("sha256sums", sums), *more)
            ],
            **rest,
        )
        self.log(manifest, blobs=(data, tree.encode(), sums, *(blob for _, blob in more)))
        return manifest

    def run(self, name: str, **changes: Any) -> Manifest:
        right = {
            "dataset": str(self.publisher.manifest.id),
            "credential": str(self.ids["credential"]),
            "issuer": self.world.OWNER.did,
            "permits": ["train"],
            "validUntil": "2027-11-01T00:00:00Z",
        }
        body = {
            "purpose": "train",
            "config": {},
            "seed": 1,
            "order": {"function": "shuffle/1", "records": {"train": 5}},
            "environment": ENVIRONMENT,
            "code": {"package": "lyrikstore", "version": "0", "digest": str(Digest.of(b"code"))},
            "plannedOutputs": ["checkpoints/acme/model"],
            "rights": [right],
            **changes.pop("body", {}),
        }
        inputs = changes.pop("inputs", None) or [
            Input("train", "dataset", self.publisher.manifest.id),
            Input("base", "checkpoint", self.ids["base"]),
        ]
        manifest = self.sign("run", name, body, inputs=inputs, **changes)
        self.log(manifest)
        return manifest

    def trained(self, run: Manifest, **changes: Any) -> Manifest:
        inputs = changes.pop("inputs", None) or [
            Input("run", "run", run.id),
            Input("train", "dataset", self.publisher.manifest.id),
            Input("base", "checkpoint", self.ids["base"]),
        ]
        name = changes.pop("name", "checkpoints/acme/model")
        body = {"origin": "trained", **changes.pop("body", {})}
        return self.checkpoint(name, body, inputs=inputs, **changes)


def make_lineage(home: Path, world: SimpleNamespace) -> Lineage:
    publisher = world.make_publisher(home)
    lineage = Lineage(home / ".lyrikstore", world, publisher, {"dataset": publisher.manifest.id})
    lineage.ids["credential"] = lineage.log_credential(publisher.credential())
    base = lineage.checkpoint(
        "checkpoints/acme/base", {"origin": "imported", "rights": {"asserted": "Apache-2.0"}}
    )
    lineage.ids["base"] = base.id
    run = lineage.run("runs/acme/model")
    lineage.ids["run"] = run.id
    lineage.ids["model"] = lineage.trained(run).id
    return lineage


def states(report: Report) -> dict[str, str]:
    return {check.id: str(check.state) for check in report.checks}


def problems(report: Report, check: str) -> str:
    return "\n".join(map(str, report.check(check).detail.get("problems", [])))


def flip(path: Path, at: float = 0.5) -> None:
    data = bytearray(path.read_bytes())
    data[int(len(data) * at)] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes(data))


def other_train(lineage: Lineage) -> dict[str, Any]:
    records = lineage.publisher.manifest
    other = lineage.sign(
        "dataset",
        "datasets/acme/other",
        {**records.body},
        tree=records.tree,
        files=records.files,
        attachments=records.attachments,
    )
    lineage.log(other)
    run = lineage.repository.manifest(lineage.ids["run"])
    parent = lineage.repository.resolve("checkpoints/acme/model").id
    return {
        "run": run,
        "inputs": [
            Input("run", "run", run.id),
            Input("train", "dataset", other.id),
            Input("base", "checkpoint", lineage.ids["base"]),
        ],
        "parents": [parent],
    }
