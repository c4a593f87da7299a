"""Makes ``notes/``, ``log/`` and ``tlog-proof/``: what a log signs, stores and proves.

The 1000-entry log in ``notes/notes.json`` is the one that Go's ``x/mod/sumdb/note`` and
``formats/log`` accept.
"""

import json
from base64 import b64encode
from hashlib import sha256
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import ENTRY_TYPES, Leaf, LogCheckpoint, TlogProof
from lyrikstore.history.log.entries import leaves_of
from lyrikstore.history.log.note import VerifierKey, sign_note
from lyrikstore.history.log.tiles import entries_path, new_files, tile_path
from lyrikstore.objects.store.transactions import LogItem, Transaction

SIGNER = KeySigner(PrivateKey.from_seed(b"\x07" * 32))
OTHER = KeySigner(PrivateKey.from_seed(b"\x08" * 32))
NAME = "example.org/lyrik/log1"
KEY = VerifierKey(NAME, SIGNER.public)
SEED = "07" * 32


def notes() -> dict[str, Any]:
    """Return notes that open with the key, and notes that must not."""
    entries = [
        json.dumps({"i": i, "obj": sha256(str(i).encode()).hexdigest()}).encode()
        for i in range(1000)
    ]
    root = merkle.root([merkle.leaf_hash(entry) for entry in entries])
    good = LogCheckpoint(NAME, 1000, root).sign(SIGNER).decode()
    text = good.partition("\n\n")[0] + "\n"
    other = sign_note(text, NAME, OTHER).decode()
    line, other_line = good.rpartition("\n\n")[2], other.rpartition("\n\n")[2]
    witness = "\u2014 witness.example/w1 AAAAAQAAAAAAAAAAAAAA\n"
    bad = {
        "wrong-key": other,
        "edited-size": good.replace("\n1000\n", "\n1001\n"),
        "edited-origin": good.replace("log1\n1000", "log2\n1000"),
        "signature-of-another-text": sign_note("x\n", NAME, SIGNER).decode().replace("x\n", text),
        "forged-line-beside-a-good-one": good
        + line.replace("A", "B", 3).replace("FaSLuB", "FaSLuA"),
        "no-signature": text + "\n",
        "no-final-newline": good[:-1],
        "no-empty-line": text + line,
        "hyphen-for-dash": good.replace("\u2014", "-"),
        "two-spaces": good.replace("\u2014 ", "\u2014  "),
        "carriage-return": good.replace("1000\n", "1000\r\n"),
        "unpadded-base64": good.rstrip("=\n") + "\n",
        "text-after-signature": good + "more\n",
    }
    return {
        "seed": SEED,
        "vkey": str(KEY),
        "good": [
            {"id": "one-signature", "note": good, "text": text},
            {"id": "unknown-key-beside", "note": good + other_line, "text": text},
            {"id": "witness-line", "note": good + witness, "text": text},
        ],
        "bad": [{"id": name, "note": note} for name, note in bad.items()],
    }


def leaf(number: int) -> Leaf:
    """Return entry ``number`` of the example log."""
    return Leaf(ENTRY_TYPES[number % 3], Digest.of(str(number).encode()))


def log() -> dict[str, Any]:
    """Return leaves, tile paths, and every file of logs of some sizes, as SHA-256."""
    sizes = []
    for size in (1, 2, 3, 255, 256, 257, 700):
        entries = [leaf(number).encode() for number in range(size)]
        hashes = [merkle.leaf_hash(entry) for entry in entries]
        head = LogCheckpoint(NAME, size, merkle.root(hashes))
        files = {path: sha256(data).hexdigest() for path, data in new_files(entries, hashes, 0)}
        sizes.append({"size": size, "checkpoint": head.sign(SIGNER).decode(), "files": files})
    record = Transaction(
        3, (LogItem("manifest", Digest.of(b"m")), LogItem("credential", Digest.of(b"c")))
    )
    paths = [(0, 0, 256), (0, 0, 1), (1, 999, 255), (0, 1000, 256), (2, 1234067, 256)]
    return {
        "leaves": [
            {
                "type": leaf(number).type,
                "id": str(leaf(number).id),
                "entry": leaf(number).encode().decode(),
                "hash": leaf(number).hash.hex(),
            }
            for number in range(3)
        ],
        "paths": [
            {
                "level": level,
                "index": index,
                "width": width,
                "tile": tile_path(level, index, width),
                "entries": entries_path(index, width),
            }
            for level, index, width in paths
        ],
        "transaction": {
            "record": record.encode().decode(),
            "entries": [item.encode().decode() for item in leaves_of(record, record.id)],
        },
        "note": "entry n: BLAKE3 of n in decimal; manifest, credential, transaction in turn",
        "logs": sizes,
    }


def proofs() -> dict[str, Any]:
    """Return proofs that hold for a leaf, and proofs that must not."""
    size = 13
    leaves = [leaf(number) for number in range(size)]
    hashes = [item.hash for item in leaves]
    note = LogCheckpoint(NAME, size, merkle.root(hashes)).sign(SIGNER)

    def proof(index: int) -> str:
        path = tuple(merkle.inclusion_proof(hashes, index))
        return TlogProof(index, path, note).encode().decode()

    five = proof(5)
    line = note.rpartition(b"\n\n")[2].decode()
    first = b64encode(merkle.inclusion_proof(hashes, 5)[0]).decode()
    bad = {
        "of-another-leaf": (proof(6), 5),
        "other-index": (five.replace("index 5", "index 4"), 5),
        "index-beyond-the-log": (five.replace("index 5", "index 13"), 5),
        "leading-zero": (five.replace("index 5", "index 05"), 5),
        "hash-left-out": (five.replace(first + "\n", ""), 5),
        "hash-twice": (five.replace(first, first + "\n" + first), 5),
        "no-header": (five.partition("\n")[2], 5),
        "other-version": (five.replace("@v1", "@v2"), 5),
        "size-edited": (five.replace("\n13\n", "\n14\n"), 5),
        "signed-five-times": (five + 4 * line, 5),
        "no-checkpoint": (five.partition("\n\n")[0] + "\n\n", 5),
    }
    return {
        "vkey": str(KEY),
        "good": [
            {"id": f"leaf-{index}", "entry": leaves[index].encode().decode(), "proof": proof(index)}
            for index in range(size)
        ]
        + [
            {
                "id": "extra-data",
                "entry": leaves[5].encode().decode(),
                "proof": five.replace("@v1\n", "@v1\nextra YWdl\n"),
            },
            {
                "id": "signed-four-times",
                "entry": leaves[5].encode().decode(),
                "proof": five + 3 * line,
            },
        ],
        "bad": [
            {"id": name, "entry": leaves[index].encode().decode(), "proof": text}
            for name, (text, index) in bad.items()
        ],
    }


def make() -> dict[str, Any]:
    """Return file name → content."""
    return {
        "notes/notes.json": notes(),
        "log/log.json": log(),
        "tlog-proof/proofs.json": proofs(),
    }
