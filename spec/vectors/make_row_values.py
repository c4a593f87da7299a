"""Makes ``rows/``: what is a row, what of it is compared, its changed line, and statistics.

Written by hand from spec 12.4.2, 12.5.1 and 12.8.
"""

from typing import Any

SOUND = [
    "{}",
    ' { "a" : 1 , "b" : [ ] } ',
    r'{"a":"\ud83d\ude00 \\\" \u0000"}',
    '{"a":{"a":{"a":null}}}',
    '{"a":123456789012345678901234567890}',
    '{"a":1.7976931348623157e308,"b":-0.0,"c":1E-400}',
    '{"":""}',
    '{"a":' + "9" * 4300 + "}",
    "{" + '"a":[' * 1 + "[" * 62 + "]" * 62 + "]}",
]
MALFORMED = [
    "",
    "[]",
    "null",
    '"a"',
    "{",
    '{"a":1}{"b":2}',
    '{"a":1,}',
    "{'a':1}",
    '{"a":1,"a":1}',
    r'{"a":1,"\u0061":2}',
    '{"b":{"a":1,"c":"\\"","a":1}}',
    '{"b":[{"a":"","a":""}]}',
    r'{"a":"\ud800"}',
    r'{"\udc00":1}',
    '{"a":NaN}',
    '{"a":-Infinity}',
    '{"a":1e309}',
    '{"a":' + "9" * 4301 + "}",
    '{"a":01}',
    '{"a":.5}',
    '{"a":"\n"}',
    '{"a":true//\n}',
    "{" + '"a":[' * 1 + "[" * 63 + "]" * 63 + "]}",
]

VALUES: list[tuple[Any, str | None, list[str]]] = [
    # value, its text (None: no value), its texts where it may be several
    (None, None, []),
    ("", None, []),
    ([], None, []),
    (" ", " ", [" "]),
    ("a", "a", ["a"]),
    (True, "true", ["true"]),
    (False, "false", ["false"]),
    (0, "0", ["0"]),
    (-12, "-12", ["-12"]),
    (1.0, "1", ["1"]),
    (-0.0, "0", ["0"]),
    (1e20, "100000000000000000000", ["100000000000000000000"]),
    (0.1, "0.1", ["0.1"]),
    (1e-7, "0.0000001", ["0.0000001"]),
    (12.5, "12.5", ["12.5"]),
    (["a", "", None, 1, True], '["a","",null,1,true]', ["a", "1", "true"]),
    ({"b": 1, "a": [2.0]}, '{"a":[2],"b":1}', ['{"a":[2],"b":1}']),
    ('["a","b"]', '["a","b"]', ["a", "b"]),
    (' ["a"]', ' ["a"]', [' ["a"]']),
    ('["a",1]', '["a",1]', ['["a",1]']),
    ('["a"', '["a"', ['["a"']),
    ("[]", "[]", []),
]
SEPARATED: list[tuple[str, str, list[str]]] = [
    ("a; b ;c", ";", ["a", "b", "c"]),
    ("a;;b;", ";", ["a", "b"]),
    ('["a;b"]', ";", ["a;b"]),
    ("a || b", "||", ["a", "b"]),
]

CHANGED: list[dict[str, Any]] = [
    {
        "id": "others-keep-their-bytes",
        "line": r' { "b" : 1.50 , "a" : "\u00e9" , "c" : [ 1, 2e0 ] , "n":12345678901234567890 } ',
        "set": {"c": "new"},
        "after": r'{"a":"\u00e9","b":1.50,"c":"new","n":12345678901234567890}',
    },
    {
        "id": "removed-and-added",
        "line": '{"old":1.0,"z":{"y":1, "x":2}}',
        "set": {"new": {"y": 1.0, "x": "é"}},
        "removed": ["old"],
        "after": '{"new":{"x":"é","y":1},"z":{"y":1, "x":2}}',
    },
    {
        "id": "order-of-members",
        "line": '{"\U00010400":1,"\uff21":2,"10":3,"9":4,"B":5,"a":6}',
        "set": {"a": 7},
        "after": '{"10":3,"9":4,"B":5,"a":7,"\U00010400":1,"\uff21":2}',
    },
    {
        "id": "escaped-name",
        "line": r'{"\u0062":1E2,"a":0}',
        "set": {"a": None},
        "after": '{"a":null,"b":1E2}',
    },
    {"id": "nothing-left", "line": '{"a":1}', "set": {}, "removed": ["a"], "after": "{}"},
]

