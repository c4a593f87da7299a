"""Makes ``packs/``, ``chunks/`` and ``transactions/``: the byte formats of chapter 4.

The formats are written here a second time, with ``struct`` and BLAKE3 only, so that the vectors do
not repeat a mistake of the code under test. Only the piece boundaries come from a library
(pyfastcdc); they freeze what it did when the format was fixed.
"""

import struct
from typing import Any

from blake3 import blake3
from pyfastcdc import FastCDC

Block = tuple[int, bytes, list[bytes]]

# "abc " 25 times, as one zstd frame that gives its content size; made once by zstd 1.5, level 1.
ABC = b"abc " * 25
ABC_ZSTD = bytes.fromhex("28b52ffd206455000020616263200100fde488")


def _stored(*blobs: bytes) -> Block:
    return 0, b"".join(blobs), list(blobs)


def _pack(blocks: list[Block], *, version: int = 1, encryption: int = 0, **lies: Any) -> bytes:
    # lies: rows, sizes, digests, counts replace what the footer truly says.
    out = bytearray(b"lyrpack\n" + struct.pack("<HHI", version, encryption, 0))
    rows, sizes, digests = [], [], []
    for codec, stored, blobs in blocks:
        raw = sum(map(len, blobs))
        rows.append((len(out), len(stored), raw, len(blobs), codec))
        sizes += map(len, blobs)
        digests += [blake3(blob).digest() for blob in blobs]
        out += struct.pack("<IIII", codec, len(stored), raw, len(blobs))
        out += b"".join(struct.pack("<I", len(blob)) for blob in blobs)
        out += stored
    rows, sizes = lies.get("rows", rows), lies.get("sizes", sizes)
    counts = lies.get("counts", (len(rows), len(sizes)))
    body = struct.pack("<II", *counts)
    body += b"".join(struct.pack("<QIIII", *row) for row in rows)
    body += b"".join(lies.get("digests", digests))
    body += b"".join(struct.pack("<I", size) for size in sizes)
    return bytes(out) + body + struct.pack("<Q", len(body)) + blake3(body).digest() + b"\nkcapryl"


def packs_good() -> list[dict[str, Any]]:
    """Return the cases of ``packs/good.json``."""
    cases = {
        "one stored blob": [_stored(b"hello\n")],
        "the empty blob": [_stored(b"")],
        "zstd": [(1, ABC_ZSTD, [ABC[:40], ABC[40:]])],
        "two blocks": [_stored(b"one", b"", b"three"), (1, ABC_ZSTD, [ABC])],
    }
    return [
        {
            "id": name,
            "pack": _pack(blocks).hex(),
            "packId": blake3(_pack(blocks)).hexdigest(),
            "blobs": [
                {"blake3": blake3(blob).hexdigest(), "hex": blob.hex()}
                for _, _, blobs in blocks
                for blob in blobs
            ],
        }
        for name, blocks in cases.items()
    ]


def packs_refused() -> list[dict[str, Any]]:
    """Return the cases of ``packs/refused.json``: whole or in part not to be believed."""
    good = [_stored(b"hello\n")]
    data = _pack(good)
    row = (16, 6, 6, 1, 0)
    cases: dict[str, tuple[str, bytes]] = {
        "empty": ("bad-pack", b""),
        "cut short (A05)": ("bad-pack", data[:-1]),
        "bytes appended (A05)": ("bad-pack", data + b"\0"),
        "other magic": ("bad-pack", b"x" + data[1:]),
        "format 2": ("newer-format", _pack(good, version=2)),
        "encrypted": ("newer-format", _pack(good, encryption=1)),
        "footer changed": ("bad-pack", data[:-60] + b"\xff" + data[-59:]),
        "offset into another place (A06)": ("bad-pack", _pack(good, rows=[(17, *row[1:])])),
        "offset beyond the file (A06)": ("bad-pack", _pack(good, rows=[(1 << 40, *row[1:])])),
        "stored longer than raw": ("bad-pack", _pack([(0, b"hello\n", [b"hell"])])),
        "block of no blobs": ("bad-pack", _pack([(0, b"", [])])),
        "unknown codec": ("bad-pack", _pack([(2, b"hello\n", [b"hello\n!"])])),
        "sizes do not add up": ("bad-pack", _pack(good, sizes=[7])),
        "count beyond the footer": ("bad-pack", _pack(good, counts=(1, 2))),
        "block of more than 4 MiB (A07)": (
            "bad-pack",
            _pack(good, rows=[(16, 6, (4 << 20) + 1, 1, 1)], sizes=[(4 << 20) + 1]),
        ),
        "frame unpacks to less than announced (A07)": (
            "blob-damaged",
            _pack([(1, ABC_ZSTD, [ABC + b"x"])]),
        ),
        "frame does not unpack": ("blob-damaged", _pack([(1, b"x" * 9, [ABC])])),
        "digest of another blob (A04)": (
            "blob-damaged",
            _pack(good, digests=[blake3(b"other").digest()]),
        ),
    }
    return [{"id": name, "kind": kind, "pack": pack.hex()} for name, (kind, pack) in cases.items()]


