"""What the benchmarks are compared with; each task runs in a process of its own.

python floor.py hash FOLDER           read and hash every file: what ``b3sum`` does, in Python
python floor.py credentials FOLDER    credentials per second, lyrikstore's and the bare minimum
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

SECONDS = 1.0


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


def per_second(task: Callable[[], object]) -> float:
    """Return how often ``task`` runs in a second."""
    task()  # imports and caches
    count, begin = 0, time.perf_counter()
    while (spent := time.perf_counter() - begin) < SECONDS:
        task()
        count += 1
    return count / spent


def credentials(folder: Path) -> dict[str, float]:
    """Return rates of issuing and verifying, and of nothing but the cryptography in them.

    ``question.json`` in ``folder`` is then the credential, for a peer to be asked about.
    """
    import rfc8785
    from nacl.signing import SigningKey, VerifyKey

    from lyrikstore.credentials.dataset import build_dataset_credential
    from lyrikstore.credentials.envelope import issue
    from lyrikstore.credentials.report import Verdict
    from lyrikstore.credentials.terms.model import whole
    from lyrikstore.credentials.trust import Trust, TrustedIssuer
    from lyrikstore.credentials.verify import verify_credential
    from lyrikstore.crypto.contexts import OWN, context_document
    from lyrikstore.testing.keys import signer_for

    now = datetime(2026, 11, 24, tzinfo=UTC)
    owner = signer_for("benchmark")
    manifest, tree = _dataset(folder, now)
    document = build_dataset_credential(
        manifest=manifest,
        tree=tree,
        records=None,
        log_origin="example.org/benchmark",
        log_index=2,
        issuer=owner.did,
        terms=whole(("train", "evaluate")),
        valid_from=now,
        valid_until=now.replace(year=2027),
    )
    data = issue(document, owner, now)
    trust = Trust((TrustedIssuer(owner.did, "benchmark"),))
    if verify_credential(data, trust=trust, at=now).verdict is not Verdict.TRUSTED:
        sys.exit("the benchmark's own credential does not verify")
    question = {"credential": json.loads(data), "contexts": {OWN: context_document(OWN)}}
    (folder / "question.json").write_text(json.dumps(question), "utf-8")
    seed = SigningKey(b"\x07" * 32)
    options = {name: v for name, v in json.loads(data)["proof"].items() if name != "proofValue"}

    def message(text: dict[str, Any]) -> bytes:
        return b"".join(sha256(rfc8785.dumps(part)).digest() for part in (options, text))

    signature = seed.sign(message(document)).signature
    unsigned = rfc8785.dumps(document)
    key = bytes(seed.verify_key)
    return {
        "issue": per_second(lambda: issue(document, owner, now)),
        "sign": per_second(lambda: seed.sign(message(document))),
        "verify": per_second(lambda: verify_credential(data, trust=trust, at=now)),
        "check": per_second(
            lambda: VerifyKey(key).verify(message(json.loads(unsigned)), signature)
        ),
    }


def _dataset(folder: Path, now: datetime) -> tuple[Any, Any]:
    # A real manifest over a small tree: a credential's size does not depend on the tree's.
    from lyrikstore.canon.digest import Digest
    from lyrikstore.history.manifest import sign_manifest
    from lyrikstore.history.tree import Entry, Tree
    from lyrikstore.testing.keys import signer_for

    entries = [Entry(f"{n:03d}.txt", n, Digest.of(str(n).encode())) for n in range(100)]
    tree = Tree.of(entries)
    fields = ("name", "description", "collection", "language", "jurisdiction", "consents")
    manifest = sign_manifest(
        kind="dataset",
        store=Digest.of(str(folder.name).encode()),
        name="datasets/bench/corpus",
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
