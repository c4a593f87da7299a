"""A small real store with a whole chain in it, from data to evaluation."""

import shutil
from copy import copy
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import encode
from lyrikstore.context import StoreContext
from lyrikstore.credentials.terms.model import whole
from lyrikstore.curate.recipes.decisions import Decision
from lyrikstore.history.commit.transaction import create_repository, open_transaction
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest
from lyrikstore.history.records.order_root import document_id
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.testing.clocks import FrozenClock
from lyrikstore.testing.keys import signer_for
from tests.contexts import context_of
from tests.credentialed import log_credential
from tests.decisions import encode_decisions

OWNER = signer_for("owner")
LOG = signer_for("log")
LICENCE = b"Acme data licence 1.0\n\nTrain what you like.\n"
DOCUMENTS = {
    "a/one.txt": b"the first document\n",
    "a/two.txt": b"mail someone@example.org\n",
    "b/three.txt": b"the third document, longer\n",
    "b/twin.txt": b"the first document\n",
}
REDACTED = {
    "a/one.txt": DOCUMENTS["a/one.txt"],
    "a/two.txt": b"mail <e-mail>\n",
    "b/three.txt": DOCUMENTS["b/three.txt"],
}


def interval(value: str, low: str, high: str) -> dict[str, str]:
    return {"value": value, "low": low, "high": high}


def metrics(accuracy: str) -> dict[str, Any]:
    return {
        "accuracy": interval(accuracy, "0.50", "0.99"),
        "macroF1": interval("0.75", "0.40", "0.90"),
        "perClass": {
            "Copyleft": {"precision": "0.8", "recall": "0.7", "f1": "0.75", "support": 3},
            'it\'s "x"': {"precision": "1", "recall": "1", "f1": "1", "support": 1},
        },
        "latencyMs": {"p50": "4.2", "p95": "9.9", "n": 4},
        "wallSeconds": "1.5",
        "cpuSeconds": "2.5",
        "peakMemoryBytes": 123456789,
    }


ENVIRONMENT = {
    "python": "3.11.2",
    "platform": "Linux-x86_64",
    "packages": {"torch": "2.9.0"},
    "threads": 1,
}


