"""Makes ``filters/`` of the filters in spec §12.5.10 and on: what they do, written by hand."""

from typing import Any

from blake3 import blake3

DUPLICATES: list[dict[str, Any]] = [
    {
        "id": "the-best-stays",
        "params": {},
        "rows": [
            {"text": "a lease", "court": None},
            {"text": "A  lease", "court": "BGH"},
            {"text": "a lease", "label": "lease"},
            {"text": "a lease", "label": "lease", "court": "BGH"},
            {"text": "A LEASE", "label": "lease", "court": "OLG"},
        ],
        "said": [
            ["dropped", "duplicate-exact", 3],
            ["dropped", "duplicate-normalised", 3],
            ["dropped", "duplicate-exact", 3],
            None,
            ["dropped", "duplicate-normalised", 3],
        ],
    },
    {
        "id": "labels-in-conflict",
        "params": {},
        "rows": [
            {"text": "x", "label": ["a", "b"]},
            {"text": "x", "label": ["b", "a", "a"]},
            {"text": "X", "label": "c"},
            {"text": "x"},
            {"text": "x", "label": ["c"], "more": 1},
        ],
        "said": [
            ["reported", "label-conflict", 4],
            ["dropped", "duplicate-exact", 0],
            ["dropped", "duplicate-normalised", 4],
            ["dropped", "duplicate-exact", 4],
            ["reported", "label-conflict", 0],
        ],
    },
    {
        "id": "labels-in-conflict-dropped",
        "params": {"conflicts": "drop"},
        "rows": [
            {"text": "x", "label": "a"},
            {"text": "x", "label": "a"},
            {"text": "x", "label": "b"},
            {"text": "x"},
            {"text": "y", "label": "b"},
        ],
        "said": [
            ["dropped", "label-conflict", 2],
            ["dropped", "label-conflict", 2],
            ["dropped", "label-conflict", 0],
            ["dropped", "label-conflict", 2],
            None,
        ],
    },
    {
        "id": "fields-without-values-equal-nothing",
        "params": {"by": ["a", "b"]},
        "rows": [
            {"a": "x", "b": ["y", "z"], "n": 0},
            {"a": "x", "b": ["y", "Z"]},
            {"a": "", "b": None},
            {"a": None},
            {"a": "x y", "b": ["z"]},
        ],
        "said": [None, ["dropped", "duplicate-normalised", 0], None, None, None],
    },
]

MAP: list[dict[str, Any]] = [
    {
        "id": "trim-then-map",
        "params": {"trim": ["label"], "values": {"label": {"Lease": "lease"}}},
        "fields": {"label": " Lease ", "n": 1},
        "after": {"label": "lease", "n": 1},
        "said": [["label", "mapped-trimmed"], ["label", "mapped-value"]],
    },
    {
        "id": "items-that-become-the-same-stand-once",
        "params": {"trim": "*", "values": {"label": {"Lease": "lease", "3": "sale"}}},
        "fields": {"label": ["Lease", "lease\u00a0", 3, "other"], "m": [1, " x"]},
        "after": {"label": ["lease", "sale", "other"], "m": [1, "x"]},
        "said": [
            ["label", "mapped-trimmed"],
            ["m", "mapped-trimmed"],
            ["label", "mapped-value"],
        ],
    },
    {
        "id": "unmapped-dropped",
        "params": {"values": {"a": {"x": "y"}, "b": {"1": True}}, "unmapped": "drop"},
        "fields": {"a": ["x", "z"], "b": 2, "c": "z"},
        "after": {"a": ["y"], "c": "z"},
        "said": [["a", "mapped-dropped"], ["b", "mapped-dropped"]],
    },
    {
        "id": "combine-before-drop-and-rename",
        "params": {
            "combine": {"text": "{q}: {a}{{{n}}}", "none": "{missing}"},
            "drop": ["q", "a"],
            "rename": {"x": "y", "y": "x"},
            "set": {"s": 7, "t": False},
        },
        "fields": {"q": "Why", "n": 1.50, "text": "old", "x": 1, "y": 2, "s": 7},
        "after": {"text": "Why: {1.5}", "n": 1.5, "x": 2, "y": 1, "s": 7, "t": False},
        "said": [
            ["q", "mapped-dropped"],
            ["x", "mapped-renamed"],
            ["y", "mapped-renamed"],
            ["text", "mapped-combined"],
            ["t", "mapped-set"],
        ],
    },
    {
        "id": "one-takes-the-name-of-another",
        "params": {"drop": ["label"], "rename": {"label_2": "label"}},
        "fields": {"label": "a", "label_2": "b"},
        "after": {"label": "b"},
        "said": [["label", "mapped-dropped"], ["label_2", "mapped-renamed"]],
    },
    {
        "id": "nothing-to-change",
        "params": {"trim": ["a", "b"], "values": {"c": {"x": "y"}}, "drop": ["d"]},
        "fields": {"a": "x", "b": 1, "c": None},
        "after": {"a": "x", "b": 1, "c": None},
        "said": [],
    },
]

