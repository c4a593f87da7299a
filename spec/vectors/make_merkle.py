"""Makes ``merkle/``: RFC 9162 roots, inclusion proofs and consistency proofs.

Everything is computed with the recursive definitions of RFC 9162 section 2.1, written out here, not
with the code under test.
"""

from hashlib import sha256
from typing import Any

ENTRIES = [f"entry {number}".encode() for number in range(13)]
CHANGED = "00" * 32


def _root(entries: list[bytes]) -> bytes:
    if not entries:
        return sha256().digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = _split(len(entries))
    return sha256(b"\x01" + _root(entries[:k]) + _root(entries[k:])).digest()


def _split(count: int) -> int:
    k = 1
    while k * 2 < count:
        k *= 2
    return k


def _path(index: int, entries: list[bytes]) -> list[bytes]:
    if len(entries) == 1:
        return []
    k = _split(len(entries))
    if index < k:
        return [*_path(index, entries[:k]), _root(entries[k:])]
    return [*_path(index - k, entries[k:]), _root(entries[:k])]


def _subproof(old: int, entries: list[bytes], *, whole: bool) -> list[bytes]:
    if old == len(entries):
        return [] if whole else [_root(entries)]
    k = _split(len(entries))
    if old <= k:
        return [*_subproof(old, entries[:k], whole=whole), _root(entries[k:])]
    return [*_subproof(old - k, entries[k:], whole=False), _root(entries[:k])]


def _hex(hashes: list[bytes]) -> list[str]:
    return [item.hex() for item in hashes]


def inclusion() -> list[dict[str, Any]]:
    """Return the cases of ``inclusion.json``: every good proof, and some changed ones."""
    cases: list[dict[str, Any]] = []
    for size in range(1, len(ENTRIES) + 1):
        for index in range(size):
            case: dict[str, Any] = {
                "id": f"{index}-of-{size}",
                "entry": ENTRIES[index].hex(),
                "index": index,
                "size": size,
                "proof": _hex(_path(index, ENTRIES[:size])),
                "root": _root(ENTRIES[:size]).hex(),
                "valid": True,
            }
            cases.append(case)
            if size == 11 and index in {0, 6, 10}:
                name = case["id"]
                bad = {**case, "valid": False}
                proof = case["proof"]
                cases += [
                    {**bad, "id": f"{name}-other-entry", "entry": b"another".hex()},
                    {**bad, "id": f"{name}-other-index", "index": index - 1 if index else 1},
                    {**bad, "id": f"{name}-outside", "index": size},
                    {**bad, "id": f"{name}-short", "proof": proof[:-1]},
                    {**bad, "id": f"{name}-long", "proof": [*proof, CHANGED]},
                    {**bad, "id": f"{name}-changed", "proof": [CHANGED, *proof[1:]]},
                    {**bad, "id": f"{name}-other-root", "root": CHANGED},
                ]
    return cases


def consistency() -> list[dict[str, Any]]:
    """Return the cases of ``consistency.json``."""
    cases: list[dict[str, Any]] = []
    for size in range(len(ENTRIES) + 1):
        for old in range(size + 1):
            proof = _subproof(old, ENTRIES[:size], whole=True) if old else []
            case: dict[str, Any] = {
                "id": f"{old}-to-{size}",
                "oldSize": old,
                "size": size,
                "oldRoot": _root(ENTRIES[:old]).hex(),
                "root": _root(ENTRIES[:size]).hex(),
                "proof": _hex(proof),
                "valid": True,
            }
            cases.append(case)
            if size == 11 and old in {4, 7, 11}:
                name = case["id"]
                bad = {**case, "valid": False}
                hashes = case["proof"]
                cases += [
                    {**bad, "id": f"{name}-fork", "oldRoot": CHANGED},
                    {**bad, "id": f"{name}-other-root", "root": CHANGED},
                    {**bad, "id": f"{name}-long", "proof": [*hashes, CHANGED]},
                    {**bad, "id": f"{name}-shrunk", "oldSize": size, "size": old - 1},
                ]
                if hashes:
                    cases += [
                        {**bad, "id": f"{name}-short", "proof": hashes[:-1]},
                        {**bad, "id": f"{name}-changed", "proof": [CHANGED, *hashes[1:]]},
                    ]
    return cases


def make() -> dict[str, Any]:
    """Return file name → content."""
    roots = [
        {
            "id": str(size),
            "entries": _hex(ENTRIES[:size]),
            "root": _root(ENTRIES[:size]).hex(),
        }
        for size in range(len(ENTRIES) + 1)
    ]
    return {
        "merkle/roots.json": {"cases": roots},
        "merkle/inclusion.json": {"cases": inclusion()},
        "merkle/consistency.json": {"cases": consistency()},
    }
