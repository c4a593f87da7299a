"""Makes ``verdicts/rows.json``: deliveries of datasets some of whose files hold no records.

Each case is the delivery in ``base`` with some parts replaced (``null``: removed). The expected
answers are written by hand.
"""

from typing import Any

import make_credentials as made
from lyrikstore.history.records.order_root import record_id
from verdicts_of_terms import measured

LINES = (b'{"label":"a","text":"one"}', b'{"label":"b","text":"two"}', b'{"text":"three"}')
ROWS = made.Contents(
    {
        "LICENSE": b"Train what you like.\n",
        "README.md": b"# Rows\n\nNo line of this is a record.\n",
        "part-00000.txt": b"\n".join(LINES[:2]) + b"\n",
        "part-00001.jsonl": LINES[2],
    },
    "jsonl/1",
    tuple(record_id("jsonl/1", line) for line in LINES),
    ("LICENSE", "README.md"),
)
DOCUMENTS = made.Contents(
    {**made.FILES, "README.md": b"No document.\n"},
    "document/1",
    made.DOCUMENTS.records,
    ("README.md",),
)
MISNAMED = made.Contents(
    {**ROWS.files, "README.md": b"{}\n"}, ROWS.reader, ROWS.records, ("LICENSE", "part-00000.txt")
)
TRUST = f'version = 1\n\n[[issuer]]\ndid = "{made.OWNER.did}"\nnickname = "Acme"\n'


def delivery_of(contents: made.Contents) -> dict[str, Any]:
    """Return what a delivery is made of, as cases have it."""
    world = made.world(contents=contents)
    return {
        "credential": world.credential.decode(),
        "siblings": {
            name: {"hex": data.hex()} if name.endswith(".salts") else data.decode()
            for name, data in world.siblings.items()
        },
        "data": {path: data.decode() for path, data in contents.files.items()},
    }


def cases() -> list[tuple[str, str, dict[str, str], dict[str, Any]]]:
    """Return id, verdict, check → reason (or state, where there is no reason), parts replaced."""
    sound = made.world(contents=ROWS).credential
    documents = delivery_of(DOCUMENTS)
    # Files without records count in no recipe: else a column would be missing in some.
    of_rows = measured(
        sound,
        ("recordCount/1", "3", {}),
        ("wordCount/1", "3", {}),
        ("missingMetadataRate/1", "0.000000", {"column": "category"}),
        ("missingFieldRate/1", "0.333333", {"field": "label"}),
    )
    of_documents = measured(
        documents["credential"].encode(),
        ("recordCount/1", "5", {}),
        ("missingMetadataRate/1", "0.000000", {"column": "category"}),
        ("emptyRate/1", "0.200000", {}),
    )
    others = {"part-00000.txt": None, "part-00001.jsonl": None, "LICENSE": None}
    replaced = {"data": {**others, **documents["data"]}, "siblings": documents["siblings"]}
    return [
        ("sound", "trusted", {"records.root": "pass", "data.files": "pass"}, {}),
        ("measured", "trusted", {"quality": "pass"}, {"credential": of_rows}),
        (
            "companion-changed",
            "invalid",
            {"data.files": "differs", "records.root": "not-recomputed"},
            {"data": {"README.md": "# Rows, and no more\n"}},
        ),
        ("companion-missing", "incomplete", {"data.files": "missing"}, {"data": {"LICENSE": None}}),
        (
            "rows-said-to-be-none",
            "invalid",
            {"records.root": "bad-salts", "data.files": "pass"},
            delivery_of(MISNAMED),
        ),
        ("documents", "trusted", {"records.root": "pass"}, {**documents, **replaced}),
        (
            "documents-measured",
            "trusted",
            {"records.root": "pass", "quality": "pass"},
            {**documents, **replaced, "credential": of_documents},
        ),
    ]


def make() -> dict[str, Any]:
    """Return file name → content."""
    base = {"at": "2026-11-24T14:12:39Z", "trust": TRUST, **delivery_of(ROWS)}
    return {
        "verdicts/rows.json": {
            "base": base,
            "cases": [
                {"id": name, "verdict": verdict, "checks": checks, "changes": changes}
                for name, verdict, checks, changes in cases()
            ],
        }
    }
