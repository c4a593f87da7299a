"""Makes ``filters/`` of the filters in spec §12.5.10 and on: what they do, written by hand."""

from typing import Any

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


def make() -> dict[str, Any]:
    """Return file name → content."""
    return {"filters/duplicates.json": {"cases": DUPLICATES}}
