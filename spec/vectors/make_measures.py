"""Makes ``records/measures.json``, what recipes give, and ``records/claims.json``, claims of it.

The expected answers are written by hand.
"""

from typing import Any

FIELDS = b"""\
{"lang": "en", "text": "a", "n": 1}
{"text": "", "lang": null}
{"lang": "", "n": 1.5e3, "deep": {"lang": "en"}}
{"lang": "EN"}
{"lang": ["en"]}
"""
TABLE = b'text,label\r\n"a ""b""\r\nc",1\r\n\r\n,\r\n" ","\t"\r\n'
# U+0009 to U+000D and U+0020 separate words; U+0085, U+00A0, U+2003 and U+001C do not.
BLANKS = "a\tb\nc\x0bd\x0ce\rf g\x85h\xa0i\u2003j\x1ck\ufeff".encode()
COPIES = b"1\n2\n1\n3\n1\n"

METADATA: list[tuple[str, bytes, dict[str, str]]] = [
    ("a.txt", b"a", {"origin": "web", "__proto__": "x"}),
    ("b.txt", b"a", {"origin": "Web"}),
    ("c.txt", b"", {"licence": "web"}),
    ("d.txt", b"a", {}),
]

Files = list[tuple[str, bytes, dict[str, str]]]


def _one(data: bytes) -> Files:
    return [("one", data, {})]


def _two(first: bytes, second: bytes) -> Files:
    return [("one", first, {}), ("two", second, {})]


CASES: list[tuple[str, str, Files, str, dict[str, str], str | None]] = [
    # id, reader, files, recipe, parameters, value; None: there is none
    ("count", "jsonl/1", _two(COPIES, b"1"), "recordCount/1", {}, "6"),
    ("count-of-documents", "document/1", METADATA, "recordCount/1", {}, "4"),
    ("count-of-nothing", "jsonl/1", _one(b""), "recordCount/1", {}, "0"),
    ("count-with-a-parameter", "jsonl/1", _one(b"1"), "recordCount/1", {"field": "x"}, None),
    ("count-of-another-version", "jsonl/1", _one(b"1"), "recordCount/2", {}, None),
    ("unknown", "jsonl/1", _one(b"1"), "toString", {}, None),
    ("copies", "jsonl/1", _one(COPIES), "exactDuplicateRate/1", {}, "0.400000"),
    ("copies-in-two-files", "jsonl/1", _two(COPIES, b"1\n4\n"), "exactDuplicateRate/1", {},
     "0.428571"),
    ("copies-of-documents", "document/1", METADATA, "exactDuplicateRate/1", {}, "0.500000"),
    ("copies-of-nothing", "jsonl/1", _one(b""), "exactDuplicateRate/1", {}, "0.000000"),
    ("copies-by-bytes", "jsonl/1", _one(b'{"a":1}\n{"a": 1}\n'), "exactDuplicateRate/1", {},
     "0.000000"),
    ("copies-by-cells", "csv/1", _one(b'a,b\n"a","b"\n'), "exactDuplicateRate/1", {}, "0.500000"),
    ("empty-lines", "jsonl/1", _one(b" \n\t\x0b\x0c\na\n\xc2\xa0\n"), "emptyRate/1", {},
     "0.500000"),
    ("empty-rows", "csv/1", _one(TABLE), "emptyRate/1", {}, "0.500000"),
    ("empty-documents", "document/1", METADATA, "emptyRate/1", {}, "0.250000"),
    ("words", "document/1", _one(BLANKS), "wordCount/1", {}, "7"),
    ("words-in-two-documents", "document/1", _two(b"a", b"b c"), "wordCount/1", {}, "3"),
    ("words-in-lines", "jsonl/1", _one(b"a b\r\nc\n  \nd"), "wordCount/1", {}, "4"),
    ("words-in-cells", "csv/1", _one(TABLE), "wordCount/1", {}, "6"),
    ("words-not-utf8", "document/1", _one(b"\xff \xff\x85\xff"), "wordCount/1", {}, "2"),
    ("characters", "document/1", _one("aé😀\ufeff\r\n".encode()), "characterCount/1", {}, "6"),
    ("characters-of-a-mark", "document/1", _one(b"\xef\xbb\xbfa"), "characterCount/1", {}, "2"),
    ("characters-in-lines", "jsonl/1", _one("é\r\n😀b\n".encode()), "characterCount/1", {}, "3"),
    ("characters-in-cells", "csv/1", _one("é,,b\n".encode()), "characterCount/1", {}, "4"),
    ("characters-not-utf8", "document/1", _two(b"a", b"\xff"), "characterCount/1", {}, None),
    ("characters-of-surrogates", "document/1", _one(b"\xed\xa0\x80"), "characterCount/1", {}, None),
    ("characters-cut-off", "document/1", _two(b"a\xc3", b"\xa9"), "characterCount/1", {}, None),
    ("characters-cut-by-a-line", "jsonl/1", _one(b"a\xc3\n\xa9\n"), "characterCount/1", {}, None),
    ("no-column", "document/1", METADATA, "missingMetadataRate/1", {"column": "origin"},
     "0.500000"),
    ("no-column-of-that-name", "document/1", METADATA, "missingMetadataRate/1",
     {"column": "toString"}, "1.000000"),
    ("column-of-a-prototype", "document/1", METADATA, "missingMetadataRate/1",
     {"column": "__proto__"}, "0.750000"),
    ("column", "document/1", METADATA, "metadataShare/1", {"column": "origin", "value": "web"},
     "0.250000"),
    ("column-without-value", "document/1", METADATA, "metadataShare/1", {"column": "origin"}, None),
    ("no-field", "jsonl/1", _one(FIELDS), "missingFieldRate/1", {"field": "lang"}, "0.400000"),
    ("no-field-anywhere", "jsonl/1", _one(FIELDS), "missingFieldRate/1", {"field": "__proto__"},
     "1.000000"),
    ("no-field-but-a-zero", "jsonl/1", _one(b'{"a": 0}\n{"a": false}\n'), "missingFieldRate/1",
     {"field": "a"}, "0.000000"),
    ("field", "jsonl/1", _two(FIELDS, b'{"lang": "\\u0065n"}'), "fieldShare/1",
     {"field": "lang", "value": "en"}, "0.333333"),
    ("field-of-no-object", "jsonl/1", _one(b'{"a": "x"}\n["a"]\n'), "fieldShare/1",
     {"field": "a", "value": "x"}, None),
    ("field-of-no-json", "jsonl/1", _one(b"{'a': 1}\n"), "missingFieldRate/1", {"field": "a"},
     None),
    ("field-twice", "jsonl/1", _one(b'{"a": 1, "a": 2}\n'), "missingFieldRate/1", {"field": "a"},
     None),
    ("field-of-rows", "csv/1", _one(b"a\n1\n"), "missingFieldRate/1", {"field": "a"}, None),
    ("words-in-members", "csv/2", _one(b"b,a\nx y,z\n,w\n"), "wordCount/1", {}, "4"),
    ("characters-in-members", "csv/2", _one("b,a\né,zz\n,w\n".encode()), "characterCount/1", {},
     "5"),
    ("copies-of-rows", "csv/2", _one(b"a,b\n1,\n\"1\",\n"), "exactDuplicateRate/1", {}, "0.500000"),
    ("field-of-a-table", "csv/2", _two(b"a,b\n1,2\n,3\n", b"b;a\n2;1\n"), "missingFieldRate/1",
     {"field": "a"}, "0.333333"),
    ("field-value-of-a-table", "csv/2", _one(b"a,b\n1,2\n,3\n"), "fieldShare/1",
     {"field": "a", "value": "1"}, "0.500000"),
    ("field-of-documents", "document/1", _one(b'{"a": 1}'), "missingFieldRate/1", {"field": "a"},
     None),
]  # fmt: skip

