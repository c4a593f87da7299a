"""Makes ``manifests/``: one manifest of every kind, and forgeries that must be refused.

Keys and times are fixed. The forgeries in ``refused.json`` carry good signatures by the author,
unless their ``why`` says else: a reader that checks the signature only would take them.
"""

from datetime import UTC, datetime
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import encode, parse
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.crypto.proofs.eddsa_jcs import add_proof
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest

SIGNER = KeySigner(PrivateKey.from_seed(bytes(range(32))))
CREATED = datetime(2026, 11, 24, 14, 12, 39, tzinfo=UTC)
STORE, A, B, C = (Digest.of(text) for text in (b"store", b"a", b"b", b"c"))
LOG = "example.org/lyrik/log1+15a48bb8+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs"
ENVIRONMENT = {"python": "3.11.9", "platform": "linux", "packages": {"torch": "2.9"}, "threads": 2}
POLICY: dict[str, Any] = {
    "version": 1,
    "roles": {"owner": {"keys": [SIGNER.did], "threshold": 1, "names": ["*"], "kinds": ["*"]}},
    "logs": [LOG],
}
INTERVAL = {"value": "0.91", "low": "0.88", "high": "0.94"}
METRICS: dict[str, Any] = {
    "accuracy": INTERVAL,
    "macroF1": {"value": "0.80"},
    "perClass": {"Permissive": {"precision": "1", "recall": "0.5", "f1": "0.67", "support": 4}},
    "latencyMs": {"p50": "3.25", "p95": "9", "n": 40},
    "wallSeconds": "12.5",
    "cpuSeconds": "20",
    "peakMemoryBytes": 123456789,
}
DATASET: dict[str, Any] = {
    "reader": "document/1",
    "records": 2,
    "bytes": 10,
    "fileCount": 2,
    "origin": "committed",
    "descriptor": {
        "title": {"state": "value", "value": "Licences", "basis": "human-asserted"},
        "age": {"state": "unknown", "reason": "nobody wrote it down"},
        "consent": {"state": "not-applicable", "basis": "human-asserted"},
    },
    "licence": {"expression": "CC-BY-4.0", "textDigest": str(A)},
    "ignored": 0,
}
DERIVED: dict[str, Any] = {
    **{k: v for k, v in DATASET.items() if k != "ignored"},
    "origin": "filtered",
    "derivation": {
        "part": "train",
        "counts": {"in": 9, "kept": 2, "dropped": 3, "changed": 1, "elsewhere": 4},
        "dropped": {"duplicate": 3},
        "changed": {"email": 1},
    },
}
TREE = {"tree": A, "files": B}
EXAMPLES: dict[str, dict[str, Any]] = {
    "genesis": {
        "store": None,
        "name": "policies/store/main",
        "body": {"origin": "example.org/lyrik/log1", "nonce": "00" * 16, "policy": POLICY},
    },
    "policy": {
        "name": "policies/store/main",
        "parents": [STORE],
        "body": {"policy": {**POLICY, "version": 2}},
    },
    "dataset": {"name": "datasets/acme/licences", "body": DATASET, "parents": [C], **TREE},
    "filter": {
        "name": "filters/acme/clean",
        "body": {
            "recipe": {"step": [{"use": "empty/1"}]},
            "steps": [{"use": "empty/1", "minimum": 3}],
            "reads": ["text", "owner"],
            "engine": "lyrikstore 0.1",
        },
    },
    "retention": {
        "name": "retentions/acme/licences",
        "body": {"of": "datasets/acme/licences", "keep": 3},
        "inputs": [Input("dataset", "dataset", A), Input("dataset", "dataset", B)],
    },
    "records": {
        "name": "records/acme/licences",
        "body": {
            "reader": "document/1",
            "roots": [{"type": "order", "root": A.hex, "count": 2}],
        },
        "inputs": [Input("dataset", "dataset", A)],
        "attachments": [Attachment("salts", B, 32)],
    },
    "run": {
        "name": "runs/acme/categories",
        "body": {
            "purpose": "train",
            "config": {"epochs": 3, "rate": "2e-5", "nested": [{"a": True}]},
            "seed": 42,
            "order": {"function": "shuffle/1", "records": {"train": 2}},
            "environment": ENVIRONMENT,
            "code": {"package": "lyrikstore", "version": "0.1", "digest": str(A)},
            "plannedOutputs": ["checkpoints/acme/categories"],
            "rights": [
                {
                    "dataset": str(A),
                    "credential": str(B),
                    "issuer": SIGNER.did,
                    "permits": ["train", "evaluate"],
                    "validUntil": "2027-11-24T00:00:00Z",
                }
            ],
        },
        "inputs": [Input("train", "dataset", A), Input("base", "checkpoint", B)],
    },
    "checkpoint": {
        "name": "checkpoints/acme/categories",
        "body": {
            "origin": "trained",
            "step": 100,
            "epoch": "2.5",
            "final": True,
            "format": "peft-lora/1",
            "task": "text-classification",
            "labels": ["Copyleft", "Permissive"],
            "text": {"maxTokens": 256, "pooling": "mean"},
            "metrics": {"loss": "0.12"},
        },
        "inputs": [Input("run", "run", A), Input("train", "dataset", B)],
        "attachments": [Attachment("sha256sums", C, 80)],
        **TREE,
    },
    "evaluation": {
        "name": "evaluations/acme/categories",
        "body": {
            "split": "test",
            "count": 40,
            "task": "text-classification",
            "model": METRICS,
            "baseline": {"method": "tfidf-logreg", "params": {"c": "1.0"}, **METRICS},
            "majority": {"label": "Permissive", "accuracy": INTERVAL, "macroF1": INTERVAL},
            "confidence": {"method": "bootstrap", "level": "0.95", "resamples": 1000, "seed": 1},
            "environment": ENVIRONMENT,
            "overlap": {"exact": 0, "checked": "record ids"},
            "worst": [{"record": A.hex, "expected": "A", "predicted": "B", "probability": "0.99"}],
            "rights": [
                {
                    "dataset": str(B),
                    "credential": str(C),
                    "grant": str(A),
                    "issuer": SIGNER.did,
                    "permits": ["evaluate"],
                    "partitions": ["open"],
                }
            ],
        },
        "inputs": [Input("checkpoint", "checkpoint", A), Input("test", "dataset", B)],
    },
    "card": {
        "name": "cards/acme/categories",
        "body": {
            "profile": "huggingface/1",
            "statements": 30,
            "notEstablished": 4,
            "evidence": [str(A)],
        },
        "inputs": [Input("checkpoint", "checkpoint", A)],
        "attachments": [Attachment("card", B, 4096)],
    },
}


