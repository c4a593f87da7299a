"""What is put in the place of something: awkward values, one by one each some reader's mistake."""

from typing import Any


class Raw(str):
    """A JSON text that is written as it stands."""

    __slots__ = ()


VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2, 7, 8, 9, 2**31, 2**32, 2**53 - 1, 2**53, -(2**53), 10**30,
    Raw("-0"), Raw("1.0"), Raw("1e2"), Raw("1E400"), Raw("0.1"), Raw("1e-7"), Raw("01"),
    Raw("NaN"), Raw("5e-324"), Raw("9007199254740993"), Raw("9007199254740992.0"),
    Raw('"\\ud800"'), Raw('"\\ud83d\\ude00"'), Raw('"\\u0041"'), Raw('"\\/"'), "", " ", "0", "00",
    "-1", "1", "1.0", "+1", "131072", "99999999999999999999", "\u0661", "1_0", "\x00", "\x7f",
    "\x85", "\xa0", "\xad", "\u2028", "\u202e", "\ufeff", "\uffff", "\U0001f600", "\U0010ffff",
    "e\u0301", "\xe9", "\u0130", "\xdf", "\u212a", "\ufb03", "\U000e0001", "\n", "a\n",
    "__proto__", "constructor", "toString", "hasOwnProperty", "@id", "@type", "@context",
    "@value", "@graph", "a:b", "urn:x", "https://x.example/", "http://x.example",
    "https://x.example/\xe9", "HTTPS://X.EXAMPLE/%zz", "did:web:x.example", "did:web:x.example:a",
    "did:key:z", "did:x:y#z", "did:web:data.example", "did:web:127.0.0.1", "did:web:a..b",
    "urn:uuid:00000000-0000-4000-8000-000000000000", "2026-11-24T14:12:39Z",
    "2026-11-24T14:12:39z", "2026-11-24T14:12:39.5Z", "2026-11-24", "2026-11-24T14:12:39+00:00",
    "2026-11-24T14:12:60Z", "2026-11-24T24:00:00Z", "0001-01-01T00:00:00Z",
    "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "10000-01-01T00:00:00Z",
    "2024-02-29T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-24T14:12:39-23:59",
    "2026-11-24T14:12Z", "20261124T141239Z", "blake3:" + "0" * 64, "urn:blake3:" + "0" * 64,
    "URN:blake3:" + "0" * 64, "urn:blake3:" + "A" * 64, "uHiD" + "A" * 43, "uEiA" + "A" * 43,
    "sha384-" + "A" * 64, "revocation", "suspension", "message", "refresh", "quality", "legal",
    "train", "evaluate", "datasets/acme/*", "MIT", "MIT OR Apache-2.0", "LicenseRef-Acme-1.0",
    "NONE", "DE", "EU", "document/1", "jsonl/1", "csv/1", "recordCount/1", "exactDuplicateRate/1",
    "x" * 300, "x" * 5000, "\xe9" * 1000, "'", '"', "\\", "`", "<b>", "%41", [], [[]], [None], {},
    {"type": "x"}, {"id": "x"}, {"@id": "x"}, {"@value": "x"}, [1, "1"], ["a", "a"], {"": ""},
    {"__proto__": {"a": 1}}, {"a": {"b": {"c": []}}}, ["x"] * 70,
]  # fmt: skip
TOML = [
    "1", "0", "-1", "+1", "1_0", "0x1F", "0o7", "1e1", "1.5", "inf", "nan", "true", "''", '"x"',
    "[]", "{}", "2026-11-24", "2026-11-24T14:12:39Z", "14:12:39", '"\\u0041"', '"\\U0001F600"',
    '"\\e"', '"\\x41"', '"""\na"""', "'''a'''", '"\\ud800"', "9007199254740993",
    "99999999999999999999", "01", '["quality"]', '["publisher"]', '["publisher",]', "[1, 'a']",
    '["*"]', '"did:key:z6Mk"', "3650000", '"2026-11-24T14:12:39Z"', '{a = 1,}', '"\t"', "'\x7f'",
    '"\xe9"', "# x",
]  # fmt: skip
TABLES = [
    "[allow]", "[[allow]]", "[issuer]", "[[issuer]]", "[[log]]", "[x]", "[[document]]",
    "allow.keys = []", "[allow]\nkeys = []", '[allow]\nhashes = ["blake3"]',
]  # fmt: skip
BYTES = [
    b"\xef\xbb\xbf", b"\x00", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\r\n",
    b"\n", b"\n\n", b" ", b"\t", b"\x0b", b"\x0c", b"\xc2\xa0", b"/**/", b",", b"{}", b"[", b'"',
    b"\\", b"\\u0000", b"\xe2\x80\xa8", b"\xe2\x80\x94 ", b"=", b"+", b"-", b"_", b"A", b"0",
]  # fmt: skip
NUMBERS = [
    "0", "1", "2", "3", "02", "9" * 16, "9007199254740991", "-1", "+1", "1e0",
]  # fmt: skip
MOMENTS = [
    "2026-11-24T14:12:39Z", "2026-10-31T23:55:00Z", "2026-10-31T23:54:59Z",
    "2027-11-01T00:05:00Z", "2027-11-01T00:05:01Z", "2026-11-20T00:00:00Z",
    "2026-11-19T23:54:59Z", "2026-12-20T00:00:01Z", "2026-12-21T00:00:00Z",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2024-02-29T12:00:00Z",
]  # fmt: skip