def cuts() -> list[dict[str, Any]]:
    """Return the cases of ``chunks/cuts.json``."""
    cases = [("a", 0, True), ("a", 1, True), ("a", 1024, True), ("a", 300_000, True)]
    cases += [("b", 300_000, True), ("", 100_000, True), ("a", 6_000_000, False)]
    cases += [("", 9_000_000, False), ("a", 40_000_000, False)]
    found = []
    for seed, size, fine in cases:
        content = blake3(seed.encode()).digest(length=size) if seed else bytes(size)
        average = 8 << 10 if fine else 1 << 20
        cutter = FastCDC(average, min_size=average // 4, max_size=average * 4)
        segments = [content[at : at + (16 << 20)] for at in range(0, size, 16 << 20)]
        pieces = [chunk.length for segment in segments for chunk in cutter.cut_buf(segment)]
        found.append({"seed": seed, "size": size, "fine": fine, "pieces": pieces})
    return found


def _list(pieces: list[tuple[bytes, int]], *, version: int = 1, total: int | None = None) -> bytes:
    total = sum(size for _, size in pieces) if total is None else total
    head = b"lyrlist\n" + struct.pack("<HHIQQ", version, 0, 0, total, len(pieces))
    sizes = b"".join(struct.pack("<I", size) for _, size in pieces)
    return head + b"".join(digest for digest, _ in pieces) + sizes


def lists() -> list[dict[str, Any]]:
    """Return the cases of ``chunks/lists.json``; ``kind`` is empty for a good one."""
    two = [(b"\1" * 32, 5), (b"\2" * 32, 7)]
    data = _list(two)
    cases = {
        "two pieces": ("", data),
        "largest piece": ("", _list([(b"\1" * 32, 4 << 20)])),
        "format 2": ("newer-format", _list(two, version=2)),
        "cut short": ("bad-list", data[:-1]),
        "bytes appended": ("bad-list", data + b"\0"),
        "no pieces": ("bad-list", _list([])),
        "empty piece": ("bad-list", _list([(b"\1" * 32, 0)])),
        "piece of more than 4 MiB": ("bad-list", _list([(b"\1" * 32, (4 << 20) + 1)])),
        "wrong total": ("bad-list", _list(two, total=13)),
        "not a list": ("bad-list", b"lyrpack\n" + data[8:]),
    }
    return [{"id": name, "kind": kind, "list": item.hex()} for name, (kind, item) in cases.items()]


def _id(byte: str) -> str:
    return "blake3:" + byte * 32


def _record(seq: int, log: str = "", add: str = "", drop: str = "", lists: str = "") -> str:
    # Members in canonical order, written by hand.
    return (
        f'{{"chunkLists":[{lists}],"log":[{log}],'
        f'"packs":{{"add":[{add}],"drop":[{drop}]}},"seq":{seq},"v":1}}'
    )


def transactions_good() -> list[dict[str, Any]]:
    """Return the cases of ``transactions/good.json``."""
    cases = [
        (0, _record(0)),
        (
            7,
            _record(
                7,
                f'{{"id":"{_id("01")}","type":"manifest"}},{{"id":"{_id("02")}","type":"credential"}}',
                f'{{"bytes":1234,"id":"{_id("03")}","role":"data"}},'
                f'{{"bytes":5678,"id":"{_id("07")}","role":"documents"}}',
                f'"{_id("04")}"',
                f'{{"blob":"{_id("05")}","list":"{_id("06")}"}}',
            ),
        ),
    ]
    return [
        {
            "seq": seq,
            "file": f"tx/{seq:020d}",
            "record": text,
            "blake3": blake3(text.encode()).hexdigest(),
        }
        for seq, text in cases
    ]


def transactions_refused() -> list[dict[str, Any]]:
    """Return the cases of ``transactions/refused.json``; each is read as number 0."""
    good = _record(0)
    item = f'{{"id":"{_id("01")}","type":"manifest"}}'
    pack = f'{{"bytes":1234,"id":"{_id("03")}","role":"data"}}'
    cases = {
        "final newline": ("not-canonical", good + "\n"),
        "members out of order": (
            "not-canonical",
            '{"v":1,"chunkLists":[],"log":[],"packs":{"add":[],"drop":[]},"seq":0}',
        ),
        "member twice (A18)": ("bad-json", good[:-1] + ',"v":1}'),
        "another number": ("bad-record", _record(1)),
        "format 2": ("newer-format", good.replace('"v":1', '"v":2')),
        "unknown member": ("bad-record", good[:-1] + ',"w":1}'),
        "member missing": ("bad-record", good.replace('"chunkLists":[],', "")),
        "unknown log type": ("bad-record", _record(0, item.replace("manifest", "transaction"))),
        "short digest (A19)": ("bad-digest", _record(0, item.replace("01" * 32, "01" * 31))),
        "upper-case digest": ("bad-digest", _record(0, drop=f'"blake3:{"AB" * 32}"')),
        "pack of no bytes": ("bad-record", _record(0, add=pack.replace("1234", "0"))),
        "pack too large": ("bad-record", _record(0, add=pack.replace("1234", "134217729"))),
        "pack without a role": (
            "bad-record",
            _record(0, add=pack.replace(',"role":"data"', "")),
        ),
        "pack of another role": ("bad-record", _record(0, add=pack.replace("data", "trees"))),
        "role as a list": ("bad-record", _record(0, add=pack.replace('"data"', '["data"]'))),
        "size as a string": ("bad-record", _record(0, add=pack.replace("1234", '"1234"'))),
    }
    return [{"id": name, "kind": kind, "record": text} for name, (kind, text) in cases.items()]


def make() -> dict[str, Any]:
    """Return file name → content."""
    return {
        "packs/good.json": {"cases": packs_good()},
        "packs/refused.json": {"cases": packs_refused()},
        "chunks/cuts.json": {"cases": cuts()},
        "chunks/lists.json": {"cases": lists()},
        "transactions/good.json": {"cases": transactions_good()},
        "transactions/refused.json": {"cases": transactions_refused()},
    }