def manifest_of(kind: str) -> Manifest:
    """Return the example of one kind."""
    arguments = {"store": STORE, "message": "why", **EXAMPLES[kind]}
    return sign_manifest(kind=kind, signer=SIGNER, created=CREATED, **arguments)


def resigned(manifest: Manifest, signer: KeySigner = SIGNER, **changes: Any) -> bytes:
    """Return what an attacker who holds a key can make: a good signature over anything.

    Args:
        manifest: Where to start from.
        signer: Whose signature it gets.
        changes: Members to set, or with ``None`` to remove.
    """
    document = parse(manifest.encode())
    del document["proof"]
    for member, value in changes.items():
        if value is None:
            document.pop(member, None)
        else:
            document[member] = value
    return encode(add_proof(document, signer))


def good() -> list[dict[str, Any]]:
    """Return the cases of ``good.json``."""
    return [
        {
            "id": kind,
            "manifest": manifest_of(kind).encode().decode("utf-8"),
            "blake3": manifest_of(kind).id.hex,
        }
        for kind in EXAMPLES
    ] + [
        {
            "id": "policy-of-version-2",
            "manifest": misdating().encode().decode("utf-8"),
            "blake3": misdating().id.hex,
        },
        {
            "id": "records-with-two-roots",
            "manifest": two_roots().encode().decode("utf-8"),
            "blake3": two_roots().id.hex,
        },
    ]


