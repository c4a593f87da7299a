"""Makes ``terms/freed.json`` and ``records/contents.json``.

``terms/freed.json``: of which of its sources a dataset holds no record. ``sources`` are datasets,
path → content; of documents ``meta`` is what the sheet says of a file. The dataset ``made`` was
made from all of them; ``none`` are the numbers of those of which it holds none.

``records/contents.json``: the content id of a record, or null where it says too little. ``normal``
is what is hashed, written by hand.
"""

from typing import Any

from blake3 import blake3

ONE, TWO, THREE = '{"n":1}\n', '{"n":2}\n', '{"n":3}\n'
ROWS: list[tuple[str, list[str], str, list[int], str]] = [
    ("all-of-both", [ONE + TWO, THREE], ONE + TWO + THREE, [], ""),
    ("one-is-gone", [ONE + TWO, THREE], THREE, [0], ""),
    ("often", [ONE, THREE], THREE + THREE, [0], "how often a record stands does not matter"),
    ("other-line-ends", [ONE, THREE], '{"n":3}\r\n', [0], "the end is no part of the record"),
    ("one-is-left", [ONE + TWO, THREE], TWO + THREE, [], ""),
    ("in-both", [ONE + TWO, TWO + THREE], TWO, [], "a record of both may come from either"),
    ("in-one-of-both", [ONE + TWO, TWO + THREE], THREE, [0], ""),
    ("one-byte-changed", [ONE, THREE], '{"n": 1}\n' + THREE, [], "it is in no source"),
    ("all-changed", [ONE, THREE], '{"m":3}\n', [], "nothing shows where it comes from"),
    ("of-three", [ONE, TWO, THREE], TWO, [0, 2], ""),
    ("empty", [ONE, THREE], "", [], "no record shows nothing"),
    ("of-one", [ONE + TWO], TWO, [], "a filter of one dataset stays under its terms"),
    ("no-record", [ONE, THREE], THREE + "\n", [], "an empty line is no record"),
]
DOCUMENTS: list[tuple[str, list[dict[str, str]], dict[str, str], list[int], str]] = [
    ("files-kept", [{"a": "one"}, {"b": "two"}], {"z": "two"}, [0], "paths do not matter"),
    ("file-of-both", [{"a": "one"}, {"b": "one"}], {"z": "one"}, [], ""),
    ("file-changed", [{"a": "one"}, {"b": "two"}], {"z": "TWO"}, [], ""),
]
SHEETS: list[tuple[str, dict[str, str], list[int], str]] = [
    ("less-metadata", {"label": "mine"}, [0], "a filter left a column out"),
    ("other-metadata", {"label": "theirs"}, [], "what the sheet says belongs to the record"),
    ("more-metadata", {"label": "mine", "owner": "me", "note": "new"}, [], ""),
]
LONG = "the tenant pays the rent"
CONTENTS: list[tuple[str, list[str], list[str], str | None]] = [
    ("text", [LONG], [], LONG),
    ("case-and-space", ["  The TENANT pays\u00a0the\n rent "], ["lease"], LONG),
    ("wide", ["\uff34\uff28\uff25 tenant pays the rent"], [], LONG),
    ("fields-joined", ["The tenant", "pays the rent"], [], LONG),
    ("20-characters", ["a" * 20], ["lease"], "a" * 20),
    ("short-with-label", ["Pay the rent"], ["Payment duty"], "pay the rent\0payment duty"),
    ("labels-in-any-order", ["book"], ["travel and so on", "A"], "book\0a\0travel and so on"),
    ("label-twice", ["book"], ["Travel and so on", "travel and so on"], "book\0travel and so on"),
    ("short", ["pay the rent"], [], None),
    ("short-label", ["yes"], ["positive"], None),
    ("no-text", [], ["a label of more than twenty"], None),
    ("white-space", [" \n "], ["a label of more than twenty"], None),
]


def make() -> dict[str, Any]:
    """Return file name → content."""
    cases = [
        _case(name, "jsonl/1", [{"a.jsonl": one} for one in sources], {"b.jsonl": made}, none, why)
        for name, sources, made, none, why in ROWS
    ]
    cases += [
        _case(name, "document/1", sources, made, none, why)
        for name, sources, made, none, why in DOCUMENTS
    ]
    cases += [
        _case(name, "document/1", [{"a": "one"}, {"b": "two"}], {"z": "two"}, none, why)
        | {"meta": {"two": {"label": "mine", "owner": "me"}}, "madeMeta": {"two": meta}}
        for name, meta, none, why in SHEETS
    ]
    return {
        "terms/freed.json": {"cases": cases},
        "records/contents.json": {
            "cases": [
                {"id": name, "texts": texts, "labels": labels, "normal": normal}
                | {"content": None if normal is None else _id(normal)}
                for name, texts, labels, normal in CONTENTS
            ]
        },
    }


def _case(
    name: str,
    reader: str,
    sources: list[dict[str, str]],
    made: dict[str, str],
    none: list[int],
    why: str,
) -> dict[str, Any]:
    found = {"id": name, "reader": reader, "sources": sources, "made": made, "none": none}
    return found | ({"why": why} if why else {})


def _id(normal: str) -> str:
    hasher = blake3(derive_key_context="lyrikstore 2026-12 record content")
    hasher.update(normal.encode())
    return hasher.digest(16).hex()
