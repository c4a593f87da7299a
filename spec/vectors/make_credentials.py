"""Makes ``credentials/``: dataset credentials as issued, and forgeries that must be refused.

Keys and times are fixed. Every document in ``refused.json`` carries a signature that holds over
what it says, unless its ``why`` says else: a reader that checks the signature only would take it.

:func:`world` is the delivery that ``make_verdicts.py`` damages.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import encode, parse
from lyrikstore.credentials.issue import issue
from lyrikstore.credentials.model.credential import CredentialMetadata
from lyrikstore.credentials.model.dataset import build_dataset_credential
from lyrikstore.credentials.terms.model import whole
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.crypto.proofs.eddsa_jcs import add_proof
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import Leaf, LogCheckpoint, TlogProof
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest
from lyrikstore.history.policy.policy import Genesis, Policy
from lyrikstore.history.records.order_root import document_id, order_root
from lyrikstore.history.trees.tree import Tree, TreeEntry

OWNER_SEED, LOG_SEED, MALLORY_SEED = bytes(range(32)), bytes(range(32, 64)), b"\x77" * 32
OWNER, LOG, MALLORY = (
    KeySigner(PrivateKey.from_seed(seed)) for seed in (OWNER_SEED, LOG_SEED, MALLORY_SEED)
)
NOW = datetime(2026, 11, 24, 14, 12, 39, tzinfo=UTC)
ORIGIN = "data.example/archive"
NAME = "datasets/acme/contracts"
LICENCE = b"Acme data licence 1.0\n\nTrain what you like.\n"
FILES = {
    "a/one.txt": b"the first document\n",
    "a/two.txt": b"the second document\n",
    "b/three.txt": b"the third document, longer\n",
    "empty.txt": b"",
    "z.txt": b"the last one\n",
}
SALTS = b"".join(bytes([i]) * 16 for i in range(len(FILES)))


@dataclass(frozen=True)
class Contents:
    """What a dataset holds: files, how they are read, and the records that this gives.

    ``said`` are members of its body, and ``root`` of its order root, in place of what follows.
    """

    files: dict[str, bytes]
    reader: str
    records: tuple[Digest, ...]
    companions: tuple[str, ...] = ()
    said: Mapping[str, Any] = field(default_factory=dict)
    root: Mapping[str, Any] = field(default_factory=dict)

    @property
    def salts(self) -> bytes:
        """Return a salt for each record."""
        return SALTS[: 16 * len(self.records)]


DOCUMENTS = Contents(
    FILES, "document/1", tuple(document_id(Digest.of(data)) for data in FILES.values())
)


@dataclass(frozen=True)
class World:
    """A store of four log entries and a delivery of its one dataset, made without a disk."""

    genesis: Manifest
    manifest: Manifest
    records: Manifest
    tree: Tree
    proof: TlogProof
    credential: bytes
    salts: bytes
    hashes: list[bytes]

    @property
    def siblings(self) -> dict[str, bytes]:
        """Return the files beside the credential."""
        return {
            "LICENCE.txt": LICENCE,
            "genesis.json": self.genesis.encode(),
            "log.tlog-proof": self.proof.encode(),
            "manifest.json": self.manifest.encode(),
            "records.json": self.records.encode(),
            "records.salts": self.salts,
            "tree.jsonl": self.tree.encode(),
        }


def dataset(
    store: Digest,
    author: KeySigner = OWNER,
    created: datetime = NOW,
    contents: Contents = DOCUMENTS,
) -> tuple[Tree, Manifest, Manifest]:
    """Return the tree of the files, its dataset manifest in a store, and its records."""
    files, companions = contents.files, contents.companions
    tree = Tree.of(
        TreeEntry(
            path, len(data), Digest.of(data), {} if path in companions else {"category": f"c{i}"}
        )
        for i, (path, data) in enumerate(files.items())
    )
    manifest = sign_manifest(
        kind="dataset",
        store=store,
        name=NAME,
        body={
            "reader": contents.reader,
            "records": len(contents.records),
            "bytes": tree.total_bytes,
            "fileCount": len(files),
            "origin": "committed",
            **({"companions": list(companions)} if companions else {}),
            "licence": {
                "expression": "LicenseRef-Acme-1.0",
                "textDigest": str(Digest.of(LICENCE)),
            },
            "descriptor": {
                "name": {"state": "value", "value": "Contracts", "basis": "human-asserted"},
                "consents": {"state": "unknown", "reason": "nobody has asked"},
                "annotation": {"state": "not-applicable"},
            },
            **contents.said,
        },
        signer=author,
        created=created,
        tree=tree.id,
        files=tree.files_id,
        attachments=[Attachment("licence-text", Digest.of(LICENCE), len(LICENCE))],
    )
    salts = contents.salts
    root = order_root(contents.records, salts)
    records = sign_manifest(
        kind="records",
        store=store,
        name="records/acme/contracts",
        body={
            "reader": contents.reader,
            "roots": [{"type": "order", "root": root.root, "count": root.count, **contents.root}],
        },
        signer=author,
        created=created,
        inputs=[Input("dataset", "dataset", manifest.id)],
        attachments=[Attachment("salts", Digest.of(salts), len(salts))],
    )
    return tree, manifest, records


def world(author: KeySigner = OWNER, index: int = 2, contents: Contents = DOCUMENTS) -> World:
    """Return the delivery of a store that OWNER founded, with everything else by ``author``."""
    vkey = VerifierKey(ORIGIN, LOG.public)
    genesis = sign_manifest(
        kind="genesis",
        store=None,
        name="policies/store/main",
        body=Genesis(ORIGIN, "00" * 16, Policy.first(OWNER.did, [vkey])).to_json(),
        signer=OWNER,
        created=NOW,
    )
    tree, manifest, records = dataset(genesis.id, author, contents=contents)
    leaves = [
        Leaf("manifest", genesis.id).hash,
        Leaf("transaction", Digest.of(b"a transaction record")).hash,
        Leaf("manifest", manifest.id).hash,
        Leaf("manifest", records.id).hash,
    ]
    head = LogCheckpoint(ORIGIN, len(leaves), merkle.root(leaves))
    proof = TlogProof(2, tuple(merkle.inclusion_proof(leaves, 2)), head.sign(LOG))
    metadata = CredentialMetadata(
        issuer=author.did,
        valid_from=datetime(2026, 11, 1, tzinfo=UTC),
        valid_until=datetime(2027, 11, 1, tzinfo=UTC),
        issuer_name="Acme Data Ltd",
        id="urn:uuid:3f0a1d52-6c86-4f0e-9a44-6a1f2a0f6f1b",
    )
    unsigned = build_dataset_credential(
        metadata,
        manifest=manifest,
        tree=tree,
        records=records,
        log_origin=ORIGIN,
        log_index=index,
        terms=whole(["train", "evaluate"], ["redistribute"], ["attribution"]),
        licence_texts=[("LicenseRef-Acme-1.0", LICENCE)],
    )
    credential = issue(unsigned, author, NOW)
    return World(genesis, manifest, records, tree, proof, credential, contents.salts, leaves)


def metadata_in(arguments: dict[str, Any]) -> CredentialMetadata:
    """Return the metadata of a credential, taken out of the arguments that it is made from."""
    names = [name for name in CredentialMetadata.__struct_fields__ if name in arguments]
    return CredentialMetadata(**{name: arguments.pop(name) for name in names})


def resigned(
    credential: bytes, change: Callable[[dict[str, Any]], object], signer: KeySigner = OWNER
) -> bytes:
    """Return the credential with a change, signed again."""
    document = parse(credential)
    del document["proof"]
    change(document)
    return encode(add_proof(document, signer, created=NOW))


def edited(credential: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """Return the credential with a change that nobody signed."""
    document = parse(credential)
    change(document)
    return encode(document)


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    *parents, last = path.split(".")

    def change(document: dict[str, Any]) -> None:
        for name in parents:
            document = document[int(name) if name.isdigit() else name]
        if value is None:
            del document[last]
        else:
            document[last] = value

    return change


def part(**changes: Any) -> dict[str, Any]:
    """Return the one partition of the delivery, changed; what is None is left out."""
    partition = {
        "type": "Partition", "name": "all", "permits": ["train", "evaluate"],
        "prohibits": ["redistribute"], "requires": ["attribution"], "fileCount": 5,
        "byteSize": "79", "recordCount": "5",
    }  # fmt: skip
    return {name: value for name, value in {**partition, **changes}.items() if value is not None}


def term(member: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Return a change of one member of the delivery's one partition."""

    def change(document: dict[str, Any]) -> None:
        document["credentialSubject"]["licence"]["partitions"][0][member] = value

    return change


