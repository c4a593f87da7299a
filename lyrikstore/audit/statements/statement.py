"""In-toto statements: subjects, predicate, and what the verification before found (spec §23.1)."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import JSON, encode
from lyrikstore.context import StoreContext
from lyrikstore.history.manifests.manifest import Input, Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree
from lyrikstore.verify.report import CheckState, Report

STATEMENT = "https://in-toto.io/Statement/v1"
BASE = "https://w3id.org/lyrikstore"

_BLOCK = 1 << 20


class ExportedObject(Struct, frozen=True):
    """A verified object.

    Attributes:
        context: The store, and the signer of the statement.
        manifest: The manifest of the object.
        report: The report of its verification.
    """

    context: StoreContext
    manifest: Manifest
    report: Report

    @property
    def repository(self) -> Repository:
        """The store."""
        return self.context.repository

    def inputs(self, manifest: Manifest, *roles: str) -> list[tuple[Input, Manifest]]:
        """Return the inputs of a manifest in these roles, each with its manifest."""
        found = [one for role in roles for one in manifest.inputs_in(role)]
        return [(one, self.repository.manifest(one.id)) for one in found]


class InTotoStatement(Struct, frozen=True):
    """A statement that is not signed yet.

    Attributes:
        type: URI of the predicate's type.
        subject: The descriptors of what it is about.
        predicate: The predicate.
    """

    type: str
    subject: Sequence[JSON]
    predicate: Mapping[str, JSON]

    def to_json(self) -> dict[str, JSON]:
        """Return the in-toto Statement v1."""
        return {
            "_type": STATEMENT,
            "subject": list(self.subject),
            "predicateType": self.type,
            "predicate": dict(self.predicate),
        }


def digests_of(data: bytes) -> dict[str, JSON]:
    """Return the digest set of bytes: SHA-256 and BLAKE3."""
    return {"sha256": hashlib.sha256(data).hexdigest(), "blake3": Digest.of(data).hex}


def describe_manifest(manifest: Manifest, **annotations: JSON) -> dict[str, JSON]:
    """Return the descriptor of a signed object: the digests are those of its manifest's bytes."""
    said: dict[str, JSON] = {"kind": manifest.kind, **annotations}
    return {
        "name": manifest.name,
        "uri": manifest.id.urn,
        "digest": digests_of(manifest.data),
        "annotations": said,
    }


def describe_value(name: str, value: JSON) -> dict[str, JSON]:
    """Return the descriptor of a JSON value, which is in it as canonical bytes."""
    data = encode(value)
    return {
        "name": name,
        "mediaType": "application/json",
        "digest": digests_of(data),
        "content": b64encode(data).decode(),
    }


def sha256_of(repository: Repository, blob: Digest) -> str | None:
    """Return the SHA-256 of a blob in hexadecimal, or None if it is not here.

    Cost: one read of the blob.
    """
    return hash_blob(repository, blob) if repository.blobs.has(blob) else None


def hash_blob(repository: Repository, blob: Digest) -> str:
    """Return the SHA-256 of a blob in hexadecimal.

    Raises:
        LyrikstoreError: It cannot be read, as :meth:`BlobStore.open`.

    Cost: one read of the blob.
    """
    found = hashlib.sha256()
    with repository.blobs.open(blob) as stream:
        while block := stream.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


def subjects_of(verified: ExportedObject, manifest: Manifest) -> list[JSON]:
    """Return the subjects of a statement about an object: its manifest, and a model's files.

    The files of a dataset are never subjects: their paths are data (spec §14.9).

    Cost: one read of the files.
    """
    subjects: list[JSON] = [{"name": manifest.name, "digest": digests_of(manifest.data)}]
    if manifest.kind not in {"checkpoint", "deployment"}:
        return subjects
    for entry in present_tree(verified.repository, manifest).entries:
        digest: dict[str, JSON] = {"blake3": entry.blake3.hex}
        sha256 = sha256_of(verified.repository, entry.blake3)
        if sha256 is not None:
            digest["sha256"] = sha256
        subjects.append({"name": entry.path, "digest": digest})
    return subjects


def report_member(report: Report) -> dict[str, JSON]:
    """Return the member ``lyrikstore_report`` of a predicate: verdict, and what it leaves open."""

    def listed(state: CheckState) -> list[JSON]:
        return [
            {"id": one.id, "reason": _reason(one.detail)}
            for one in report.checks
            if one.state is state
        ]

    return {
        "verdict": str(report.verdict),
        "at": report.at,
        "failed": listed(CheckState.FAIL),
        "notChecked": listed(CheckState.UNCHECKED),
        "warned": listed(CheckState.WARN),
        "notProven": list(report.not_proven),
    }


def _reason(detail: Mapping[str, Any]) -> str:
    return str(detail.get("reason", ""))