TEXTS: list[dict[str, Any]] = [
    {"row": {"a": "x", "b": "y"}, "fields": ["b", "a"], "text": "y\n\nx"},
    {"row": {"a": ["x", "", "z"], "b": None}, "fields": ["a", "b"], "text": "x\n\n\n\nz"},
    {"row": {"b": "y"}, "fields": ["a"], "text": ""},
    {"row": {"a": "x"}, "fields": [], "text": ""},
]

_NAMES = [f"f{number:03}" for number in range(251)]
STATISTICS: list[dict[str, Any]] = [
    {
        "id": "types-and-missing",
        "lines": [
            '{"a":"x","n":1,"l":["p","q"]}',
            '{"a":"xyz","n":1.0,"l":[]}',
            '{"a":null,"n":"1","o":{"k":1}}',
            '{"a":"xyz","n":true,"o":null}',
        ],
        "stats": {
            "fields": [
                {
                    "field": "a",
                    "types": [{"type": "string", "records": 3}],
                    "missing": 1,
                    "distinct": 2,
                    "lengths": {"least": 1, "median": 3, "most": 3},
                },
                {
                    "field": "l",
                    "types": [{"type": "list", "records": 2}],
                    "missing": 2,
                    "distinct": 2,
                    "lengths": {"least": 0, "median": 0, "most": 2},
                },
                {
                    "field": "n",
                    "types": [
                        {"type": "boolean", "records": 1},
                        {"type": "integer", "records": 1},
                        {"type": "number", "records": 1},
                        {"type": "string", "records": 1},
                    ],
                    "missing": 0,
                    "distinct": 3,
                    "lengths": {"least": 1, "median": 1, "most": 1},
                },
                {
                    "field": "o",
                    "types": [{"type": "object", "records": 1}],
                    "missing": 3,
                    "distinct": 1,
                },
            ]
        },
    },
    {
        "id": "labels",
        "label": "l",
        "labelSeparator": ";",
        "lines": [
            '{"l":"b; a"}',
            '{"l":"a"}',
            '{"l":["c","a"]}',
            '{"l":"[\\"a\\",\\"d\\"]"}',
            '{"l":""}',
        ],
        "stats": {
            "fields": [
                {
                    "field": "l",
                    "types": [{"type": "list", "records": 1}, {"type": "string", "records": 4}],
                    "missing": 0,
                    "distinct": 5,
                    "lengths": {"least": 0, "median": 2, "most": 9},
                }
            ],
            "labels": [
                {"label": "a", "records": 4},
                {"label": "b", "records": 1},
                {"label": "c", "records": 1},
                {"label": "d", "records": 1},
            ],
            "severalLabels": 3,
        },
    },
    {
        "id": "the-first-250-names",
        "lines": [
            "{" + ",".join(f'"{name}":0' for name in reversed(_NAMES)) + "}",
            '{"' + "n" * 201 + '":1}',
        ],
        "stats": {
            "fields": [
                {
                    "field": name,
                    "types": [{"type": "integer", "records": 1}],
                    "missing": 1,
                    "distinct": 1,
                }
                for name in _NAMES[:250]
            ],
            "fieldsAbove": 250,
        },
    },
    {
        "id": "a-field-with-a-role-is-named-too",
        "label": _NAMES[250],
        "lines": ["{" + ",".join(f'"{name}":"a"' for name in _NAMES) + "}"],
        "stats": {
            "fields": [
                {
                    "field": name,
                    "types": [{"type": "string", "records": 1}],
                    "missing": 0,
                    "distinct": 1,
                    "lengths": {"least": 1, "median": 1, "most": 1},
                }
                for name in _NAMES
            ],
            "labels": [{"label": "a", "records": 1}],
            "severalLabels": 0,
        },
    },
    {
        "id": "too-many-labels",
        "label": "l",
        "lines": [f'{{"l":{number}}}' for number in range(1001)],
        "stats": {
            "fields": [
                {
                    "field": "l",
                    "types": [{"type": "integer", "records": 1001}],
                    "missing": 0,
                    "distinct": 1001,
                }
            ],
            "labelsAbove": 1000,
            "severalLabels": 0,
        },
    },
]


def make() -> dict[str, Any]:
    """Return file name → content."""
    return {
        "rows/lines.json": {"rows": SOUND, "malformed": MALFORMED},
        "rows/values.json": {
            "cases": [
                *({"value": value, "text": text, "texts": texts} for value, text, texts in VALUES),
                *(
                    {"value": value, "separator": separator, "texts": texts}
                    for value, separator, texts in SEPARATED
                ),
            ]
        },
        "rows/texts.json": {"cases": TEXTS},
        "rows/changed.json": {"cases": CHANGED},
        "rows/statistics.json": {"cases": STATISTICS},
    }
