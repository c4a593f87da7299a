"""Vectors of what redaction leaves: ``redact/3``, ``chunk/2``'s digests, and ``split/3``."""

from typing import Any

from blake3 import blake3
from rfc8785 import dumps

DIGEST = "0123456789abcdef" * 4


def path_of(text: str) -> str:
    """Return what the path becomes of a record that holds a name."""
    return f"doc-{blake3(text.encode()).hexdigest()[:12]}"


_NOTE = "Seen by Dr. <PERSON-1>. Chart MRN: <MRN-1>"

REDACT: list[dict[str, Any]] = [
    {
        "id": "a-name-in-the-text-goes-from-other-fields-and-the-path",
        "fields": {
            "text": "Seen by Dr. Maria Gomez. Chart MRN: 00123456",
            "path": "2026/Gomez.txt",
            "title": "Gomez, chart 00123456",
            "gomez": "GOMEZ and gomez",
        },
        "redacted": {
            "text": _NOTE,
            "path": path_of(_NOTE),
            "title": "<PERSON-1>, chart <MRN-1>",
            "gomez": "<PERSON-1> and gomez",
        },
    },
    {
        "id": "a-path-without-the-name-stays",
        "fields": {"text": "Seen by Dr. Maria Gomez", "path": "letters/one.txt"},
        "redacted": {"text": "Seen by Dr. <PERSON-1>", "path": "letters/one.txt"},
    },
    {
        "id": "names-beside-addresses-go-everywhere",
        "fields": {
            "text": "Regards\nHans Weber",
            "from": "Hans Weber <hw@firm.example>",
            "to": '"Lund, Eva" <e@x.example>, Bo Ek <b@x.example>',
            "subject": "Weber",
        },
        "redacted": {
            "text": "Regards\n<PERSON-1>",
            "from": "<PERSON-1> <<EMAIL-1>>",
            "to": '"<PERSON-2>" <<EMAIL-2>>, <PERSON-3> <<EMAIL-3>>',
            "subject": "<PERSON-1>",
        },
    },
    {
        "id": "attachments-keep-type-and-size",
        "fields": {
            "text": "see below",
            "attachments": [
                {"name": "gomez.pdf", "type": "application/pdf", "bytes": 5, "blake3": DIGEST}
            ],
        },
        "redacted": {
            "text": "see below",
            "attachments": [{"type": "application/pdf", "bytes": 5}],
        },
    },
    {
        "id": "a-list-of-other-objects-is-no-list-of-attachments",
        "fields": {"text": "x", "attachments": [{"name": "a", "bytes": 1, "more": 1}]},
        "redacted": {"text": "x", "attachments": [{"name": "a", "bytes": 1, "more": 1}]},
    },
    {
        "id": "traces-of-chunk-2-go",
        "fields": {"text": "x", "document": DIGEST, "part": 3, "start": 7, "end": 8, "page": 2},
        "redacted": {"text": "x", "part": 3, "page": 2},
    },
    {
        "id": "traces-of-extract-text-1-and-chunk-1-go",
        "fields": {"text": "x", "parent": DIGEST, "path": "a.txt", "start": 0, "end": 1},
        "redacted": {"text": "x", "path": "a.txt"},
    },
    {
        "id": "start-and-end-of-somebody-s-own-stay",
        "fields": {"text": "x", "start": 7, "end": 8, "parent": "none"},
        "redacted": {"text": "x", "start": 7, "end": 8, "parent": "none"},
    },
    {
        "id": "pages-move-with-the-text",
        "fields": {
            "text": "a@b.example one\nc@d.example\ntwo",
            "pages": [0, 16, 20, 28],
        },
        "redacted": {"text": "<EMAIL-1> one\n<EMAIL-2>\ntwo", "pages": [0, 14, 23, 24]},
    },
    {
        "id": "a-masked-name-goes-from-the-text-and-the-path",
        "parameters": {"mask": ["client"]},
        "fields": {
            "text": "Mara Lind called. Lind is away.",
            "client": "Mara Lind",
            "path": "Lind/1.txt",
        },
        "redacted": {
            "text": "<PERSON-1> called. Lind is away.",
            "client": "<REDACTED>",
            "path": path_of("<PERSON-1> called. Lind is away."),
        },
    },
    {
        "id": "a-masked-number-goes-too",
        "parameters": {"mask": ["case"], "kinds": ["email"]},
        "fields": {"text": "File 77-1234 of 2026", "case": "77-1234"},
        "redacted": {"text": "File <ID-NUMBER-1> of 2026", "case": "<REDACTED>"},
    },
    {
        "id": "a-masked-word-that-is-no-name-is-looked-for-nowhere",
        "parameters": {"mask": ["status", "owner"]},
        "fields": {"text": "The case is open. Ask Lind.", "status": "open", "owner": "Lind"},
        "redacted": {
            "text": "The case is open. Ask <PERSON-1>.",
            "status": "<REDACTED>",
            "owner": "<REDACTED>",
        },
    },
    {
        "id": "a-masked-number-that-is-no-string-goes-too",
        "parameters": {"mask": ["chart", "more"]},
        "fields": {"text": "Ref 10482231 and 5550000.", "chart": 10482231, "more": [5550000, 7]},
        "redacted": {
            "text": "Ref <ID-NUMBER-1> and <ID-NUMBER-2>.",
            "chart": "<REDACTED>",
            "more": "<REDACTED>",
        },
    },
    {
        "id": "a-number-goes-in-other-spellings-and-types",
        "fields": {
            "text": "SSN: 123-45-6789. Chart MRN: 10482231.",
            "ssn": "123456789",
            "chart": [10482231, 1048223, True],
            "ref": "MRN10482231b",
            "page": 10482231,
            "path": "scan10482231.txt",
        },
        "redacted": {
            "text": "SSN: <SSN-1>. Chart MRN: <MRN-1>.",
            "ssn": "<SSN-1>",
            "chart": ["<MRN-1>", 1048223, True],
            "ref": "MRN<MRN-1>b",
            "page": 10482231,
            "path": path_of("SSN: <SSN-1>. Chart MRN: <MRN-1>."),
        },
    },
    {
        "id": "one-value-is-the-beginning-of-another",
        "parameters": {"mask": ["one", "two"]},
        "fields": {"text": "It was 5550001", "one": "5550001", "two": "5550001 22"},
        "redacted": {"text": "It was <ID-NUMBER-1>", "one": "<REDACTED>", "two": "<REDACTED>"},
    },
    {
        "id": "decomposed-accents",
        "fields": {"text": "Seen: Mr. G\u00f3mez", "title": "Go\u0301mez, again"},
        "redacted": {"text": "Seen: Mr. <PERSON-1>", "title": "<PERSON-1>, again"},
    },
    {
        "id": "a-path-that-looks-replaced-goes-too",
        "fields": {"text": "MRN: 104822310000", "path": "doc-104822310000.txt"},
        "redacted": {"text": "MRN: <MRN-1>", "path": path_of("MRN: <MRN-1>")},
    },
    {
        "id": "traces-and-path-where-the-text-has-another-name",
        "fields": {"body": "Mr. Gomez", "document": DIGEST, "start": 0, "path": "gomez.txt"},
        "redacted": {"body": "Mr. <PERSON-1>", "path": path_of("Mr. <PERSON-1>")},
    },
    {
        "id": "umlauts-in-paths",
        "fields": {"text": "Dr. Jörg Müller", "path": "mueller_brief.txt"},
        "redacted": {"text": "Dr. <PERSON-1>", "path": path_of("Dr. <PERSON-1>")},
    },
    {
        "id": "a-find-in-the-path-alone",
        "fields": {"text": "nothing", "path": "a@b.example.txt"},
        "redacted": {"text": "nothing", "path": path_of("nothing")},
    },
]
"""Fields of a row, before and after; the text is the field of that name."""