@dataclass
class Chain:
    """A store and what was put into it, by nickname."""

    home: Path
    clock: FrozenClock = field(default_factory=FrozenClock)
    made: dict[str, Manifest] = field(default_factory=dict)
    signer = OWNER

    def __post_init__(self) -> None:
        self.memory = LogMemory(self.home / "memory")
        self.repository = create_repository(
            self.home / ".lyrikstore",
            origin="data.example/archive",
            signer=OWNER,
            log_signer=LOG,
            clock=self.clock,
            memory=self.memory,
            nonce=bytes(16),
        )

    @property
    def context(self) -> StoreContext:
        """The store, and its owner, who believes nobody."""
        return context_of(self.repository, signer=self.signer, clock=self.clock)

    def copy(self, home: Path) -> "Chain":
        """Return the same store in another folder, to be changed there; quicker than made anew."""
        shutil.copytree(self.home, home, dirs_exist_ok=True)
        # What was signed is remembered with where the store lies.
        for file in home.glob("memory/signed/*.json"):
            text = file.read_text("utf-8").replace(f"{self.home}/", f"{home}/")
            file.unlink()
            file.write_text(text, "utf-8")
        other = copy(self)
        other.home, other.clock, other.made = home, copy(self.clock), dict(self.made)
        other.memory = LogMemory(home / "memory")
        other.repository = Repository.open(
            home / ".lyrikstore", memory=other.memory, log_signer=LOG
        )
        return other

    def log(self, nickname: str, *blobs: bytes, **manifest: Any) -> Manifest:
        """Sign, store and log one manifest."""
        with open_transaction(self.repository) as tx:
            for blob in blobs:
                tx.writer.put_bytes(blob)
            made = sign_manifest(
                store=self.repository.store_id, signer=OWNER, created=self.clock(), **manifest
            )
            tx.log_manifest(made)
            tx.commit()
        self.made[nickname] = made
        return made

    def decide(self) -> None:
        """Log ``pack``, a ``waiver`` of its rule, and a ``decision`` that names both."""
        data = Input("dataset", "dataset", self.made["train"].id)
        blob = Attachment("request", Digest.of(b"{}"), 2)
        pack = self.log(
            "pack",
            b"{}",
            kind="rules",
            name="rules/acme/house",
            body={
                "name": "house",
                "packVersion": "1.0",
                "asOf": "2026-01-01",
                "reviewed": "by nobody",
                "facts": 1,
                "ruleCount": 1,
                "caseCount": 0,
            },
            attachments=[replace(blob, role=role) for role in ("pack", "schema", "source")],
        )
        rules = Input("rules", "rules", pack.id)
        waived = {"rule": "quiet", "until": "2099-12-31", "reason": "pilot", "liable": "Ann Lee"}
        waiver = self.log(
            "waiver",
            kind="waiver",
            name="waivers/acme/quiet.0123456789abcdef",
            body=waived,
            inputs=[rules, data],
        )
        lifted = {"rule": "quiet", "resource": "datasets/acme/x", "waiver": str(waiver.id)}
        self.log(
            "decision",
            kind="decision",
            name="decisions/acme/decided.train",
            body={
                "action": "train",
                "answer": "permit-by-waiver",
                "engine": "cedar/4",
                "resources": 1,
                "lifted": [lifted],
            },
            inputs=[rules, data, Input("waiver", "waiver", waiver.id)],
            attachments=[blob],
        )

    def dataset(self, nickname: str, name: str, files: dict[str, bytes], **more: Any) -> Manifest:
        """Log a dataset of documents with some metadata."""
        body = {
            "reader": "document/1",
            "records": len(files),
            "bytes": sum(map(len, files.values())),
            "fileCount": len(files),
            "origin": "committed",
            "descriptor": {
                "name": {"state": "value", "value": "Contracts", "basis": "human-asserted"},
                "consents": {"state": "unknown", "reason": "nobody has asked"},
                "annotation": {"state": "not-applicable"},
            },
            **more.pop("body", {}),
        }
        tree = Tree.of(
            TreeEntry(path, len(data), Digest.of(data), {"category": f"c{n}", "owner": "Acme"})
            for n, (path, data) in enumerate(sorted(files.items()))
        )
        blobs = [*files.values(), tree.encode(), *more.pop("blobs", ())]
        return self.log(
            nickname,
            *blobs,
            kind="dataset",
            name=name,
            body=body,
            tree=tree.id,
            files=tree.files_id,
            **more,
        )

    def build(self) -> "Chain":
        """Log the whole chain."""
        raw = self.dataset(
            "raw",
            "datasets/acme/contracts",
            DOCUMENTS,
            body={
                "licence": {
                    "expression": "LicenseRef-Acme-1.0",
                    "textDigest": str(Digest.of(LICENCE)),
                }
            },
            blobs=[LICENCE],
            attachments=[Attachment("licence-text", Digest.of(LICENCE), len(LICENCE))],
        )
        steps = [{"use": "duplicates/1"}, {"use": "redact/1", "categories": ["e-mail"]}]
        recipe = self.log(
            "filter",
            kind="filter",
            name="filters/acme/clean",
            body={
                "recipe": {"step": steps},
                "steps": steps,
                "reads": ["text"],
                "engine": "lyrikstore 0.0.1",
            },
        )
        decisions = decision_table()
        train = self.dataset(
            "train",
            "datasets/acme/clean.train",
            REDACTED,
            body={
                "origin": "filtered",
                "derivation": {
                    "part": "train",
                    "counts": {"in": 4, "kept": 3, "dropped": 1, "changed": 1, "elsewhere": 0},
                    "dropped": {"duplicate": 1},
                    "changed": {"redacted-email": 1},
                },
            },
            blobs=[decisions],
            inputs=[
                Input("source", "dataset", raw.id),
                Input("filter", "filter", recipe.id),
            ],
            attachments=[Attachment("decisions", Digest.of(decisions), len(decisions))],
        )
        test = self.dataset("test", "datasets/acme/clean.test", {"t.txt": b"a test document\n"})
        self.credential = self.issue_credential(raw)
        weights = {"model.safetensors": b"\x08" + bytes(7) + b"{}      "}
        base_tree = Tree.of(TreeEntry(p, len(d), Digest.of(d)) for p, d in weights.items())
        base = self.log(
            "base",
            *weights.values(),
            base_tree.encode(),
            kind="checkpoint",
            name="checkpoints/acme/minilm",
            body={
                "origin": "imported",
                "format": "transformers/1",
                "rights": {"asserted": "Apache-2.0, says the package"},
            },
            tree=base_tree.id,
            files=base_tree.files_id,
        )
        run = self.log(
            "run",
            kind="run",
            name="runs/acme/classifier",
            body={
                "purpose": "train",
                "config": {"epochs": 3, "learningRate": "0.0005"},
                "seed": 13,
                "order": {"function": "shuffle/1", "records": {"train": 3}},
                "environment": ENVIRONMENT,
                "code": {
                    "package": "lyrikstore",
                    "version": "0.0.1",
                    "digest": str(Digest.of(b"code")),
                },
                "plannedOutputs": ["checkpoints/acme/classifier"],
                "rights": [
                    {
                        "dataset": str(raw.id),
                        "credential": str(self.credential),
                        "issuer": OWNER.did,
                        "permits": ["train"],
                        "validUntil": "2027-11-24T12:00:00Z",
                    }
                ],
            },
            inputs=[
                Input("train", "dataset", train.id),
                Input("test", "dataset", test.id),
                Input("base", "checkpoint", base.id),
            ],
        )
        text = {"maxTokens": 256, "pooling": "mean"}
        said = {
            "format": "peft-lora/1",
            "task": "text-classification",
            "labels": ["Copyleft", 'it\'s "x"'],
        }
        adapter = {
            "adapter_model.safetensors": b"\x08" + bytes(7) + b"{ }     ",
            "classifier.json": encode({**said, **text}),
        }
        tree = Tree.of(TreeEntry(p, len(d), Digest.of(d)) for p, d in adapter.items())
        checkpoint = self.log(
            "checkpoint",
            *adapter.values(),
            tree.encode(),
            kind="checkpoint",
            name="checkpoints/acme/classifier",
            body={
                "origin": "trained",
                **said,
                "step": 12,
                "epoch": "3",
                "final": True,
                "text": text,
                "metrics": {"trainLoss": "0.31"},
            },
            tree=tree.id,
            files=tree.files_id,
            inputs=[
                Input("run", "run", run.id),
                Input("base", "checkpoint", base.id),
                Input("train", "dataset", train.id),
                Input("filter", "filter", recipe.id),
            ],
        )
        self.log(
            "evaluation",
            kind="evaluation",
            name="evaluations/acme/classifier",
            body={
                "split": "test",
                "count": 4,
                "task": "text-classification",
                "model": metrics("0.75"),
                "baseline": {"method": "tf-idf + logistic regression", "params": {}}
                | metrics("0.80"),
                "majority": {
                    "accuracy": interval("0.5", "0.1", "0.9"),
                    "macroF1": interval("0.3", "0.1", "0.5"),
                },
                "confidence": {
                    "method": "bootstrap",
                    "level": "0.95",
                    "resamples": 1000,
                    "seed": 1,
                },
                "environment": ENVIRONMENT,
                "overlap": {"exact": 0, "checked": "record ids"},
                "worst": [],
            },
            inputs=[
                Input("checkpoint", "checkpoint", checkpoint.id),
                Input("test", "dataset", test.id),
                Input("train", "dataset", train.id),
            ],
        )
        return self

    def issue_credential(self, manifest: Manifest) -> Digest:
        """Log a credential about a dataset."""
        data = log_credential(
            self.repository,
            manifest,
            OWNER,
            whole(["train", "evaluate"], ["redistribute"], ["attribution"]),
            (self.clock(), self.clock() + timedelta(days=365)),
            issuer_name="Acme Data Ltd",
            licence_texts=[("LicenseRef-Acme-1.0", LICENCE)],
        )
        return Digest.of(data)


