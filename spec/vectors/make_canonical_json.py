"""Makes ``canonical-json/``: which texts strict JSON takes, and their RFC 8785 bytes.

The expected bytes marked ``RFC 8785`` or ``json-canonicalization`` are copied from there, not
computed; those marked ``lyrikstore`` are written by hand here. Nothing is computed by the code
under test.
"""

from typing import Any

ACCEPT: list[dict[str, Any]] = [
    # id, profile, source, input, canonical
    {
        "id": "empty-object",
        "profile": "lyrik",
        "source": "lyrikstore",
        "input": " {\t}\r\n",
        "canonical": "{}",
    },
    {
        "id": "members-sorted",
        "profile": "lyrik",
        "source": "lyrikstore",
        "input": '{"b": 1, "a": [true, false], "": "empty", "A": -7}',
        "canonical": '{"":"empty","A":-7,"a":[true,false],"b":1}',
    },
    {
        "id": "utf16-order",
        "profile": "lyrik",
        "source": "json-canonicalization testdata/input/weird.json",
        "input": '{"\\u20ac": "Euro Sign", "1": "One", "\\u0080": "Control\\u007f", '
        '"\\ud83d\\ude02": "Smiley", "\\u00f6": "Latin Small Letter O With Diaeresis", '
        '"\\ufb33": "Hebrew Letter Dalet With Dagesh", "</script>": "Browser Challenge"}',
        "canonical": '{"1":"One","</script>":"Browser Challenge","\u0080":"Control\u007f",'
        '"\u00f6":"Latin Small Letter O With Diaeresis","\u20ac":"Euro Sign",'
        '"\U0001f602":"Smiley","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    },
    {
        "id": "no-locale-order",
        "profile": "lyrik",
        "source": "json-canonicalization testdata/input/french.json (a typo corrected)",
        "input": '{"peach": "This sorting order", "p\u00e9ch\u00e9": "is wrong according to French"'
        ', "p\u00eache": "but canonicalization MUST", "sin": "ignore locale"}',
        "canonical": '{"peach":"This sorting order","p\u00e9ch\u00e9":'
        '"is wrong according to French","p\u00eache":"but canonicalization MUST",'
        '"sin":"ignore locale"}',
    },
    {
        "id": "never-normalised",
        "profile": "lyrik",
        "source": "json-canonicalization testdata/input/unicode.json",
        "input": '{\n  "Unnormalized Unicode":"\\u1e0d\\u0307"\n}\n',
        "canonical": '{"Unnormalized Unicode":"\u1e0d\u0307"}',
    },
    {
        "id": "values",
        "profile": "foreign",
        "source": "RFC 8785 section 3.2.2, json-canonicalization testdata/input/values.json",
        "input": '{\n  "numbers": [1E30, 4.50, 333333333.33333329, 2e-3, '
        "0.000000000000000000000000001],\n"
        '  "escaping": "\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/",\n'
        '  "literals": [null, true, false]\n}',
        "canonical": '{"escaping":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/","literals":[null,true,'
        'false],"numbers":[1e+30,4.5,333333333.3333333,0.002,1e-27]}',
    },
    {
        "id": "structures",
        "profile": "foreign",
        "source": "json-canonicalization testdata/input/structures.json",
        "input": '{\n  "1": {"f": {"f": "hi","F": 5} ,"\\n": 56.0},\n  "10": { },\n'
        '  "": "empty",\n  "a": { },\n  "111": [ { } ],\n  "A": { }\n}',
        "canonical": '{"":"empty","1":{"\\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{}],'
        '"A":{},"a":{}}',
    },
    {
        "id": "arrays",
        "profile": "foreign",
        "source": "json-canonicalization testdata/input/arrays.json",
        "input": '[\n  56,\n  {\n    "d": true,\n    "10": null,\n    "1": [ ]\n  }\n]',
        "canonical": '[56,{"1":[],"10":null,"d":true}]',
    },
    {
        "id": "numbers",
        "profile": "foreign",
        "source": "RFC 8785 appendix B",
        "input": "[0.0, -0.0, 5e-324, -5e-324, 1.7976931348623157e308, -1.7976931348623157e308, "
        "295147905179352830000.0, 9.999999999999997e22, 1e23, 1.0000000000000001e23, "
        "999999999999999700000.0, 999999999999999900000.0, 1e21, 9.999999999999997e-7, "
        "0.000001, 333333333.3333332, 333333333.33333325, 333333333.3333333, "
        "333333333.3333334, 333333333.33333343, -0.0000033333333333333333]",
        "canonical": "[0,0,5e-324,-5e-324,1.7976931348623157e+308,-1.7976931348623157e+308,"
        "295147905179352830000,9.999999999999997e+22,1e+23,1.0000000000000001e+23,"
        "999999999999999700000,999999999999999900000,1e+21,9.999999999999997e-7,"
        "0.000001,333333333.3333332,333333333.33333325,333333333.3333333,"
        "333333333.3333334,333333333.33333343,-0.0000033333333333333333]",
    },
    {
        "id": "escapes",
        "profile": "lyrik",
        "source": "lyrikstore",
        "input": '["\\b\\f\\n\\r\\t\\u0000\\u001F\\u007f\\/\\u2028\\uD83D\\uDE00\\"\\\\"]',
        "canonical": '["\\b\\f\\n\\r\\t\\u0000\\u001f\u007f/\u2028\U0001f600\\"\\\\"]',
    },
    {
        "id": "integer-limits",
        "profile": "lyrik",
        "source": "lyrikstore",
        "input": "[9007199254740991, -9007199254740991, 0]",
        "canonical": "[9007199254740991,-9007199254740991,0]",
    },
    {
        "id": "proto-is-a-name",
        "profile": "lyrik",
        "source": "lyrikstore",
        "input": '{"constructor":1,"__proto__":{"a":2}}',
        "canonical": '{"__proto__":{"a":2},"constructor":1}',
    },
    {
        "id": "brackets-in-strings",
        "profile": "lyrik",
        "source": "lyrikstore",
        "input": '["' + "[{" * 100 + '\\""]',
        "canonical": '["' + "[{" * 100 + '\\""]',
    },
    {
        "id": "depth-64",
        "profile": "lyrik",
        "source": "lyrikstore",
        "input": "[" * 64 + "]" * 64,
        "canonical": "[" * 64 + "]" * 64,
    },
]


def _text(name: str, text: str, *, profile: str = "foreign") -> dict[str, str]:
    return {"id": name, "profile": profile, "inputHex": text.encode("utf-8").hex()}


def _data(name: str, data: bytes) -> dict[str, str]:
    return {"id": name, "profile": "foreign", "inputHex": data.hex()}


# Refused in the named profile; what the foreign profile refuses, the lyrik profile refuses too.
REFUSE: list[dict[str, str]] = [
    _text("empty", ""),
    _text("blank", " \n"),
    _text("duplicate-member", '{"issuer":"alice","issuer":"mallory"}'),
    _text("duplicate-member-escaped", '{"a":1,"\\u0061":2}'),
    _text("duplicate-member-deep", '{"x":[{"a":1,"b":2,"a":1}]}'),
    _text("duplicate-proto", '{"__proto__":1,"__proto__":2}'),
    _text("integer-2-53", "[9007199254740992]"),
    _text("integer-2-53-plus-1", "[9007199254740993]"),
    _text("integer-minus-2-53", "[-9007199254740992]"),
    _text("integer-400-digits", "1" * 400),
    _text("minus-zero", "[-0]"),
    _text("leading-zero", "[01]"),
    _text("leading-plus", "[+1]"),
    _text("bare-fraction", "[.5]"),
    _text("trailing-point", "[1.]"),
    _text("hexadecimal", "[0x10]"),
    _text("nan", "[NaN]"),
    _text("infinity", "[Infinity]"),
    _text("minus-infinity", "[-Infinity]"),
    _text("overflow", "[1e999]"),
    _text("fraction", "[1.5]", profile="lyrik"),
    _text("exponent", "[1e2]", profile="lyrik"),
    _text("null", '{"a":null}', profile="lyrik"),
    _text("lone-high-surrogate", '["\\ud800"]'),
    _text("lone-low-surrogate", '["\\udc00x"]'),
    _text("reversed-surrogates", '["\\ude02\\ud83d"]'),
    _text("lone-surrogate-name", '{"\\ud800":1}'),
    _text("depth-65", "[" * 65 + "]" * 65),
    _text("depth-65-objects", '{"a":' * 65 + "1" + "}" * 65),
    _text("unclosed-deep", "[" * 20_000),
    _text("trailing-text", "{} x"),
    _text("trailing-document", "{}{}"),
    _text("trailing-nul", "{}\0"),
    _text("trailing-comma", "[1,]"),
    _text("trailing-comma-object", '{"a":1,}'),
    _text("comment", "{}//x"),
    _text("single-quotes", "{'a':1}"),
    _text("bare-name", "{a:1}"),
    _text("raw-newline", '["a\nb"]'),
    _text("raw-nul", '["a\0b"]'),
    _text("bad-escape", '["\\x41"]'),
    _text("bad-unicode-escape", '["\\u00g0"]'),
    _text("cut-escape", '["\\'),
    _text("cut-string", '["abc'),
    _text("form-feed", "[\f1]"),
    _text("no-break-space", "[\u00a01]"),
    _data("byte-order-mark", b"\xef\xbb\xbf{}"),
    _data("utf-16", '{"a":1}'.encode("utf-16")),
    _data("bad-utf-8", b'["\xff"]'),
    _data("overlong-utf-8", b'["\xc0\xaf"]'),
    _data("surrogate-utf-8", b'["\xed\xa0\x80"]'),
    _data("cut-utf-8", b'["\xe2\x82"]'),
]

# Strict JSON, but not in canonical form: refused wherever canonical bytes are demanded.
NOT_CANONICAL: list[dict[str, str]] = [
    {"id": "space", "input": '{"a": 1}'},
    {"id": "final-newline", "input": '{"a":1}\n'},
    {"id": "unsorted", "input": '{"b":1,"a":2}'},
    {"id": "code-point-order", "input": '{"\ufb33":1,"\U0001f602":2}'},
    {"id": "escaped-slash", "input": '["\\/"]'},
    {"id": "needless-escape", "input": '["\\u0061"]'},
    {"id": "upper-case-hex", "input": '["\\u001F"]'},
    {"id": "long-newline", "input": '["\\u000a"]'},
    {"id": "escaped-emoji", "input": '["\\ud83d\\ude02"]'},
]


def make() -> dict[str, Any]:
    """Return file name → content."""
    return {
        "canonical-json/accept.json": {"cases": ACCEPT},
        "canonical-json/refuse.json": {"cases": REFUSE},
        "canonical-json/not-canonical.json": {"cases": NOT_CANONICAL},
    }
