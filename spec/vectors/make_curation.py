"""Makes ``sheets/`` and ``filters/``: cells, tables, normal forms, redaction, splits.

Expected texts are written by hand; digests and parts are computed with blake3 and json alone, not
with the code under test.
"""

import json
from typing import Any

from blake3 import blake3

CELLS: list[dict[str, Any]] = [
    {"type": "string", "value": " as is ", "text": " as is "},
    {"type": "string", "value": "", "text": None},
    {"type": "number", "value": "3", "text": "3"},
    {"type": "number", "value": "3.0", "text": "3"},
    {"type": "number", "value": "-0.0", "text": "0"},
    {"type": "number", "value": "0.1", "text": "0.1"},
    {"type": "number", "value": "0.30000000000000004", "text": "0.30000000000000004"},
    {"type": "number", "value": "1e21", "text": "1000000000000000000000"},
    {"type": "number", "value": "1e-7", "text": "0.0000001"},
    {"type": "boolean", "value": "true", "text": "true"},
    {"type": "datetime", "value": "2026-01-02T00:00:00", "text": "2026-01-02"},
    {"type": "datetime", "value": "2026-01-02T03:04:05", "text": "2026-01-02T03:04:05"},
    {"type": "datetime", "value": "2026-01-02T03:04:05.120000", "text": "2026-01-02T03:04:05.12"},
    {"type": "time", "value": "03:04:00", "text": "03:04:00"},
    {"type": "duration-seconds", "value": "129600", "text": "PT129600S"},
]

TABLES: list[dict[str, Any]] = [
    {
        "id": "plain",
        "csv": "path,kind,n\na.txt,x,1\nb.txt,,2\n",
        "files": ["a.txt", "b.txt", "c.txt"],
        "columns": ["path", "kind", "n"],
        "rows": [["a.txt", {"kind": "x", "n": "1"}], ["b.txt", {"n": "2"}]],
        "meta": {"a.txt": {"kind": "x", "n": "1"}, "b.txt": {"n": "2"}},
        "orphanFiles": ["c.txt"],
        "orphanRows": [],
    },
    {
        "id": "semicolons-mark-and-key-last",
        "csv": '\ufeffkind;Filename\r\n"x;""y""";b.txt\r\n;gone.txt\r\n',
        "files": ["d/b.txt"],
        "columns": ["Filename", "kind"],
        "rows": [["b.txt", {"kind": 'x;"y"'}], ["gone.txt", {}]],
        "meta": {"d/b.txt": {"kind": 'x;"y"'}},
        "orphanFiles": [],
        "orphanRows": ["gone.txt"],
    },
]

NORMAL: list[tuple[str, str]] = [
    ("  Hello \r\n\tWorld ", "hello world"),
    ("\uff28\uff25\uff2c\uff2c\uff2f", "hello"),
    ("Stra\u00dfe", "strasse"),
    ("\ufb01n", "fin"),
    ("cafe\u0301", "caf\u00e9"),
    ("\ufeffx\u00a0\u3000y", "x y"),
    ("\u200b", "\u200b"),
    ("", ""),
]

REDACT: list[tuple[str, str]] = [
    ("write to john.doe+x@mail.example.org.", "write to <EMAIL>."),
    ("no @ here, a@b, @c.d", "no @ here, a@b, @c.d"),
    ("see http://x.org/a_(b)?q=1#f. And", "see <URL>. And"),
    ("(see https://x.org/a).", "(see <URL>)."),
    ("at www.example.com, or example.org/x", "at <URL>, or <URL>"),
    ("call +49 (0)30 1234-5678 now", "call <PHONE> now"),
    ("Tel: 030 123 45 67, Fax 555-123-4567", "Tel: <PHONE>, Fax <PHONE>"),
    ("1998-2001, 2003-2004; ISO 9001-2000", "1998-2001, 2003-2004; ISO 9001-2000"),
    (
        "Copyright (c) 1998-2001 Jane Roe. All rights reserved.",
        "Copyright (c) 1998-2001 <COPYRIGHT-HOLDER>. All rights reserved.",
    ),
    ("* Copyright 1999\n*   The Regents of Foo\n", "* Copyright 1999\n*   <COPYRIGHT-HOLDER>\n"),
    (
        "Copyright (c) 2001 Jane Roe\n\nNeither JANE\n ROE nor others",
        "Copyright (c) 2001 <COPYRIGHT-HOLDER>\n\nNeither <COPYRIGHT-HOLDER> nor others",
    ),
    (
        "The above copyright notice and this permission notice",
        "The above copyright notice and this permission notice",
    ),
    ("(c) You must keep", "(c) You must keep"),
    ("Copyright 2001 J. <j@roe.org>", "Copyright 2001 <COPYRIGHT-HOLDER>"),
]

SHARES = {"train": 800_000_000, "validation": 100_000_000, "test": 100_000_000}


def sheet_digest(case: dict[str, Any]) -> str:
    """Return the sheet digest of spec §12.3.4, made with json alone (all members are ASCII)."""
    lines = [case["columns"], *case["rows"]]
    data = "".join(
        json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
        for line in lines
    )
    return "blake3:" + blake3(data.encode()).hexdigest()


def part_of(seed: str, kind: str, group: str) -> str:
    """Return the part of a group under the default shares (spec §12.5.6)."""
    data = json.dumps([seed, kind, group], separators=(",", ":"), ensure_ascii=False).encode()
    hasher = blake3(data, derive_key_context="lyrikstore 2026-11 split")
    number = int.from_bytes(hasher.digest(length=8), "big")
    upper = 0
    for part, share in SHARES.items():
        upper += share
        if number < upper * 2**64 // 10**9:
            return part
    raise AssertionError("the shares add up to 1")


def make() -> dict[str, Any]:
    """Return file name → content."""
    groups = [("0", "value", f"owner {n}") for n in range(20)]
    groups += [("7", "value", "Ünal & Söhne"), ("0", "record", "ab" * 32)]
    return {
        "sheets/cells.json": {"cases": CELLS},
        "sheets/tables.json": {
            "cases": [{**case, "digest": sheet_digest(case)} for case in TABLES]
        },
        "filters/normalise.json": {"cases": [{"text": a, "normal": b} for a, b in NORMAL]},
        "filters/redact.json": {"cases": [{"text": a, "redacted": b} for a, b in REDACT]},
        "filters/split.json": {
            "cases": [
                {"seed": seed, "kind": kind, "group": group, "part": part_of(seed, kind, group)}
                for seed, kind, group in groups
            ]
        },
    }