_EMPTY = {"fileCount": 0, "byteSize": "0", "recordCount": "0"}
_TERMS: list[tuple[str, str, Any, str]] = [
    (f"terms-{name}", "credentialSubject.licence.partitions", value, why)
    for name, value, why in (
        ("none", [], "no partition"),
        ("both", [part(prohibits=["train"])], "train is permitted and prohibited"),
        ("empty-list", [part(permits=[])], "an empty list, which RDF does not know"),
        ("word", [part(permits=["Train it"])], "no word"),
        ("same-name", [part(), part(select=[{"type": "PathSelector", "path": "a"}], **_EMPTY)],
         "two partitions have one name"),
        ("two-rests", [part(), part(name="more", **_EMPTY)], "two partitions take what is left"),
        ("sum", [part(fileCount=4)], "the counts do not add up to the dataset's"),
        ("selects-nothing", [part(select=[])], "an empty list of selectors"),
        ("selector", [part(select=[{"type": "PathSelector", "path": "a", "column": "b"}])],
         "a selector of two kinds"),
        ("foreign-licence", [part(spdxExpression="MIT")], "a licence the whole does not name"),
        ("limits-empty", [part(limits={"type": "TermLimits"})], "limits without a limit"),
        ("territory", [part(limits={"type": "TermLimits", "territory": ["Germany"]})],
         "no ISO 3166 code"),
        ("seats", [part(limits={"type": "TermLimits", "seats": 0})], "nobody may"),
        ("period", [part(limits={"type": "TermLimits", "useFrom": "2026-11-02T00:00:00Z",
                                  "useUntil": "2026-11-01T00:00:00Z"})], "ends before it begins"),
        ("period-date", [part(limits={"type": "TermLimits", "useUntil": "2026-02-30T00:00:00Z"})],
         "a day that no calendar has"),
    )
]  # fmt: skip
_CLAIM = {"type": "QualityMeasurement", "metric": "recordCount", "value": "5", "basis": "measured"}
LAW = {"type": "RegulatoryStatement", "regime": "EU-GDPR", "status": "pseudonymised",
        "basis": "Art. 6(1)(a)", "asOf": "2026-10-01",
        "warrantedBy": {"type": "Party", "name": "Lex LLP"}}  # fmt: skip

