"""Makes ``answers/word-counts.json``: what ``tfidf/1`` and ``tfidf/2`` answer (spec §13.6.1).

Worked out here from the text of the spec, in plain Python. Weights are quarters, so that they are
the same in float32; logits, which hold square roots and logarithms, are rounded to six decimals,
and ``unknown`` is the share of unknown words (spec §13.2.4), or a fraction of two numbers. A reader
is right within 0.000002: no answer depends on a processor beyond that.
"""

import math
import re
from itertools import pairwise
from typing import Any

Row = dict[str, Any]

LABELS = ["lease", "loan"]
VOCABULARY = ["caf\u00e9", "due", "rent", "rent due", "stra\u00dfe", "the", "x_1"]
IDF = ["1", "2.25", "1.5", "3", "1.75", "1", "2"]
RUNS = [" re", "due", "en", "ent", "nt ", "t d"]
RUNS_IDF = ["1.25", "1", "1", "2", "1", "3.5"]
FIELDS = [
    {"field": "pages", "mean": "10", "spread": "4"},
    {"field": "court", "values": ["BGH", "OLG"]},
]
TEXTS = [
    "the rent due",
    "The RENT, due! The rent; rent due",
    "rent the due",
    "a b c",
    "",
    "  \n\t ",
    "Cafe\u0301 caf\u00e9 CAF\u00c9",
    "Stra\u00dfe STRASSE",
    "x_1 x-1 x 1",
    "due\u00a0rent\u2003due",
    "\u0130 rent \u00e9t\u00e9",
    "unknown words only",
]


def words_of(text: str) -> list[str]:
    """Return the words of a text: two or more word characters, in lower case."""
    return re.findall(r"\w\w+", text.lower())


def weighed(counts: dict[str, int], names: list[str], idf: list[str]) -> list[float]:
    """Return the part of the features that counts what has names."""
    found = [
        (1 + math.log(counts[name])) * float(weight) if counts.get(name) else 0.0
        for name, weight in zip(names, idf, strict=True)
    ]
    length = math.sqrt(sum(one * one for one in found))
    return [one / length for one in found] if length else found


def counted(some: list[str]) -> dict[str, int]:
    """Return how often each is there."""
    return {one: some.count(one) for one in some}


def runs_of(text: str) -> list[str]:
    """Return the runs of 2 to 5 characters of what stands between white space."""
    padded = [f" {one} " for one in text.lower().split()]
    return [
        one[at : at + size]
        for one in padded
        for size in range(2, 6)
        for at in range(len(one) - size + 1)
    ]


def columns(fields: dict[str, str]) -> list[float]:
    """Return the columns of the fields."""
    found: list[float] = []
    try:
        number = float(fields["pages"])
    except (KeyError, ValueError):
        number = math.nan
    found += [max(-10.0, min(10.0, (number - 10) / 4)), 0] if math.isfinite(number) else [0, 1]
    court = fields.get("court")
    known = ["BGH", "OLG"]
    found += [float(court == one) for one in known]
    return [*found, float(court is not None and court not in known)]


def weights(features: int) -> list[list[str]]:
    """Return the weights: quarters from -2 to 2."""
    return [
        [f"{((at * 5 + label * 7) % 17 - 8) / 4:g}" for at in range(features)]
        for label in range(len(LABELS))
    ]


def case(name: str, form: str, records: list[Row], *, fields: bool) -> Row:
    """Return a model, and what it answers."""
    second = form == "tfidf/2"
    features = len(VOCABULARY) + (len(RUNS) if second else 0) + (5 if fields else 0)
    weight, bias = weights(features), ["0.25", "-0.5"]
    answers = []
    for record in records:
        words = words_of(record["text"])
        pairs = [f"{one} {two}" for one, two in pairwise(words)]
        row = weighed(counted([*words, *pairs]), VOCABULARY, IDF)
        if second:
            row += weighed(counted(runs_of(record["text"])), RUNS, RUNS_IDF)
        if fields:
            row += columns(record.get("fields", {}))
        logits = [
            sum(float(w) * one for w, one in zip(each, row, strict=True)) + float(plus)
            for each, plus in zip(weight, bias, strict=True)
        ]
        known = {word for term in VOCABULARY for word in term.split()}
        unknown = sum(one not in known for one in words)
        answers.append({
            **record,
            "logits": [f"{one + 0.0:.6f}" for one in logits],
            "unknown": [unknown, len(words)] if words else [1, 1],
        })  # fmt: skip
    return {
        "id": name,
        "format": form,
        "labels": LABELS,
        "vocabulary": VOCABULARY,
        "idf": IDF,
        **({"characters": RUNS, "charactersIdf": RUNS_IDF} if second else {}),
        "fields": FIELDS if fields else [],
        "weight": weight,
        "bias": bias,
        "answers": answers,
    }


def make() -> dict[str, Any]:
    """Return file name → content of every vector file."""
    texts = [{"text": text} for text in TEXTS]
    examples: list[dict[str, str]] = [
        {"pages": "12", "court": "BGH"}, {"pages": "-1e3"}, {"pages": "nan", "court": "LG"},
        {"pages": "many", "court": ""}, {"pages": "1e400", "court": "OLG"}, {},
    ]  # fmt: skip
    with_fields = [{"text": "the rent due", "fields": one} for one in examples]
    return {
        "answers/word-counts.json": {
            "cases": [
                case("words", "tfidf/1", texts, fields=False),
                case("words-and-fields", "tfidf/1", with_fields, fields=True),
                case("words-and-characters", "tfidf/2", texts, fields=False),
                case("characters-and-fields", "tfidf/2", with_fields, fields=True),
            ]
        }
    }