WHERE: list[dict[str, Any]] = [
    {
        "sql": "pages > 3",
        "rows": [{"pages": 4}, {"pages": 3}, {"pages": 3.5}, {"pages": None}, {}],
        "said": [True, False, True, None, None],
    },
    {
        "sql": "lower(court) IN ('bgh', 'olg') AND NOT contains(text, 'draft')",
        "rows": [
            {"court": "BGH", "text": "final"},
            {"court": "OLG", "text": "a draft"},
            {"court": "LG", "text": "final"},
            {"court": "LG"},
            {"text": "final"},
        ],
        "said": [True, False, False, False, None],
    },
    {
        "sql": "'lease' IN labels OR len(labels) > 2",
        "rows": [
            {"labels": ["lease"]},
            {"labels": ["a", "b", "c"]},
            {"labels": []},
            {"labels": ["Lease"]},
        ],
        "said": [True, True, False, False],
    },
    {
        "sql": "TRY_CAST(n AS BIGINT) >= 10 AND TRY_CAST(d AS DATE) < DATE '2020-01-01'",
        "rows": [
            {"n": "10", "d": "2019-12-31"},
            {"n": "9", "d": "2019-12-31"},
            {"n": "ten", "d": "2019-12-31"},
            {"n": 10, "d": "2020-01-01"},
        ],
        "said": [True, False, None, False],
    },
    {
        "sql": "meta->>'$.court' = 'BGH' AND CASE WHEN ok THEN \"Case no\" <> '' ELSE true END",
        "rows": [
            {"meta": {"court": "BGH"}, "ok": False},
            {"meta": {"court": "BGH"}, "ok": True, "Case no": ""},
            {"meta": {"court": "OLG"}, "ok": False},
        ],
        "said": [True, False, False],
    },
    {
        "sql": "a < 'b' AND a LIKE '%\u00e4%'",
        "rows": [{"a": "B\u00e4"}, {"a": "a\u00c4"}, {"a": "b\u00e4"}],
        "said": [True, False, False],
    },
]

REFUSED_PREDICATES = [
    "1 = 1",
    "a = now()",
    "random() < a",
    "a > (SELECT 1)",
    "EXISTS (FROM t)",
    "count(*) > a",
    "sum(a) OVER () > 1",
    "a > 1; SELECT 2",
    "a > 1) FROM t WHERE (b",
    "a, b",
    "a = $1",
    "a = ?",
    "a = 'x' COLLATE NOCASE",
    "a.b = 1",
    "a = A",
    "read_text('/etc/passwd') = a",
    "a = getenv('HOME')",
    "a = current_setting('TimeZone')",
    "CAST(a AS TIMESTAMPTZ) > b",
    "len(list_transform(a, x -> x)) > 1",
    "COLUMNS('a') > 1",
    "a = nextval('s')",
    "a >",
    "a = 'x",
    "/* a",
    "",
]

BASE = 0x9E3779B97F4A7C15


