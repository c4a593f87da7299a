"""Makes ``records/``: record ids, and order roots over salted records.

Salts are fixed here; real ones are random. Everything is computed from the definitions, not with
the code under test.
"""

from hashlib import sha256
from typing import Any

from blake3 import blake3

CONTEXT = "lyrikstore 2026-11 record id "


def _document(file: bytes) -> bytes:
    return blake3(file).digest()


RECORDS: list[tuple[str, str, bytes]] = [
    ("document", "document/1", _document(b"The MIT License\n")),
    ("document-empty", "document/1", _document(b"")),
    ("document-not-utf8", "document/1", _document(b"\xff\xfe\x00")),
    ("jsonl", "jsonl/1", b'{"text": "a", "label": 1}'),
    ("same-bytes-other-reader", "csv/1", b'{"text": "a", "label": 1}'),
    ("csv", "csv/1", b'["a","","b\\"c"]'),
    ("table", "csv/2", b'{"a":"","b":"c"}'),
    ("parquet", "parquet/1", b'{"a":1,"b":["2.5"]}'),
]
SALT = bytes(range(16))

CELL = 131_072
FILES: list[tuple[str, str, bytes, list[str] | None]] = [
    # id, reader, file, records as text; None: the reader refuses the file
    ("jsonl", "jsonl/1", b'{"a": 1}\n{"b": 2}\n', ['{"a": 1}', '{"b": 2}']),
    ("jsonl-no-last-end", "jsonl/1", b"1\n2", ["1", "2"]),
    ("jsonl-carriage-returns", "jsonl/1", b"1\r\n2\r\n3\r", ["1", "2", "3"]),
    ("jsonl-carriage-return-inside", "jsonl/1", b"1\r2\r\r\n", ["1\r2\r"]),
    ("jsonl-nothing", "jsonl/1", b"", []),
    ("jsonl-not-json", "jsonl/1", b" not json\n", [" not json"]),
    ("jsonl-empty-line", "jsonl/1", b"1\n\n2\n", None),
    ("jsonl-only-a-carriage-return", "jsonl/1", b"1\n\r\n", None),
    ("csv", "csv/1", b"a,b\n1,\xc3\xa9\n", ['["a","b"]', '["1","é"]']),
    ("csv-no-last-end", "csv/1", b"a\nb", ['["a"]', '["b"]']),
    ("csv-nothing", "csv/1", b"", []),
    ("csv-line-ends", "csv/1", b"a\r\nb\rc\n\rd\r\r\n", ['["a"]', '["b"]', '["c"]', '["d"]']),
    ("csv-empty-rows", "csv/1", b"\n\na\n\n", ['["a"]']),
    ("csv-empty-cells", "csv/1", b'""\n,\na,\n', ['[""]', '["",""]', '["a",""]']),
    ("csv-quotes", "csv/1", b'"a ""b"", c",d"e"f\n', ['["a \\"b\\", c","d\\"e\\"f"]']),
    ("csv-line-ends-in-a-cell", "csv/1", b'"a\r\nb\n\nc\rd"\n', ['["a\\r\\nb\\n\\nc\\rd"]']),
    ("csv-blanks", "csv/1", b' "a" , b\n', ['[" \\"a\\" "," b"]']),
    ("csv-byte-order-mark", "csv/1", b"\xef\xbb\xbf\xef\xbb\xbfa\n", ['["\ufeffa"]']),
    ("csv-control", "csv/1", b"a\x00b,\x7f\x1f\x0b\n", ['["a\\u0000b","\x7f\\u001f\\u000b"]']),
    ("csv-other-separators", "csv/1", "a\u2028b\x85c;d\te\n".encode(), ['["a\u2028b\x85c;d\\te"]']),
    ("csv-after-a-quote", "csv/1", b'"a"b\n', None),
    ("csv-blank-after-a-quote", "csv/1", b'"a" ,b\n', None),
    ("csv-open-quote", "csv/1", b'a\n"b\nc', None),
    ("csv-not-utf8", "csv/1", b"a\n\xff\n", None),
    ("csv-cut-utf8", "csv/1", b"a\n\xc3", None),
    ("table", "csv/2", b"a,b\n1,\xc3\xa9\n", ['{"a":"1","b":"é"}']),
    ("table-nothing", "csv/2", b"", []),
    ("table-header-only", "csv/2", b"a,b\n", []),
    ("table-no-last-end", "csv/2", b"a\nb", ['{"a":"b"}']),
    ("table-line-ends", "csv/2", b"a\r\nb\rc\n\rd\r\r\n", ['{"a":"b"}', '{"a":"c"}', '{"a":"d"}']),
    ("table-empty-cells", "csv/2", b"a,b,c\n1,,3\n,2,\n", ['{"a":"1","c":"3"}', '{"b":"2"}']),
    (
        "table-empty-rows",
        "csv/2",
        b'\n\r\n,\n"",""\na,b\n\n,\n1,2\n,,,\n""\n',
        ['{"a":"1","b":"2"}'],
    ),
    ("table-blank-cell", "csv/2", b"a,b\n , 2 \n", ['{"a":" ","b":" 2 "}']),
    (
        "table-order-of-members",
        "csv/2",
        "b,a,10,9,\U00010400,\uff21\n1,2,3,4,5,6\n".encode(),
        ['{"10":"3","9":"4","a":"2","b":"1","\U00010400":"5","\uff21":"6"}'],
    ),
    (
        "table-escapes",
        "csv/2",
        b'"a""\n",b\n"x\ry\\",\x00\x7f\n',
        ['{"a\\"":"x\\ry\\\\","b":"\\u0000\x7f"}'],
    ),
    (
        "table-names-trimmed",
        "csv/2",
        "\x85 a\t\u3000,\ufeffb\x1f\n1,2\n".encode(),
        ['{"a":"1","b\\u001f":"2"}'],
    ),
    ("table-byte-order-mark", "csv/2", b"\xef\xbb\xbfa\nb\n", ['{"a":"b"}']),
    ("table-prototype", "csv/2", b"__proto__,toString\nx,\n", ['{"__proto__":"x"}']),
    ("table-semicolons", "csv/2", b"a;b\n1;2,5\n", ['{"a":"1","b":"2,5"}']),
    ("table-tabs", "csv/2", b'a\tb\n"1\t2"\t3;\n', ['{"a":"1\\t2","b":"3;"}']),
    ("table-most-often", "csv/2", b"a,b;c;d\n1;2;3\n", ['{"a,b":"1","c":"2","d":"3"}']),
    ("table-of-equals-the-comma", "csv/2", b"a\tb;c,d\n1,2\n", ['{"a\\tb;c":"1","d":"2"}']),
    ("table-of-equals-the-semicolon", "csv/2", b"a\tb;c\n1;2\n", ['{"a\\tb":"1","c":"2"}']),
    ("table-separators-in-quotes", "csv/2", b'"a,b,c";d\n1;2\n', ['{"a,b,c":"1","d":"2"}']),
    ("table-quotes-within", "csv/2", b'"a"",,"";"",";b\n1;2\n', ['{"a\\",,\\";\\",":"1","b":"2"}']),
    (
        "table-first-line-of-the-header",
        "csv/2",
        b'a;"b\n,,,,"\n1;2\n',
        ['{"a":"1","b\\n,,,,":"2"}'],
    ),
    (
        "table-separator-of-an-empty-row",
        "csv/2",
        b"\n;;\na,b;c;d\n1;2;3\n",
        ['{"a,b":"1","c":"2","d":"3"}'],
    ),
    ("table-tabs-alone-above", "csv/2", b"\t\t\na\tb\n1\t2\n", ['{"a":"1","b":"2"}']),
    ("table-tab-alone-above", "csv/2", b"\t\na;b\n1;2\n", ['{"a;b":"1;2"}']),
    ("table-blank-header", "csv/2", b"  \na;b\n", None),
    ("table-one-column", "csv/2", b"a\n1;2\n", ['{"a":"1;2"}']),
    ("table-column-without-name", "csv/2", b"a, ,b,\n1,,2,\n", ['{"a":"1","b":"2"}']),
    ("table-cell-without-name", "csv/2", b"a,,b\n1,,2\n1,x,2\n", None),
    ("table-name-twice", "csv/2", b"a,b,a \n", None),
    ("table-too-few-cells", "csv/2", b"a,b\n1\n", None),
    ("table-too-many-cells", "csv/2", b"a,b\n1,2,\n", None),
    ("table-after-a-quote", "csv/2", b'a;b\n"1",2;3\n', None),
    ("table-open-quote", "csv/2", b'a\n"b\nc', None),
    ("table-open-quote-in-the-header", "csv/2", b'a,"b\nc', None),
    ("table-not-utf8", "csv/2", b"a\n\xff\n", None),
    ("table-not-utf8-in-the-header", "csv/2", b"a\xff\n", None),
    ("table-cut-utf8", "csv/2", b"a\n\xc3", None),
]

