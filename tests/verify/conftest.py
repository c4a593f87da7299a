"""A small real store and a delivery from it, made once with fixed keys and clock."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import pytest

import make_credentials as made
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import encode, parse
from lyrikstore.credentials.issue import issue
from lyrikstore.credentials.model.dataset import build_dataset_credential
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.terms.model import whole
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.crypto.proofs.eddsa_jcs import add_proof
from lyrikstore.history.commit.transaction import create_repository, open_transaction
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.records.order_root import document_id
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.verify.delivery.delivery import verify_delivery
from lyrikstore.verify.delivery.folder import FolderData, read_siblings
from lyrikstore.verify.report import Report
from make_credentials import FILES, LICENCE, LOG, ORIGIN, OWNER, SALTS, dataset

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


def documents(reader: str, entry: TreeEntry, stream: BinaryIO) -> Iterator[Digest]:
    """The reader ``document/1``: one record per file."""
    assert reader == "document/1"
    yield document_id(Digest.of(stream.read()))


@dataclass
class Publisher:
    """A store with one dataset version, logged, with its records manifest."""

    repository: Repository
    memory: LogMemory
    manifest: Manifest
    records: Manifest
    tree: Tree
    index: int

    def unsigned(self, **changes: Any) -> dict[str, Any]:
        """Return an unsigned credential about the dataset."""
        arguments: dict[str, Any] = {
            "manifest": self.manifest,
            "tree": self.tree,
            "records": self.records,
            "log_origin": ORIGIN,
            "log_index": self.index,
            "issuer": OWNER.did,
            "issuer_name": "Acme Data Ltd",
            "terms": whole(["train", "evaluate"], ["redistribute"], ["attribution"]),
            "valid_from": datetime(2026, 11, 1, tzinfo=UTC),
            "valid_until": datetime(2027, 11, 1, tzinfo=UTC),
            "licence_texts": [("LicenseRef-Acme-1.0", LICENCE)],
            "id": "urn:uuid:3f0a1d52-6c86-4f0e-9a44-6a1f2a0f6f1b",
            **changes,
        }
        return build_dataset_credential(made.metadata_in(arguments), **arguments)

    def credential(self, **changes: Any) -> bytes:
        """Return a signed credential about the dataset."""
        return issue(self.unsigned(**changes), OWNER, NOW)

    def siblings(self) -> dict[str, bytes]:
        """Return the files of a delivery beside its credential."""
        return {
            "manifest.json": self.manifest.encode(),
            "records.json": self.records.encode(),
            "records.salts": SALTS,
            "tree.jsonl": self.tree.encode(),
            "genesis.json": self.repository.genesis.encode(),
            "log.tlog-proof": self.repository.proof_for(self.index).encode(),
            "LICENCE.txt": LICENCE,
            "README.md": b"# A delivery\n",
        }


@dataclass
class Delivery:
    """A delivery folder, to be damaged and verified."""

    folder: Path
    at: datetime = NOW
    trust: Trust = field(default_factory=lambda: trusting(OWNER.did))
    memory: LogMemory | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def credential(self) -> Path:
        return self.folder / "credential.json"

    def edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the signed document without signing it again."""
        document = parse(self.credential.read_bytes())
        change(document)
        self.credential.write_bytes(encode(document))

    def resign(self, change: Callable[[dict[str, Any]], None], signer: KeySigner = OWNER) -> None:
        """Change the document and sign it again, as a dishonest publisher would."""
        document = parse(self.credential.read_bytes())
        del document["proof"]
        change(document)
        self.credential.write_bytes(encode(add_proof(document, signer, created=NOW)))

    def verify(self, **changes: Any) -> Report:
        arguments: dict[str, Any] = {
            "siblings": read_siblings(self.credential),
            "data": FolderData(self.data),
            "record_ids": documents,
            "trust": self.trust,
            "at": self.at,
            "memory": self.memory,
        }
        return verify_delivery(
            OpenedCredential(self.credential.read_bytes()), **{**arguments, **changes}
        )


def trusting(*dids: str) -> Trust:
    return Trust(tuple(TrustedIssuer(did, f"friend {i}") for i, did in enumerate(dids)))


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def make_publisher(home: Path) -> Publisher:
    memory = LogMemory(home / "memory")
    repository = create_repository(
        home / ".lyrikstore",
        origin=ORIGIN,
        signer=OWNER,
        log_signer=LOG,
        clock=lambda: NOW,
        memory=memory,
        nonce=bytes(16),
    )
    tree, manifest, records = dataset(repository.store_id, OWNER, NOW)
    with open_transaction(repository) as tx:
        for data in (*FILES.values(), LICENCE, SALTS, tree.encode()):
            tx.writer.put_bytes(data)
        tx.log_manifest(manifest)
        tx.log_manifest(records)
        index = tx.commit()[0]
    return Publisher(repository, memory, manifest, records, tree, index)


@pytest.fixture(scope="session")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    return make_publisher(tmp_path_factory.mktemp("publisher"))


@pytest.fixture(scope="session")
def credential(publisher: Publisher) -> bytes:
    return publisher.credential()


@pytest.fixture
def document(credential: bytes) -> dict[str, Any]:
    return copy.deepcopy(parse(credential))


@pytest.fixture
def delivery(publisher: Publisher, credential: bytes, tmp_path: Path) -> Delivery:
    folder = tmp_path / "delivery"
    write_files(folder, publisher.siblings())
    write_files(folder / "data", FILES)
    (folder / "credential.json").write_bytes(credential)
    return Delivery(folder)


@pytest.fixture(scope="session")
def world() -> SimpleNamespace:
    """The names of this module and of the vectors': test modules cannot import a conftest."""
    return SimpleNamespace(**{**vars(made), **globals()})
