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

# Field, value, and the folder; none: no tree takes it.
PARTITIONS: list[tuple[str, str | None, str | None]] = [
    ("licence", "MIT", "licence=MIT"),
    ("licence", None, "licence=unknown"),
    ("licence", "GPL-2.0+ OR MIT", "licence=GPL-2.0+%20OR%20MIT"),
    ("a.", "foo.", "a%2E=foo%2E"),
    ("a", "..", "a=.%2E"),
    ("a/b", "c\\d", "a%2Fb=c%5Cd"),
    ("court", "\u6700\u9ad8", "court=%E6%9C%80%E9%AB%98"),
    ("a", "x" * 253, "a=" + "x" * 253),
    ("a", "x" * 254, None),
    ("a", "\u6700" * 29, None),
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


PERSONAL: list[tuple[str, dict[str, Any], str]] = [
    (
        "Mr. John Smith, MRN 0012345, born July 3rd, 1931, a 92-year-old man",
        {},
        "Mr. <PERSON-1>, MRN <MRN-1>, born <DATE-1>, a <AGE-1> man",
    ),
    (
        "Case No. 0012/2007 and 1:19-cv-01234-ABC; call 617-555-0123 (fax 617-555-0199)",
        {},
        "Case No. 0012/2007 and 1:19-cv-01234-ABC; call <PHONE-1> (fax <FAX-1>)",
    ),
    (
        "Case No. 0012/2007",
        {"kinds": ["docket"]},
        "Case No. <DOCKET-1>",
    ),
    (
        "MP3.com and amazon.com, Inc., but example.com and Example.com/a",
        {},
        "MP3.com and amazon.com, Inc., but <URL-1> and <URL-2>",
    ),
    (
        "12 Main Street, Apt. 4B, Boston, MA 02134",
        {"zip3": True},
        "<ADDRESS-1>, <LOCATION-1>, MA <ZIP-021xx>",
    ),
    (
        "12 Main Street, Apt. 4B, Boston, MA 02134",
        {},
        "<ADDRESS-1>, <LOCATION-1>, MA <ZIP-1>",
    ),
    (
        "SSN 123-45-6789, card 4111 1111 1111 1111, not 4111 1111 1111 1112",
        {},
        "SSN <SSN-1>, card <CARD-1>, not 4111 1111 1111 1112",
    ),
    (
        "DE89 3704 0044 0532 0130 00, VIN 1M8GDM9AXKP042788, plate CA 7ABC123",
        {},
        "<IBAN-1>, VIN <VIN-1>, plate CA <PLATE-1>",
    ),
    (
        "Member ID: W123 456 789, DEA BB1388568, S/N 4F2290113, 192.168.4.20",
        {},
        "Member ID: <HEALTH-PLAN-1>, DEA <LICENCE-NUMBER-1>, S/N <DEVICE-1>, <IP-1>",
    ),
    (
        "on the third of July, 3-5 July 2019, 2019-07-03, DOB 3/14, in 2019",
        {},
        "on <DATE-1>, <DATE-2>, DOB <DATE-3>, in 2019",
    ),
    (
        "a@b.example, A@B.example, <EMAIL-1> c@d.example",
        {},
        "<EMAIL-2>, <EMAIL-2>, <EMAIL-1> <EMAIL-3>",
    ),
    (
        "Project Blue  Whale of Acme-Werke, a@b.example",
        {"deny": ["blue whale", "acme*"]},
        "Project <DENIED-1> of <DENIED-2>, <EMAIL-1>",
    ),
    (
        "Dr. Miller, a@b.example",
        {"keep": ["miller", "*@b.example"]},
        "Dr. Miller, a@b.example",
    ),
    (
        "\u00e9\u4e16 Jos\u00e9: jos\u00e9@b.example",
        {},
        "\u00e9\u4e16 Jos\u00e9: <EMAIL-1>",
    ),
    (
        "Herr Dr. med. Hans-Peter Koch-Berg, geb. am 3. M\u00e4rz 1961 in K\u00f6ln, kam am 15.3.",
        {},
        "Herr Dr. med. <PERSON-1>, geb. am <DATE-1> in <LOCATION-1>, kam am <DATE-2>",
    ),
    (
        "Frau von der Heide, geb. Wolff; Wolffs Zeuge Fischer",
        {},
        "Frau <PERSON-1>, geb. <PERSON-2>; <PERSON-3> Zeuge <PERSON-4>",
    ),
    (
        "Der Kunde Vertrag liegt vor, Frau Rechnung fehlt, Patient Aufnahme um acht. Dr. Dr. ",
        {},
        "Der Kunde Vertrag liegt vor, Frau Rechnung fehlt, Patient Aufnahme um acht. Dr. Dr. ",
    ),
    (
        "Frau Berg Rechnung, Am Alten Markt 3, 70173 Stuttgart, Tel. 0711/9988776, 92 Jahre alt",
        {},
        "Frau <PERSON-1> Rechnung, <ADDRESS-1>, <ZIP-1> <LOCATION-1>, Tel. <PHONE-1>, <AGE-1>",
    ),
    (
        "86095742719, A123456780, 65 170839 J 003, nicht 86095742718, A123456781, 65 170839 J 004",
        {},
        "<TAX-ID-1>, <HEALTH-PLAN-1>, <SSN-1>, nicht 86095742718, A123456781, 65 170839 J 004",
    ),
    (
        "Aktenzeichen 12 O 345/23, Ziffer 1.2.19, \u00a7 100f, Kundennummer lautet 4455667",
        {},
        "Aktenzeichen 12 O 345/23, Ziffer 1.2.19, \u00a7 100f, Kundennummer lautet <ID-NUMBER-1>",
    ),
]


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
        "filters/partition.json": {
            "cases": [{"field": a, "value": b, "folder": c} for a, b, c in PARTITIONS]
        },
        "filters/personal.json": {
            "cases": [{"text": a, "parameters": p, "redacted": b} for a, p, b in PERSONAL]
        },
        "filters/redact.json": {"cases": [{"text": a, "redacted": b} for a, b in REDACT]},
        "filters/split.json": {
            "cases": [
                {"seed": seed, "kind": kind, "group": group, "part": part_of(seed, kind, group)}
                for seed, kind, group in groups
            ]
        },
    }