SPLIT: list[dict[str, Any]] = [
    {
        "id": "groups-that-kept-their-value",
        "rows": [{"g": "a"}, {"g": "b"}, {"g": "a"}, {"g": "c"}, {"g": "d"}, {"g": "e"}],
    },
    {
        "id": "groups-that-lost-it",
        "rows": [{"g": v, "now": "<X>"} for v in "abacabdd"],
    },
    {
        "id": "one-record-lost-it",
        "rows": [{"g": "a"}, {"g": "a", "now": "<X>"}, {"g": "b"}],
    },
    {"id": "no-group", "rows": [{}, {}, {}, {}, {}, {}, {}, {}]},
    {
        "id": "what-was-made-of-one-record",
        "rows": [{"of": 0}, {"of": 0}, {"of": 1}, {"of": 1}, {"of": 2}, {"of": 3}],
    },
]


def number(seed: str, kind: str, value: str) -> int:
    """Return the number of a group."""
    context = "lyrikstore 2026-11 split"
    digest = blake3(dumps([seed, kind, value]), derive_key_context=context).digest(8)
    return int.from_bytes(digest, "big")


def order(drawn: str) -> bytes:
    """Return by what a record is the first of its group."""
    context = "lyrikstore 2026-12 split order"
    return blake3(drawn.encode(), derive_key_context=context).digest(8)


def dealt(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows with what ``split/3`` makes of them: train 0.5, validation and test 0.25."""
    groups: dict[Any, list[int]] = {}
    full = [{**row, "of": row.get("of", at), "drawn": f"{at:064x}"} for at, row in enumerate(rows)]
    for at, row in enumerate(full):
        groups.setdefault(row["g"] if "g" in row else ("record", row["of"]), []).append(at)
    for group, members in groups.items():
        if isinstance(group, str) and not any("now" in full[at] for at in members):
            found = number("0", "value", group)
        else:
            first = min((full[at]["drawn"] for at in members), key=order)
            found = number("0", "record", first)
        for at in members:
            share = found / 2**64
            full[at]["part"] = "train" if share < 0.5 else "validation" if share < 0.75 else "test"
    return full


def make() -> dict[str, Any]:
    """Return file name → content."""
    texts = ["", "one", "<PERSON-1> called.", "Straße\n"]
    return {
        "filters/redact-3.json": {"cases": [{"parameters": {}, **one} for one in REDACT]},
        "filters/split-3.json": {
            "cases": [{"id": one["id"], "rows": dealt(one["rows"])} for one in SPLIT]
        },
        "filters/document.json": {
            "cases": [
                {
                    "text": text,
                    "document": blake3(
                        text.encode(), derive_key_context="lyrikstore 2026-12 document"
                    ).hexdigest(),
                }
                for text in texts
            ]
        },
    }