def misdating(**policy: Any) -> Manifest:
    """Return a policy that says of entries that they bear a wrong date."""
    example = EXAMPLES["policy"]
    body = {"policy": {**example["body"]["policy"], "misdated": [3, 17], **policy}}
    arguments = {"store": STORE, "message": "why", **example, "body": body}
    return sign_manifest(kind="policy", signer=SIGNER, created=CREATED, **arguments)


def two_roots() -> Manifest:
    """Return a commitment to the same records by their order and by their key."""
    roots = [{"type": way, "root": A.hex, "count": 2} for way in ("order", "key")]
    example = {**EXAMPLES["records"], "body": {"reader": "document/1", "roots": roots}}
    return sign_manifest(
        kind="records", signer=SIGNER, created=CREATED, store=STORE, message="why", **example
    )


def refused() -> list[dict[str, Any]]:
    """Return the cases of ``refused.json``."""
    dataset = manifest_of("dataset")
    other = KeySigner(PrivateKey.from_seed(bytes(32)))
    document = parse(dataset.encode())
    unsigned = {name: value for name, value in document.items() if name != "proof"}
    dated = encode(add_proof(unsigned, SIGNER, created=CREATED))
    two = encode({**document, "proof": [document["proof"], document["proof"]]})
    edited = encode({**document, "message": "another"})
    cut = {name: value for name, value in DATASET.items() if name != "reader"}
    source = [{"role": "source", "kind": "dataset", "id": str(A)}]
    cases: list[tuple[str, bytes, str]] = [
        ("kind-without-tree", resigned(dataset, kind="filter"), "name and body are a dataset's"),
        ("unknown-kind", resigned(dataset, kind="blob"), "no such kind"),
        ("newer-version", resigned(dataset, lyrikstore=3), "a format version from the future"),
        ("version-not-needed", resigned(dataset, lyrikstore=2), "version 1 says it as well"),
        ("misdated-in-version-1", resigned(misdating(), lyrikstore=1), "it needs version 2"),
        ("no-store", resigned(dataset, store=None), "only a genesis manifest has no store"),
        (
            "genesis-with-store",
            resigned(manifest_of("genesis"), store=str(A)),
            "a genesis has none",
        ),
        ("short-name", resigned(dataset, name="acme/licences"), "names are full in documents"),
        ("wrong-prefix", resigned(dataset, name="filters/acme/x"), "a dataset is in datasets/"),
        ("no-files", resigned(dataset, files=None), "tree and files come together"),
        ("extra-member", resigned(dataset, note="x"), "unknown member"),
        (
            "extra-in-body",
            resigned(dataset, body={**DATASET, "x": 1}),
            "unknown member in the body",
        ),
        ("missing-in-body", resigned(dataset, body=cut), "reader is missing"),
        ("untyped-input", resigned(dataset, inputs=source), "a committed dataset has no inputs"),
        ("no-salts", resigned(manifest_of("records"), attachments=[]), "records need their salts"),
        ("parent-twice", resigned(dataset, parents=[str(C), str(C)]), "the same parent twice"),
        ("short-id", resigned(dataset, parents=[str(C)[:19]]), "short ids are for people (A19)"),
        ("no-such-date", resigned(dataset, created="2026-02-30T00:00:00Z"), "no such date"),
        ("dated-proof", dated, "an optional member in the proof"),
        ("two-proofs", two, "exactly one proof"),
        ("other-signer", resigned(dataset, signer=other), "the signer is not the author"),
        ("edited", edited, "the signature does not fit (A02)"),
        ("final-newline", dataset.encode() + b"\n", "not canonical (A18)"),
        ("escaped", dataset.encode().replace(b'"why"', b'"\\u0077hy"'), "not canonical (A18)"),
        ("decimal", dataset.encode().replace(b'"bytes":10', b'"bytes":10.0'), "a decimal (A18)"),
    ]
    return [{"id": name, "manifest": data.decode(), "why": why} for name, data, why in cases]


def make() -> dict[str, Any]:
    """Return file name → content."""
    return {
        "manifests/good.json": {"cases": good()},
        "manifests/refused.json": {"cases": refused()},
    }
