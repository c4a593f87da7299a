"""Makes ``trees/``: trees with their ids, and bytes that are no tree.

Lines are written with the general RFC 8785 encoder and sorted as bytes here, not with the code
under test.
"""

from typing import Any

from blake3 import blake3

from lyrikstore.canon.json import encode

FILES: dict[str, tuple[bytes, dict[str, str]]] = {
    "a.txt": (b"alpha", {"category": "Permissive", "owner": "\u00dcnal & S\u00f6hne"}),
    "a/b.txt": (b"", {}),
    "a-b.txt": (b"between", {}),
    "Z": (b"upper case sorts first", {}),
    "\u00e4/\u00f6 \u65e5\u672c.txt": (b"beyond ASCII", {"b": "2", "a": "1"}),
    "\U0001f600.txt": (b"beyond the BMP", {"\U0001f600": "utf-16 first", "\uff5e": "then this"}),
    'q"uote?.txt': (b"escapes", {"tab\there": "line\nbreak \u007f\u2028"}),
}


def _line(path: str, data: bytes, meta: dict[str, str]) -> bytes:
    members: dict[str, Any] = {"path": path, "bytes": len(data), "blake3": blake3(data).hexdigest()}
    if meta:
        members["meta"] = meta
    return encode(members) + b"\n"


def _tree(files: dict[str, tuple[bytes, dict[str, str]]], *, with_meta: bool = True) -> bytes:
    paths = sorted(files, key=str.encode)
    return b"".join(
        _line(path, files[path][0], files[path][1] if with_meta else {}) for path in paths
    )


def good() -> list[dict[str, Any]]:
    """Return the cases of ``good.json``."""
    bare: dict[str, tuple[bytes, dict[str, str]]] = {
        path: (data, {}) for path, (data, _) in FILES.items()
    }
    tables: dict[str, dict[str, tuple[bytes, dict[str, str]]]] = {
        "empty": {},
        "one-file": {"a.txt": FILES["a.txt"]},
        "without-metadata": bare,
        "all": FILES,
    }
    return [
        {
            "id": name,
            "files": [
                {"path": path, "content": data.decode(), "meta": meta}
                for path, (data, meta) in files.items()
            ],
            "tree": _tree(files).decode(),
            "blake3": blake3(_tree(files)).hexdigest(),
            "filesBlake3": blake3(_tree(files, with_meta=False)).hexdigest(),
        }
        for name, files in tables.items()
    ]


def refused() -> list[dict[str, Any]]:
    """Return the cases of ``refused.json``."""
    a = _line("a", b"a", {"k": "v"})
    b = _line("b", b"b", {})
    digest = blake3(b"a").hexdigest().encode()
    cases = {
        "no-final-newline": a[:-1],
        "carriage-return": a[:-1] + b"\r\n",
        "blank-line": a + b"\n",
        "unsorted": b + a,
        "duplicate (A11)": a + a,
        "case-twin (A14)": _line("A", b"a", {}) + a,
        "folder-case-twin (A14)": _line("D/x", b"", {}) + _line("d/y", b"", {}),
        "file-and-folder": a + _line("a/b", b"", {}),
        "up (A12)": _line("../a", b"", {}),
        "nfd (A15)": _line("cafe\u0301", b"", {}),
        "device (A16)": _line("aux.txt", b"", {}),
        "unknown-member": a.replace(b'"bytes":1', b'"bytes":1,"mode":"0644"'),
        "duplicate-member (A18)": a.replace(b'"bytes":1', b'"bytes":1,"bytes":1'),
        "decimal-length (A18)": a.replace(b'"bytes":1', b'"bytes":1.0'),
        "negative-length": a.replace(b'"bytes":1', b'"bytes":-1'),
        "length-beyond-2^53": a.replace(b'"bytes":1', b'"bytes":9007199254740992'),
        "white-space": a.replace(b'"bytes":1', b'"bytes": 1'),
        "needless-escape": a.replace(b'"v"', b'"\\u0076"'),
        "upper-case-digest": a.replace(digest, digest.upper()),
        "short-digest (A19)": a.replace(digest, digest[:12]),
        "empty-meta": a.replace(b'{"k":"v"}', b"{}"),
        "empty-cell": a.replace(b'"v"', b'""'),
        "number-in-meta": a.replace(b'"v"', b"1"),
        "null-in-meta": a.replace(b'"v"', b"null"),
        "nested-meta": a.replace(b'"v"', b'{"x":"y"}'),
        "meta-unsorted": a.replace(b'{"k":"v"}', b'{"k":"v","a":"v"}'),
        "not-an-object": b"[]\n",
        # Of two faults of one line the first that a strict reader meets is named.
        "two-digests-one-bad": a.replace(b'"bytes":1', b'"blake3":"","bytes":1'),
        "two-paths-one-bad": a.replace(b'"path":"a"', b'"path":"a","path":"../a"'),
    }
    kinds = {
        "up (A12)": "bad-path",
        "nfd (A15)": "bad-path",
        "device (A16)": "bad-path",
        "upper-case-digest": "bad-digest",
        "short-digest (A19)": "bad-digest",
    }
    return [
        {"id": name, "tree": data.decode(), "kind": kinds.get(name, "bad-tree")}
        for name, data in cases.items()
    ]


def make() -> dict[str, Any]:
    """Return file name → content."""
    return {"trees/good.json": {"cases": good()}, "trees/refused.json": {"cases": refused()}}