def mixed(total: int) -> int:
    """Return m(total) of spec §12.5.18."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        total = (total ^ total >> shift) * factor % 2**64
    return total ^ total >> 31


def bands(members: list[int], seed: str, rows: int) -> list[str]:
    """Return the numbers of the bands of a set (spec §12.5.19), in hexadecimal."""
    hasher = blake3(seed.encode(), derive_key_context="lyrikstore 2026-11 minhash")
    data = hasher.digest(2048)
    numbers = [int.from_bytes(data[at : at + 8], "little") for at in range(0, 2048, 8)]
    minima = [
        min(((a | 1) * member + c) % 2**64 for member in members)
        for a, c in zip(numbers[:128], numbers[128:], strict=True)
    ]
    found = []
    for start in range(0, 128, rows):
        total = 0
        for one in minima[start : start + rows]:
            total = (total * BASE + one) % 2**64
        found.append(f"{mixed(total):016x}")
    return found


SETS: list[tuple[list[int], str, str, int]] = [
    ([1], "0", "0.8", 4),
    ([2**64 - 1, 5, 77], "another", "0.91", 8),
    (list(range(0, 3000, 7)), "0", "0.5", 2),
]

_LEASE = "the lessee pays the rent on the first working day of every month to the lessor"
NEAR: list[dict[str, Any]] = [
    {
        "id": "a-chain-is-one-cluster",
        "params": {"threshold": "0.5", "words": 1},
        "rows": [
            {"text": "a b c d e f"},
            {"text": "a b c d e g", "label": "x"},
            {"text": "a b c h e g"},
            {"text": "u v w x y z"},
            {"text": "?!"},
            {"text": "?!"},
        ],
        "said": [
            ["dropped", "near-duplicate", 1, ", Jaccard 0.7142"],
            None,
            ["dropped", "near-duplicate", 1, ", Jaccard 0.7142"],
            None,
            None,
            None,
        ],
    },
    {
        "id": "labels-in-conflict",
        "params": {"words": 2},
        "rows": [
            {"text": _LEASE, "label": "rent"},
            {"text": _LEASE + " in cash", "label": "cash"},
            {"text": _LEASE.upper()},
        ],
        "said": [
            ["reported", "label-conflict", 1, ", Jaccard 0.8823"],
            ["reported", "label-conflict", 0, ", Jaccard 0.8823"],
            ["dropped", "near-duplicate", 0, ", Jaccard 1.0000"],
        ],
    },
    {
        "id": "fewer-words-than-a-shingle",
        "params": {},
        "rows": [{"text": "rent due"}, {"text": "Rent, due!"}, {"text": "rent"}],
        "said": [None, ["dropped", "near-duplicate", 0, ", Jaccard 1.0000"], None],
    },
]

SHINGLES = [
    ("One two, three: FOUR five!", 2),
    ("one two three four five", 3),
    ("\u00c4rger_1 \u00bd x\u0301y \u4e2d\u6587", 1),
    ("too few", 3),
    ("a b a b a b", 2),
]


def shingles(words: list[str], size: int) -> list[str]:
    """Return the numbers of shingles (spec §12.5.18), in hexadecimal, with integers alone."""

    def number(word: str) -> int:
        hasher = blake3(word.encode(), derive_key_context="lyrikstore 2026-11 words")
        return int.from_bytes(hasher.digest(8), "little")

    found = []
    for start in range(len(words) - size + 1):
        total = 0
        for word in words[start : start + size]:
            total = (total * BASE + number(word)) % 2**64
        found.append(f"{mixed(total):016x}")
    return found


WORDS = [
    ["one", "two", "three", "four", "five"],
    ["one", "two", "three", "four", "five"],
    ["\u00e4rger_1", "1", "2", "x", "y", "\u4e2d\u6587"],
    ["too", "few"],
    ["a", "b", "a", "b", "a", "b"],
]
"""Of each of the texts: a fraction in one sign is two numbers in normal form, and a mark that no
letter takes up parts a word."""


_PROSE = (
    "The tenant shall pay the rent on the first day of each month, and with it the charges that "
    "the landlord has laid out for the water. If the rent is not paid by the tenth day, the "
    "landlord may end the lease in writing. The keys have to be given back on the last day of the "
    "lease, to the landlord or to whom the landlord names."
)

QUALITY: list[dict[str, Any]] = [
    {"id": "prose", "params": {}, "text": _PROSE, "said": []},
    {"id": "nothing", "params": {}, "text": " \n", "said": [["few-words", "0"]]},
    {"id": "few-words", "params": {}, "text": "Motion denied.", "said": [["few-words", "2"]]},
    {"id": "as-told", "params": {"least_words": 2}, "text": "Motion denied.", "said": []},
    {
        "id": "many-words",
        "params": {"most_words": 9},
        "text": "ab " * 10,
        "said": [["many-words", "10"], ["repeated-5-grams", "0.900"]],
    },
    {"id": "base64", "params": {}, "text": "aGVsbG8" * 32, "said": [["long-words", "32.000"]]},
    {"id": "no-letters", "params": {}, "text": "1 2 3 4 a", "said": [["few-letters", "0.200"]]},
    {"id": "one-in-five", "params": {}, "text": "one two three four 5", "said": []},
    {
        "id": "symbols",
        "params": {},
        "text": "a # b ... c … d e f",
        "said": [["few-letters", "0.666"], ["symbols", "0.333"]],
    },
    {
        "id": "no-prose",
        "params": {},
        "text": "x1 " * 50 + "z",
        "said": [["short-words", "1.980"], ["stop-words", "0"], ["repeated-5-grams", "0.970"]],
    },
    {
        "id": "list",
        "params": {},
        "text": "* one\n- two\n• three\n\n – four\n—five",
        "said": [["few-letters", "0.555"], ["bullets", "1.000"], ["short-lines", "1.000"]],
    },
    {
        "id": "few-lines",
        "params": {},
        "text": "* one two\n* three four\n* five six",
        "said": [["few-letters", "0.666"]],
    },
    {
        "id": "ellipses",
        "params": {"most_short_lines": "1"},
        "text": "one two…\nthree four...\nfive six\nseven eight\nnine ten",
        "said": [["symbols", "0.200"], ["ellipses", "0.400"]],
    },
    {
        "id": "repeated-lines",
        "params": {},
        "text": "the same line of all\nthe same line of all\n the same line of all \nanother",
        "said": [["repeated-lines", "0.500"], ["repeated-5-grams", "0.581"]],
    },
    {
        "id": "long-line",
        "params": {"longest_line": 10},
        "text": "one two three four five",
        "said": [["long-line", "23"]],
    },
    {
        "id": "unreadable",
        "params": {},
        "text": "one two three four fi\ue001ve \ufffd",
        "said": [["unreadable", "0.076"]],
    },
    {"id": "chinese", "params": {}, "text": "本合同受中华人民共和国法律管辖。", "said": []},
    {
        "id": "dropped",
        "params": {"drop": ["symbols", "few-words"]},
        "text": "# #",
        "said": [["few-words", "2"]],
        "dropped": True,
    },
]


def make() -> dict[str, Any]:
    """Return file name → content."""
    return {
        "filters/duplicates.json": {"cases": DUPLICATES},
        "filters/shingles.json": {
            "cases": [
                {"text": text, "words": words, "size": size, "numbers": shingles(words, size)}
                for (text, size), words in zip(SHINGLES, WORDS, strict=True)
            ]
        },
        "filters/minhash.json": {
            "cases": [
                {
                    "set": [f"{one:016x}" for one in sorted(members)],
                    "seed": seed,
                    "threshold": threshold,
                    "bands": bands(members, seed, rows),
                }
                for members, seed, threshold, rows in SETS
            ]
        },
        "filters/near-duplicates.json": {"cases": NEAR},
        "filters/map.json": {"cases": MAP},
        "filters/quality.json": {"cases": QUALITY},
        "filters/where.json": {"cases": WHERE, "refused": REFUSED_PREDICATES},
    }
