"""Makes ``filters/chunk.json``: texts and the chunks of them (spec §12.5.11), written by hand."""

from typing import Any

LAW = (
    "1. Rent. The rent is due monthly (see No. 5). It is paid in advance!\n"
    "\n"
    "2. Term\n"
    " \t\n"
    "“Term” means five years. The landlord may end it in writing; nothing else ends it.\n"
)
PAGES = "first page\nsecond page\n\nthird"
DOTS = ["1. Rent", "........", "5", "2. Term"]
FIVE = "Aa b. Cc d. Ee f. Gg h. Ii j."

CASES: list[tuple[str, str, tuple[str, int, int], list[int], list[str]]] = [
    ("empty", "", ("tokens", 5, 0), [], []),
    ("white-space", " \n\t\n\u00a0\u3000 \n", ("paragraphs", 5, 0), [], []),
    ("one", "\n one  two \n", ("paragraphs", 50, 25), [], ["one  two"]),
    (
        "paragraphs",
        LAW,
        ("paragraphs", 80, 0),
        [],
        [
            "1. Rent. The rent is due monthly (see No. 5). It is paid in advance!\n\n2. Term",
            "“Term” means five years.",
            "The landlord may end it in writing; nothing else ends it.",
        ],
    ),
    (
        "sentences",
        LAW,
        ("paragraphs", 45, 20),
        [],
        [
            "1. Rent. The rent is due monthly (see No. 5).",
            "5). It is paid in advance!\n\n2. Term",
            "2. Term\n \t\n“Term” means five years.",
            "The landlord may end it in writing; nothing",
            "else ends it.",
        ],
    ),
    (
        "overlap",
        FIVE,
        ("paragraphs", 12, 6),
        [],
        ["Aa b. Cc d.", "Cc d. Ee f.", "Ee f. Gg h.", "Gg h. Ii j."],
    ),
    ("one-token-each", "a-b  (c).\nd", ("tokens", 1, 0), [], ["a-b", "(c).", "d"]),
    ("tokens", "a b c d e f g", ("tokens", 4, 2), [], ["a b c d", "c d e f", "e f g"]),
    ("tokens-end", "a b c d e f", ("tokens", 4, 2), [], ["a b c d", "c d e f"]),
    ("long-token", "x" * 40 + " y", ("tokens", 1, 0), [], ["x" * 32, "x" * 8, "y"]),
    ("scripts", "第5条 lease", ("tokens", 1, 0), [], ["第", "5", "条", "lease"]),
    (
        "full-width",
        "甲は乙。丙は丁\uff01終",
        ("paragraphs", 5, 0),
        [],
        ["甲は乙。", "丙は丁\uff01終"],
    ),
    ("hard", "abcdefg hi", ("paragraphs", 3, 1), [], ["abc", "def", "g", "hi"]),
    ("astral", "\U0001f600 \U0001f600 b", ("paragraphs", 3, 0), [], ["\U0001f600 \U0001f600", "b"]),
    ("dots", "1. Rent ........ 5\n\n2. Term", ("paragraphs", 9, 0), [], DOTS),
    ("pages", PAGES, ("tokens", 2, 0), [0, 11, 23, 24], ["first page", "second page", "third"]),
]


def chunks(text: str, found: list[str], overlap: int, pages: list[int]) -> list[dict[str, Any]]:
    """Return the chunks with their places, each the first that is possible."""
    begin, made = 0, []
    for one in found:
        place = text.index(one, begin)
        begin = place + 1 if overlap else place + len(one)
        page = sum(start <= place for start in pages) or None
        made.append({"text": one, "page": page, "start": place, "end": place + len(one)})
    return made


def make() -> dict[str, Any]:
    """Return file name → content."""
    cases = [
        {
            "id": name,
            "text": text,
            "unit": unit,
            "size": size,
            "overlap": overlap,
            "pages": pages,
            "chunks": chunks(text, found, overlap, pages),
        }
        for name, text, (unit, size, overlap), pages, found in CASES
    ]
    return {"filters/chunk.json": {"cases": cases}}