SHAPES: list[tuple[str, str, Any, str]] = [
    # id, member, value (None: removed), why
    ("context-appended", "@context", ["https://www.w3.org/ns/credentials/v2",
     "https://w3id.org/lyrikstore/v1", "https://evil.example/v1"], "a third context"),
    ("context-inline", "@context", ["https://www.w3.org/ns/credentials/v2", {"a": "urn:a"}],
     "an inline context"),
    ("context-order", "@context", ["https://w3id.org/lyrikstore/v1",
     "https://www.w3.org/ns/credentials/v2"], "the W3C context is not first"),
    ("id-absent", "id", None, "no id"),
    ("id-not-uuid4", "id", "urn:uuid:3f0a1d52-6c86-1f0e-9a44-6a1f2a0f6f1b", "a version 1 UUID"),
    ("type-more", "type", ["VerifiableCredential", "DatasetCredential", "Extra"], "a third type"),
    ("issuer-url", "issuer", "https://acme.example/", "the issuer is no DID"),
    ("from-absent", "validFrom", None, "no validFrom"),
    ("from-date", "validFrom", "2026-11-01", "a date is no time"),
    ("from-offset", "validFrom", "2026-11-01T00:00:00+00:00", "an offset instead of Z"),
    ("from-fraction", "validFrom", "2026-11-01T00:00:00.0Z", "fractions of a second"),
    ("from-newline", "validFrom", "2026-11-01T00:00:00Z\n", "a newline after the time"),
    ("from-february", "validFrom", "2026-02-30T00:00:00Z", "no such day"),
    ("until-before-from", "validUntil", "2026-10-01T00:00:00Z", "ends before it begins"),
    ("member-unknown", "termsOfUse", [{"type": "x"}], "a member the profile does not have"),
    ("schema-absent", "credentialSchema", None, "no credentialSchema"),
    ("schema-other-text", "credentialSchema.digestSRI", "sha384-" + "A" * 64,
     "pins another text of the schema"),
    ("subject-list", "credentialSubject", [{}], "several subjects"),
    ("root-other", "credentialSubject.contentRoot.hashValue", "0" * 64,
     "id and contentRoot name different content"),
    ("root-multibase", "credentialSubject.contentRoot.digestMultibase", "uHiD" + "A" * 43,
     "hashValue and digestMultibase differ"),
    ("root-sha256", "credentialSubject.contentRoot.hashAlgorithm", "sha256", "another algorithm"),
    ("tree-profile", "credentialSubject.contentRoot.treeProfile", "other", "another tree profile"),
    ("files-upper", "credentialSubject.files", "urn:blake3:" + "A" * 64, "upper-case digits"),
    ("count-string", "credentialSubject.fileCount", "5", "a number as a string"),
    ("count-number", "credentialSubject.recordCount", 5, "a string as a number"),
    ("count-zeros", "credentialSubject.recordCount", "05", "leading zeros"),
    ("licence-absent", "credentialSubject.licence", None, "no licence"),
    *_TERMS,
    ("text-absent", "credentialSubject.licence.texts", None,
     "the licence is no public one and no text is named"),
    ("text-of-another", "credentialSubject.licence.texts.0.name", "LicenseRef-Other",
     "no text is named for the licence"),
    ("age-absent", "credentialSubject.age", None, "no age"),
    ("age-backwards", "credentialSubject.age", {"type": "DataAge", "collectedFrom": "2026-01-02",
     "collectedUntil": "2026-01-01", "snapshotAt": "2026-11-24T14:12:39Z"},
     "collected until before it was collected from"),
    ("age-year-0", "credentialSubject.age", {"type": "DataAge", "collectedFrom": "0000-01-01",
     "snapshotAt": "2026-11-24T14:12:39Z"}, "a day that no calendar has"),
    ("age-no-day", "credentialSubject.age", {"type": "DataAge", "collectedFrom": "2026-02-30",
     "snapshotAt": "2026-11-24T14:12:39Z"}, "a day that no calendar has"),
    ("measured-without-recipe", "credentialSubject.quality", [_CLAIM], "measured by no recipe"),
    ("measured-as-something-else", "credentialSubject.quality", [{**_CLAIM, "metric": "errorCount",
     "recipe": {"type": "MeasurementRecipe", "use": "recordCount/1"}}],
     "the claim has another name than its recipe"),
    ("asserted-without-method", "credentialSubject.quality",
     [{**_CLAIM, "basis": "human-asserted"}], "asserted without a method"),
    ("law-without-basis", "credentialSubject.regulatory",
     [{name: value for name, value in LAW.items() if name != "basis"}], "no basis is named"),
    ("law-without-warrant", "credentialSubject.regulatory",
     [{**LAW, "warrantedBy": {"type": "Party"}}], "nobody warrants it"),
    ("law-no-day", "credentialSubject.regulatory", [{**LAW, "asOf": "2026-02-30"}],
     "a day that no calendar has"),
    ("nested-context", "credentialSubject.@context", "https://evil.example/v1",
     "a context inside the subject"),
    ("value-keyword", "credentialSubject.descriptor", [{"type": "DescriptorField", "field": "x",
     "state": "value", "basis": "measured", "value": {"@id": "urn:x"}}],
     "a keyword inside a value"),
    ("value-not-ascii", "credentialSubject.descriptor", [{"type": "DescriptorField", "field": "x",
     "state": "value", "basis": "measured", "value": {"n\u00e4me": "x"}}],
     "a member name that is not ASCII"),
    ("unknown-unexplained", "credentialSubject.descriptor", [{"type": "DescriptorField",
     "field": "x", "state": "unknown"}], "unknown without a reason"),
    ("field-twice", "credentialSubject.descriptor", [{"type": "DescriptorField", "field": "x",
     "state": "not-applicable"}] * 2, "a field twice"),
    ("status-untyped", "credentialStatus", {"id": "https://publisher.example/1"},
     "a status entry without type"),
    ("related-twice", "relatedResource", [{"id": "urn:x:1", "digestMultibase": "uEiB" + "A" * 43},
     {"id": "urn:x:1", "digestMultibase": "uEiA" + "A" * 43}], "a resource twice"),
    ("related-bare", "relatedResource", [{"id": "urn:x:1"}], "a resource without digest"),
    ("context-other-text", "relatedResource", [{"id": "https://w3id.org/lyrikstore/v1",
     "digestSRI": "sha384-" + "A" * 64}], "pins another text of the context"),
]  # fmt: skip

