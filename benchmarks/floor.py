"""What the benchmarks are compared with; each task runs in a process of its own.

python floor.py hash FOLDER           read and hash every file: what ``b3sum`` does, in Python
python floor.py credentials FOLDER    credentials per second, lyrikstore's and the bare minimum
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

SECONDS = 1.0
CREDENTIALS = 200


def hash_folder(folder: Path) -> int:
    """Read and hash every file, and return how many bytes that was."""
    from blake3 import blake3

    total = 0
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            blake3(data).digest()
            total += len(data)
    return total


def per_second(task: Callable[[Any], object], items: Sequence[Any]) -> float:
    """Return how often ``task`` runs in a second of processor time, on ``items`` in turn."""
    for item in items:
        task(item)  # imports and caches
    count, begin = 0, time.process_time()
    while (spent := time.process_time() - begin) < SECONDS:
        for item in items:
            task(item)
        count += len(items)
    return count / spent


def credentials(folder: Path) -> dict[str, float]:
    """Return rates of issuing and verifying, of nothing but the cryptography, of Ed25519 alone.

    On one processor, of :data:`CREDENTIALS` different credentials of one issuer in turn: what is
    kept from one to the next is then the issuer's key. ``question.json`` in ``folder`` is then the
    same credentials, for a peer to be asked about.
    """
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import rfc8785
    from nacl.bindings import crypto_sign_open
    from nacl.signing import SigningKey, VerifyKey

    from lyrikstore.credentials.issue import issue
    from lyrikstore.credentials.model.credential import CredentialMetadata
    from lyrikstore.credentials.model.dataset import build_dataset_credential
    from lyrikstore.credentials.model.opened import OpenedCredential
    from lyrikstore.credentials.terms.model import whole
    from lyrikstore.credentials.trust import Trust, TrustedIssuer
    from lyrikstore.testing.keys import signer_for
    from lyrikstore.verify.delivery.delivery import verify_credential
    from lyrikstore.verify.report import Verdict
    from lyrikstore.w3c.contexts import OWN, context_document

    now = datetime(2026, 11, 24, tzinfo=UTC)
    owner = signer_for("benchmark")
    documents = []
    for number in range(CREDENTIALS):
        manifest, tree = _dataset(folder, number, now)
        documents.append(
            build_dataset_credential(
                CredentialMetadata(
                    owner.did, now - timedelta(minutes=number), now.replace(year=2027)
                ),
                manifest=manifest,
                tree=tree,
                records=None,
                log_origin="example.org/benchmark",
                log_index=number,
                terms=whole(("train", "evaluate")),
                more=_claims(owner.did),
            )
        )
    issued = [issue(document, owner, now) for document in documents]
    trust = Trust((TrustedIssuer(owner.did, "benchmark"),))
    for data in issued:
        if (
            verify_credential(OpenedCredential(data), trust=trust, at=now).verdict
            is not Verdict.TRUSTED
        ):
            sys.exit("the benchmark's own credential does not verify")
    texts = [data.decode() for data in issued]
    question = {"credentials": texts, "contexts": {OWN: context_document(OWN)}}
    (folder / "question.json").write_text(json.dumps(question), "utf-8")
    seed = SigningKey(b"\x07" * 32)
    options = {name: v for name, v in json.loads(texts[0])["proof"].items() if name != "proofValue"}

    def message(text: dict[str, Any]) -> bytes:
        return b"".join(sha256(rfc8785.dumps(part)).digest() for part in (options, text))

    signed = [(rfc8785.dumps(one), seed.sign(message(one)).signature) for one in documents]
    key = bytes(seed.verify_key)
    bare = [seed.sign(message(one)) for one in documents]

    def verify(data: bytes) -> None:
        verify_credential(OpenedCredential(data), trust=trust, at=now)

    def check(one: tuple[bytes, bytes]) -> None:
        VerifyKey(key).verify(message(json.loads(one[0])), one[1])

    return {
        "bytes": statistics.mean(map(len, issued)),
        "issue": per_second(lambda document: issue(document, owner, now), documents),
        "sign": per_second(lambda document: seed.sign(message(document)), documents),
        "verify": per_second(verify, issued),
        "check": per_second(check, signed),
        "signature": per_second(lambda one: crypto_sign_open(one, key), bare),
    }


def _claims(issuer: str) -> dict[str, Any]:
    return {
        "quality": [
            {
                "type": "QualityMeasurement",
                "metric": "labelAgreement",
                "value": "0.87",
                "basis": "human-asserted",
                "method": "three annotators read the same 5,000 records",
            }
        ],
        "regulatory": [
            {
                "type": "RegulatoryStatement",
                "regime": "EU-GDPR",
                "status": "pseudonymised",
                "basis": "Art. 6(1)(a) consent",
                "warrantedBy": {"type": "Party", "did": issuer},
                "asOf": "2026-11-01",
            }
        ],
    }


def _dataset(folder: Path, number: int, now: datetime) -> tuple[Any, Any]:
    # A real manifest over a small tree: a credential's size does not depend on the tree's.
    from lyrikstore.canon.digest import Digest
    from lyrikstore.history.manifests.manifest import sign_manifest
    from lyrikstore.history.trees.tree import Tree, TreeEntry
    from lyrikstore.testing.keys import signer_for

    entries = [
        TreeEntry(f"{n:03d}.txt", n, Digest.of(f"{number}.{n}".encode())) for n in range(100)
    ]
    tree = Tree.of(entries)
    fields = ("name", "description", "collection", "language", "jurisdiction", "consents")
    manifest = sign_manifest(
        kind="dataset",
        store=Digest.of(str(folder.name).encode()),
        name=f"datasets/bench/corpus-{number}",
        body={
            "reader": "document/1",
            "records": len(entries),
            "bytes": tree.total_bytes,
            "fileCount": len(entries),
            "origin": "committed",
            "licence": {"expression": "Apache-2.0"},
            "descriptor": {
                name: {"state": "value", "value": f"about {name}", "basis": "human-asserted"}
                for name in fields
            },
            "ignored": 0,
        },
        signer=signer_for("benchmark"),
        created=now,
        tree=tree.id,
        files=tree.files_id,
    )
    return manifest, tree


def main() -> None:
    """Run one task and print its result as JSON."""
    task, folder = sys.argv[1], Path(sys.argv[2])
    print(json.dumps(hash_folder(folder) if task == "hash" else credentials(folder)))


if __name__ == "__main__":
    main()
