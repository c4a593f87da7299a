"""Makes ``quoting/quoted.json``: how the summary of a check spells text that others wrote.

``limit`` is the number of characters shown at most. The expected spellings are written by hand.
"""

from typing import Any


def make() -> dict[str, Any]:
    """Return file name → content."""
    rows = [
        ("plain", "a b-ü-漢-😀", 80, "'a b-ü-漢-😀'"),
        ("empty", "", 80, "''"),
        ("escape-sequence", "\x1b[2Jtrusted", 80, r"'\x1b[2Jtrusted'"),
        ("line-ends", "a\tb\nc\rd", 80, r"'a\tb\nc\rd'"),
        ("other-controls", "\x00\x08\x7f\x9b", 80, r"'\x00\x08\x7f\x9b'"),
        ("backslash-and-quote", r"\x1b'", 80, r"'\x1b''"),
        ("spaces", "\xa0\u2003\u3000", 80, r"'\xa0\u2003\u3000'"),
        ("line-separators", "\u2028\u2029", 80, r"'\u2028\u2029'"),
        ("bidirectional", "a\u202egnp.exe\u2066", 80, r"'a\u202egnp.exe\u2066'"),
        ("no-width", "a\u200bb\ufeff", 80, r"'a\u200bb\ufeff'"),
        ("ignorable", "a\u034f\u115f\u3164\ufe0f", 80, r"'a\u034f\u115f\u3164\ufe0f'"),
        ("private-and-tags", "\ue000\U000e0041\U0010ffff", 80, r"'\ue000\U000e0041\U0010ffff'"),
        ("lone-surrogate", "\udcff", 80, r"'\udcff'"),
        ("cut-by-characters", "😀\x1b" * 3, 5, "'😀\\x1b😀\\x1b😀…'"),
        ("not-cut", "12345", 5, "'12345'"),
    ]
    return {
        "quoting/quoted.json": {
            "cases": [
                {"id": name, "text": text, "limit": limit, "quoted": quoted}
                for name, text, limit, quoted in rows
            ]
        }
    }