PROOFS: list[tuple[str, str, Any, str, str]] = [
    # id, member of proof, value, check that fails, why
    ("proof-expires", "expires", "2027-01-01T00:00:00Z", "schema", "a member the profile lacks"),
    ("proof-created", "created", "2026-11-24T14:12:40Z", "proof", "created is signed too"),
    ("proof-created-absent", "created", None, "schema", "no created"),
    ("proof-purpose", "proofPurpose", "authentication", "schema", "another purpose"),
    ("proof-suite", "cryptosuite", "eddsa-rdfc-2022", "schema", "another cryptosuite"),
    ("proof-context-absent", "@context", None, "schema", "the context is not in the proof"),
    ("proof-value-u", "proofValue", "u" + "A" * 86, "schema", "another multibase"),
    ("proof-value-blank", "proofValue", " ", "schema", "no signature"),
    ("proof-method-bare", "verificationMethod", OWNER.did, "schema", "no fragment"),
    ("proof-method-mixed", "verificationMethod",
     f"{OWNER.did}#{MALLORY.did.removeprefix('did:key:')}", "proof", "fragment of another key"),
]  # fmt: skip


def make() -> dict[str, Any]:
    """Return file name → content."""
    delivery = world()
    credential = delivery.credential
    unsigned = parse(credential)
    del unsigned["proof"]
    refused = [
        {
            "id": name,
            "why": why,
            "check": "schema",
            "credential": resigned(credential, _set(member, value)).decode(),
        }
        for name, member, value, why in SHAPES
    ]
    refused += [
        {
            "id": name,
            "why": f"{why} (the rest is as signed)",
            "check": check,
            "credential": edited(credential, _set(f"proof.{member}", value)).decode(),
        }
        for name, member, value, check, why in PROOFS
    ]
    text = credential.decode()
    refused += [
        {"id": name, "why": why, "check": check, "credential": forged}
        for name, why, check, forged in (
            ("trailing-text", "text after the object", "format", text + "x"),
            ("byte-order-mark", "a byte-order mark", "format", "\ufeff" + text),
            ("member-twice", "issuer twice", "format", '{"issuer":"did:key:z6Mk",' + text[1:]),
            ("array", "not an object", "format", f"[{text}]"),
            ("proof-absent", "no proof", "proof", encode(unsigned).decode()),
            (
                "proof-set",
                "two proofs",
                "schema",
                edited(credential, lambda d: d.update(proof=[d["proof"], d["proof"]])).decode(),
            ),
            (
                "claim-edited",
                "edited after signing",
                "proof",
                edited(credential, term("permits", ["x-all"])).decode(),
            ),
            (
                "foreign-key",
                "signed by another key than the issuer's",
                "issuer.binding",
                resigned(credential, lambda d: d, MALLORY).decode(),
            ),
        )
    ]
    return {
        "credentials/issued.json": {
            "cases": [
                {
                    "id": "dataset",
                    "seed": OWNER_SEED.hex(),
                    "created": "2026-11-24T14:12:39Z",
                    "unsigned": unsigned,
                    "credential": text,
                    "blake3": Digest.of(credential).hex,
                }
            ]
        },
        "credentials/refused.json": {"at": "2026-11-24T14:12:39Z", "cases": refused},
    }
