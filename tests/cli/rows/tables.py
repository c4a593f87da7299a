"""Rows, and committing and showing them on the command line."""

import json
from typing import Any

ROWS = [
    {"id": 1, "text": "One  text", "labels": ["a", "b"], "big": 12345678901234567890, "x": 1.50},
    {"id": 2, "text": "Mail me at jo@example.org", "labels": ["a"], "big": 2, "x": 2},
    {"id": 3, "text": "one text", "labels": [], "big": 3, "x": "three"},
    {"id": 4, "text": "Four", "labels": ["b"], "big": 4, "x": None},
]


def lines(rows: list[Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def commit(publisher, *more: object, code: int = 0) -> Any:
    arguments = ("commit", "rows", "-d", "acme/rows", *more, "--json")
    if code:
        return publisher.fails(code, *arguments).error
    return publisher.ok(*arguments).json


def show(publisher, ref: str) -> Any:
    return publisher.ok("show", ref, "--json").json
