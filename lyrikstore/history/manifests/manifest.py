"""Manifests: signed statements of how a version was made (spec/06-manifests.md).

A manifest is canonical JSON with exactly one proof, by its author, without optional members, so
that signing the same statement with the same key gives the same bytes and the same id. Its id is
the BLAKE3 of those bytes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, VerificationError
from lyrikstore.canon.json import JSON, encode, parse_canonical
from lyrikstore.canon.limits import MAX_JSON_BYTES
from lyrikstore.canon.schemas import check_schema
from lyrikstore.canon.timestamps import format_timestamp, parse_timestamp
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.crypto.proofs.eddsa_jcs import add_proof, verify_proof
from lyrikstore.history.manifests.kinds import GENESIS_NAME, check_inputs, kind_of
from lyrikstore.history.manifests.names import Name
from lyrikstore.history.manifests.row_files import is_of_rows
from lyrikstore.history.manifests.versions import NEWEST, check_version, least_version

PROOF_MEMBERS = frozenset(
    {"type", "cryptosuite", "verificationMethod", "proofPurpose", "proofValue"}
)

# Stands in for the proof while a statement is checked before it is signed.
_PROOF_SHAPE: Mapping[str, str] = {
    "type": "DataIntegrityProof",
    "cryptosuite": "eddsa-jcs-2022",
    "verificationMethod": f"did:key:z6Mk{44 * '1'}#z6Mk{44 * '1'}",
    "proofPurpose": "assertionMethod",
    "proofValue": "z" + 88 * "1",
}


COMPARED = ("against", "opt-out")
"""Roles of datasets that a dataset was only compared with: a test set, and opt-out lists."""


class Input(Struct, frozen=True):
    """An input: a manifest that another one was made from.

    Attributes:
        role: Its use, such as ``train``.
        kind: The kind it must have; checked by code that follows the link.
        id: Its id.
    """

    role: str
    kind: str
    id: Digest


class Attachment(Struct, frozen=True):
    """A blob outside the tree that the manifest's signature covers.

    Attributes:
        role: Its purpose, such as ``decisions``.
        id: The blob's digest.
        bytes: Its length.
    """

    role: str
    id: Digest
    bytes: int


class Manifest(Struct, frozen=True):
    """A verified manifest, created only by :func:`parse_manifest` and :func:`sign_manifest`.

    Attributes:
        kind: Its kind, such as ``dataset``.
        store: Id of the store it was made for; ``None`` in a genesis manifest only.
        name: Full name, such as ``datasets/acme/contracts``.
        parents: Earlier versions it succeeds, the first one first.
        inputs: The manifests it was made from.
        tree: Digest of its tree, for kinds that have a tree.
        files: Digest of the same tree without ``meta``.
        body: The members specific to its kind; treat as read-only.
        author: ``did:key`` of the signer.
        created: The signing time that the author claims; never evidence of time.
        message: Free text.
        attachments: Further blobs that the signature covers.
        proof: The proof; treat as read-only.
        data: The stored bytes, from which all other members were read.
        id: BLAKE3 of ``data``.
    """

    kind: str
    store: Digest | None
    name: str
    parents: tuple[Digest, ...]
    inputs: tuple[Input, ...]
    tree: Digest | None
    files: Digest | None
    body: dict[str, Any]
    author: str
    created: str
    message: str
    attachments: tuple[Attachment, ...]
    proof: dict[str, Any]
    data: bytes
    id: Digest

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<Manifest {self.name} {self.id}>"

    def encode(self) -> bytes:
        """Return the stored bytes, proof included. ``parse_manifest`` reads them back."""
        return self.data

    @property
    def made_from(self) -> list[Digest]:
        """Ids of the datasets whose records a dataset may contain.

        Datasets that it was only compared with are left out: it contains no records of them.
        """
        return [one.id for one in self.inputs if one.kind == "dataset" and one.role not in COMPARED]

    def inputs_in(self, role: str) -> tuple[Input, ...]:
        """Return the inputs of one role, in their order."""
        return tuple(item for item in self.inputs if item.role == role)

    def attachments_in(self, role: str) -> tuple[Attachment, ...]:
        """Return the attachments of one role, in their order."""
        return tuple(item for item in self.attachments if item.role == role)


def parse_manifest(data: bytes) -> Manifest:
    """Return the manifest in ``data`` after every check that needs only these bytes.

    In order: (1) canonical JSON, (2) a format version this code knows, (3) the schemas of a
    manifest and of its kind, (4) name, times, inputs and attachments fit the kind, (5) the proof
    verifies, is by the author and has no optional member (spec §6.5).

    Args:
        data: The stored bytes, at most 1 MiB.

    Raises:
        FormatError: (``bad-json``, ``not-canonical``, ``newer-format``, ``schema``,
            ``unknown-kind``, ``bad-manifest``, ``bad-input`` …) steps 1 to 4.
        VerificationError: (``bad-signature``, ``bad-proof``, ``wrong-author``) step 5.
        KeyMaterialError: (``weak-key``) the author's key is a weak key.

    Cost: one signature verification and one schema validation, about a millisecond.
    """
    return _parse(data)


def sign_manifest(
    *,
    kind: str,
    store: Digest | None,
    name: str,
    body: Mapping[str, Any],
    signer: Signer,
    created: datetime,
    parents: Sequence[Digest] = (),
    inputs: Sequence[Input] = (),
    tree: Digest | None = None,
    files: Digest | None = None,
    message: str = "",
    attachments: Sequence[Attachment] = (),
) -> Manifest:
    """Sign a new manifest; return it as read back from the bytes to be stored.

    Args:
        kind: Its kind, such as ``dataset``.
        store: The store's id; ``None`` for a genesis manifest only.
        name: Full name.
        body: JSON without floats and nulls, according to a schema of the kind.
        signer: Signs, and becomes the author.
        created: The current time of the caller's clock; fractions of a second are dropped.
        parents: Versions it succeeds.
        inputs: The manifests it was made from.
        tree: Digest of the tree, iff the kind has one.
        files: Digest of the same tree without ``meta``, iff the kind has one.
        message: Free text.
        attachments: Further blobs.

    Raises:
        FormatError: The arguments are not a valid manifest; no signature was kept.
        KeyMaterialError: The signer cannot sign.
    """
    document: dict[str, Any] = {
        "lyrikstore": least_version(kind_of(kind), dict(body), [(i.role, i.kind) for i in inputs]),
        "kind": kind,
        "name": name,
        "parents": [str(parent) for parent in parents],
        "inputs": [{"role": i.role, "kind": i.kind, "id": str(i.id)} for i in inputs],
        "body": dict(body),
        "author": signer.did,
        "created": format_timestamp(created),
        "message": message,
        "attachments": [{"role": a.role, "id": str(a.id), "bytes": a.bytes} for a in attachments],
    }
    for member, value in (("store", store), ("tree", tree), ("files", files)):
        if value is not None:
            document[member] = str(value)
    # Read back before signing: what the strict parser would refuse must never carry a signature,
    # and a float or a tuple in the body would come back as something else than was meant.
    unsigned = encode(document)
    if parse_canonical(unsigned, max_bytes=MAX_JSON_BYTES) != document:
        raise FormatError("bad-manifest", "the manifest does not survive encoding and decoding")
    _read_statement({**document, "proof": _PROOF_SHAPE}, unsigned)
    return _parse(encode(add_proof(document, signer)), signer.public)


def _parse(data: bytes, checked: PublicKey | None = None) -> Manifest:
    document = _read(data)  # (1) (2)
    manifest = _read_statement(document, data)  # (3) (4)
    _check_proof(document, checked)  # (5)
    return manifest


def _read(data: bytes) -> dict[str, JSON]:
    document = parse_canonical(data, max_bytes=MAX_JSON_BYTES)
    if not isinstance(document, dict):
        raise FormatError("bad-manifest", "a manifest is a JSON object")
    version = document.get("lyrikstore")
    if type(version) is int and version > NEWEST:
        raise FormatError(
            "newer-format", f"the manifest has format version {version}", hint="upgrade lyrikstore"
        )
    return document


def _read_statement(document: dict[str, JSON], data: bytes) -> Manifest:
    check_schema(document, "manifest")
    kind = kind_of(document["kind"])
    version = document["lyrikstore"]
    inputs = [(item["role"], item["kind"]) for item in document["inputs"]]
    check_version(kind, version, document["body"], inputs)
    manifest = _from_document(document, data)
    _check_fit(manifest)
    check_inputs(kind, version, manifest.body, inputs)
    _check_body(manifest)
    return manifest


def _from_document(document: dict[str, JSON], data: bytes) -> Manifest:
    def digest(member: str) -> Digest | None:
        return Digest.parse(document[member]) if member in document else None

    return Manifest(
        kind=document["kind"],
        store=digest("store"),
        name=document["name"],
        parents=tuple(Digest.parse(parent) for parent in document["parents"]),
        inputs=tuple(
            Input(item["role"], item["kind"], Digest.parse(item["id"]))
            for item in document["inputs"]
        ),
        tree=digest("tree"),
        files=digest("files"),
        body=document["body"],
        author=document["author"],
        created=document["created"],
        message=document["message"],
        attachments=tuple(
            Attachment(item["role"], Digest.parse(item["id"]), item["bytes"])
            for item in document["attachments"]
        ),
        proof=document["proof"],
        data=data,
        id=Digest.of(data),
    )


def _check_fit(manifest: Manifest) -> None:
    kind = kind_of(manifest.kind)
    if Name.parse(manifest.name).prefix != kind.prefix:
        _refuse(
            f"a {kind.name} cannot be called {manifest.name}; its names start with {kind.prefix}/"
        )
    parse_timestamp(manifest.created)
    if (kind.name == "genesis") != (manifest.store is None):
        _refuse("store is left out in a genesis manifest, and nowhere else")
    if kind.name == "genesis" and (manifest.name != GENESIS_NAME or manifest.parents):
        _refuse(f"a genesis manifest is called {GENESIS_NAME} and has no parents")
    if not kind.has_tree == (manifest.tree is not None) == (manifest.files is not None):
        _refuse(
            f"a {kind.name} has {'both tree and files' if kind.has_tree else 'no tree, no files'}"
        )
    for what, items in (
        ("parent", manifest.parents),
        ("input", manifest.inputs),
        ("attachment", manifest.attachments),
    ):
        if len(set(items)) != len(items):
            _refuse(f"the same {what} is listed twice")


def _check_body(manifest: Manifest) -> None:
    # What a schema cannot say. The newer members stand in no body of an older version.
    kind, body = kind_of(manifest.kind), manifest.body
    counts = body.get("derivation", {}).get("counts")
    if counts:
        came = counts["in"] + counts.get("made", 0)
        if came != counts["kept"] + counts["dropped"] + counts["elsewhere"]:
            _refuse("the counts do not add up: in + made is not kept + dropped + elsewhere")
    companions = body.get("companions", [])
    if companions != sorted(companions):
        _refuse("companions are not in ascending order")
    # ATTACK: whoever lists a file of rows as a companion keeps it out of the record root, and a
    # program that reads all files with the suffix reads it nevertheless.
    rows = [path for path in companions if is_of_rows(path, body["reader"])]
    if rows:
        _refuse(f"{rows[0][:80]!r} is listed as a companion and has the suffix of rows")
    for role in (*kind.attachments, *(member for member in kind.described if member in body)):
        if len(manifest.attachments_in(role)) != 1:
            _refuse(f"a {kind.name} has exactly one attachment in role {role!r}")


def _check_proof(document: dict[str, JSON], checked: PublicKey | None) -> None:
    # An optional member, such as proof.created, would let one statement have many ids.
    if set(document["proof"]) != PROOF_MEMBERS:
        raise VerificationError(
            "bad-proof", "the proof of a manifest has exactly: " + ", ".join(sorted(PROOF_MEMBERS))
        )
    verified = verify_proof(document, checked=checked)
    if verified.verification_method.partition("#")[0] != document["author"]:
        raise VerificationError("wrong-author", "the manifest is not signed by its author")


def _refuse(reason: str) -> None:
    raise FormatError("bad-manifest", reason)
