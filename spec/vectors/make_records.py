# ruff: noqa: INP001
"""Makes ``records/``: record ids, and order roots over salted records.

Usage: ``python spec/vectors/make_records.py`` rewrites the files. Salts are fixed here; real ones
are random. Everything is computed from the definitions, not with the code under test.
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from blake3 import blake3

CONTEXT = "lyrikstore 2026-11 record id "


def _document(file: bytes) -> bytes:
    return blake3(file).digest()


RECORDS: list[tuple[str, str, bytes]] = [
    ("document", "document/1", _document(b"The MIT License\n")),
    ("document-empty", "document/1", _document(b"")),
    ("document-not-utf8", "document/1", _document(b"\xff\xfe\x00")),
    ("jsonl", "jsonl/1", b'{"text": "a", "label": 1}'),
    ("same-bytes-other-reader", "csv/1", b'{"text": "a", "label": 1}'),
    ("csv", "csv/1", b'["a","","b\\"c"]'),
]
SALT = bytes(range(16))


def _id(reader: str, data: bytes) -> bytes:
    return blake3(data, derive_key_context=CONTEXT + reader).digest()


def _root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + _root(leaves[:k]) + _root(leaves[k:])).digest()


def ids() -> list[dict[str, Any]]:
    """Return the cases of ``ids.json``."""
    return [
        {"id": name, "reader": reader, "record": data.hex(), "recordId": _id(reader, data).hex()}
        for name, reader, data in RECORDS
    ]


def roots() -> list[dict[str, Any]]:
    """Return the cases of ``order-roots.json``."""
    cases = []
    for count in range(8):
        records = [
            _id("document/1", _document(str(number % 5).encode())) for number in range(count)
        ]
        salts = [bytes((byte + number) % 256 for byte in SALT) for number in range(count)]
        leaves = [salt + record for salt, record in zip(salts, records, strict=True)]
        cases.append(
            {
                "id": str(count),
                "records": [record.hex() for record in records],
                "salts": b"".join(salts).hex(),
                "root": _root(leaves).hex(),
            }
        )
    return cases


def make() -> dict[str, Any]:
    """Return file name → content."""
    return {
        "records/ids.json": {"cases": ids()},
        "records/order-roots.json": {"cases": roots()},
    }


def main() -> None:
    """Write the files."""
    for name, content in make().items():
        path = Path(__file__).parent / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content, indent=1) + "\n", "ascii")


if __name__ == "__main__":
    main()