def decision_table() -> bytes:
    """Return the Parquet bytes of the filter's decisions."""
    ids = {path: document_id(Digest.of(data)).hex for path, data in DOCUMENTS.items()}
    two = {"record": ids["a/two.txt"], "path": "a/two.txt"}
    return encode_decisions(
        version=1,
        rows=[
            Decision(record=ids["a/one.txt"], path="a/one.txt", action="kept", part="train"),
            Decision(
                **two,
                action="changed",
                step=2,
                filter="redact/1",
                reason="redacted-email",
                field="text",
                count=1,
                before=str(Digest.of(DOCUMENTS["a/two.txt"])),
                after="[[5, 13]]",
            ),
            Decision(
                **two,
                action="kept",
                part="train",
                new_record=document_id(Digest.of(REDACTED["a/two.txt"])).hex,
            ),
            Decision(record=ids["b/three.txt"], path="b/three.txt", action="kept", part="train"),
            Decision(
                record=ids["b/twin.txt"],
                path="b/twin.txt",
                action="dropped",
                step=1,
                filter="duplicates/1",
                reason="duplicate",
            ),
        ],
    )


@pytest.fixture(scope="session")
def untouched_chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """A whole chain to be copied, beside which no index was built."""
    return Chain(tmp_path_factory.mktemp("untouched")).build()


@pytest.fixture(scope="session")
def full_chain(untouched_chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """A whole chain, for tests that do not change the store."""
    return untouched_chain.copy(tmp_path_factory.mktemp("chain"))


@pytest.fixture
def chain(untouched_chain: Chain, tmp_path: Path) -> Chain:
    """A whole chain of one's own."""
    return untouched_chain.copy(tmp_path)


@pytest.fixture(scope="session")
def world() -> SimpleNamespace:
    """The names of this module: test modules cannot import a conftest."""
    return SimpleNamespace(**globals())
