"""Makes ``beside/words.json``: which files beside a credential may say something by themselves.

A file is spelt in pieces, of which ``["x", 3]`` is ``xxx``. Expected answers are by hand.
"""

from typing import Any

MIB = 1 << 20


def make() -> dict[str, Any]:
    """Return file name → content."""
    rows: list[tuple[str, list[Any], bool]] = [
        ("object", ["{}"], True),
        ("blanks-first", [" \t\r\n{}"], True),
        ("many-blanks-first", [[" ", 100_000], "{}"], True),
        ("not-json-behind-it", ["{ no json"], True),
        ("log-proof", ["c2sp.org/tlog-proof@v1\nindex 0\n"], True),
        ("log-proof-without-its-line", ["c2sp.org/tlog-proof@v1"], False),
        ("log-proof-after-a-blank", [" c2sp.org/tlog-proof@v1\n"], False),
        ("as-large-as-can-be", ["{", ["x", MIB - 1]], True),
        ("larger", ["{", ["x", MIB]], False),
        ("empty", [], False),
        ("blanks", [[" ", 1000]], False),
        ("array", ["[{}]"], False),
        ("byte-order-mark", ["\ufeff{}"], False),
        ("vertical-tab", ["\x0b{}"], False),
        ("text", ["A licence {}"], False),
    ]
    cases = [{"id": name, "file": file, "words": words} for name, file, words in rows]
    return {"beside/words.json": {"most": 4 * MIB, "cases": cases}}