CLAIMS: list[tuple[int, int | None, str, str]] = [
    # hits, of how many (null: a count), what is claimed, the answer
    (5, None, "5", "equal"),
    (5, None, "05", "different"),
    (5, None, "5.000000", "different"),
    (1, 5, "0.200000", "equal"),
    (1, 5, "0.2", "different"),
    (1, 3, "0.333333", "within-rounding"),
    (1, 3, "0.333334", "within-rounding"),
    (1, 3, "0.333335", "different"),
    (2, 3, "0.666667", "within-rounding"),
    (2, 3, "0.666665", "different"),
    (1, 2_000_000, "0.000000", "within-rounding"),  # half a unit goes to the even neighbour
    (3, 2_000_000, "0.000002", "within-rounding"),
    (3, 2_000_000, "0.000001", "within-rounding"),
    (1, 1_000_000, "0.000002", "different"),  # a whole unit away
    (1, 3_000_000, "0", "different"),
    (0, 0, "0.000000", "equal"),
    (7, 7, "1.000000", "equal"),
    (7, 7, "01.000000", "within-rounding"),
    (1, 5, "+0.200000", "different"),
    (1, 5, " 0.200000", "different"),
    (1, 5, "0.20000\u0660", "different"),
    (1, 5, ".200000", "different"),
]


def make() -> dict[str, Any]:
    """Return file name → content."""
    measures = [
        {
            "id": name,
            "reader": reader,
            "files": [
                {"path": path, "content": data.hex(), **({"meta": meta} if meta else {})}
                for path, data, meta in files
            ],
            "recipe": {"use": use, **({"parameters": parameters} if parameters else {})},
            **({} if value is None else {"value": value}),
        }
        for name, reader, files, use, parameters, value in CASES
    ]
    claims = [
        {"hits": hits, "total": total, "claimed": claimed, "result": result}
        for hits, total, claimed, result in CLAIMS
    ]
    return {"records/measures.json": {"cases": measures}, "records/claims.json": {"cases": claims}}
