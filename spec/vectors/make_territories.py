"""Makes ``terms/territories.json``: codes of a territory, and how people read them.

The expected answers are by hand.
"""

from typing import Any

EU = [
    "AT",
    "BE",
    "BG",
    "CY",
    "CZ",
    "DE",
    "DK",
    "EE",
    "ES",
    "FI",
    "FR",
    "GR",
    "HR",
    "HU",
    "IE",
    "IT",
    "LT",
    "LU",
    "LV",
    "MT",
    "NL",
    "PL",
    "PT",
    "RO",
    "SE",
    "SI",
    "SK",
]
REST = ["IS", "LI", "NO"]


def make() -> dict[str, Any]:
    """Return file name → content."""
    cases = [
        ("none", [], []),
        ("one", ["DE"], ["DE"]),
        ("union", EU, ["EU"]),
        ("union-in-another-order", EU[::-1], ["EU"]),
        ("union-and-others", ["US-CA", *EU, "CH"], ["US-CA", "EU", "CH"]),
        ("others-among-it", [*EU[:5], "CH", *EU[5:], "US"], ["EU", "CH", "US"]),
        ("all-but-one", EU[1:], EU[1:]),
        ("area", [*EU, *REST], ["EEA"]),
        ("area-in-another-order", [*REST, "GB", *EU], ["EEA", "GB"]),
        ("area-but-for-one", [*EU, "IS", "NO"], ["EU", "IS", "NO"]),
        ("part-of-a-member-too", [*EU, "DE-BY"], ["EU", "DE-BY"]),
        ("part-of-a-member-alone", ["DE-BY", *(code for code in EU if code != "DE")],
         ["DE-BY", *(code for code in EU if code != "DE")]),
        ("twice", ["DE", "DE"], ["DE"]),
    ]  # fmt: skip
    return {
        "terms/territories.json": {
            "cases": [{"id": name, "codes": codes, "words": words} for name, codes, words in cases]
        }
    }