PARTS: list[tuple[str, str, list[tuple[bytes, int]], list[tuple[bytes, int]] | None]] = [
    # the same, but a file and its one record as parts, each repeated
    ("document", "document/1", [(b"one\n", 1)], [(_document(b"one\n"), 1)]),
    ("document-empty", "document/1", [], [(_document(b""), 1)]),
    (
        "csv-longest-cell",
        "csv/1",
        [("😀".encode(), CELL)],
        [(b'["', 1), ("😀".encode(), CELL), (b'"]', 1)],
    ),
    ("csv-too-long-a-cell", "csv/1", [(b"a", CELL + 1)], None),
    (
        "table-longest-cell",
        "csv/2",
        [(b"a\n", 1), ("😀".encode(), CELL)],
        [(b'{"a":"', 1), ("😀".encode(), CELL), (b'"}', 1)],
    ),
    ("table-too-long-a-cell", "csv/2", [(b"a\n", 1), (b"b", CELL + 1)], None),
    ("table-too-long-a-name", "csv/2", [(b"a", CELL + 1), (b"\nb\n", 1)], None),
    (
        "table-blanks-above",
        "csv/2",
        [(b"\n", 2000), (b"a;b\n1;2\n", 1)],
        [(b'{"a":"1","b":"2"}', 1)],
    ),
    ("csv-too-long-in-quotes", "csv/1", [(b'"', 1), (b"a\n", CELL // 2), (b'b"', 1)], None),
]


def _id(reader: str, data: bytes) -> bytes:
    return blake3(data, derive_key_context=CONTEXT + reader).digest()


def _root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + _root(leaves[:k]) + _root(leaves[k:])).digest()


def ids() -> list[dict[str, Any]]:
    """Return the cases of ``ids.json``."""
    return [
        {"id": name, "reader": reader, "record": data.hex(), "recordId": _id(reader, data).hex()}
        for name, reader, data in RECORDS
    ]


def roots() -> list[dict[str, Any]]:
    """Return the cases of ``order-roots.json``."""
    cases = []
    for count in range(8):
        records = [
            _id("document/1", _document(str(number % 5).encode())) for number in range(count)
        ]
        salts = [bytes((byte + number) % 256 for byte in SALT) for number in range(count)]
        leaves = [salt + record for salt, record in zip(salts, records, strict=True)]
        cases.append(
            {
                "id": str(count),
                "records": [record.hex() for record in records],
                "salts": b"".join(salts).hex(),
                "root": _root(leaves).hex(),
            }
        )
    return cases


def readers() -> list[dict[str, Any]]:
    """Return the cases of ``readers.json``."""
    cases: list[dict[str, Any]] = []
    for name, reader, data, records in FILES:
        parts = None if records is None else [[(record.encode(), 1)] for record in records]
        cases.append(_reader_case(name, reader, [(data, 1)], parts))
    for name, reader, file, record in PARTS:
        cases.append(_reader_case(name, reader, file, None if record is None else [record]))
    return cases


def _reader_case(
    name: str,
    reader: str,
    file: list[tuple[bytes, int]],
    records: list[list[tuple[bytes, int]]] | None,
) -> dict[str, Any]:
    # Bytes are lists of [hex, times], so that a long cell does not make a long file of vectors.
    def spell(parts: list[tuple[bytes, int]]) -> list[list[Any]]:
        return [[part.hex(), times] for part, times in parts]

    case: dict[str, Any] = {"id": name, "reader": reader, "file": spell(file)}
    return case if records is None else case | {"records": [spell(one) for one in records]}


def make() -> dict[str, Any]:
    """Return file name → content."""
    return {
        "records/ids.json": {"cases": ids()},
        "records/order-roots.json": {"cases": roots()},
        "records/readers.json": {"cases": readers()},
    }
