"""The marks that recognisers yield, and small functions that several recognisers share."""

from collections.abc import Callable, Iterator

Mark = tuple[int, int, str]
"""Start and end in code points, end exclusive, and the kind."""

Recogniser = Callable[[str], Iterator[Mark]]
"""Yields the marks of a text in linear time. Every pattern is bounded: no part of it repeats
without a limit, and none repeats what repeats."""

CAPITAL = (
    r"[A-Z\u00c0-\u00d6\u00d8-\u00de\u0104\u0106\u010c\u010e\u0110\u0118\u011e\u0130\u0141"
    r"\u0143\u0147\u0150\u0158\u015a\u015e\u0160\u0164\u016e\u0170\u0179\u017b\u017d]"
)
"""A pattern of the capitals with which European names begin."""

CONTEXT = 40  # code points before a find in which a word may show its kind


def before(text: str, start: int, length: int = CONTEXT) -> str:
    """Return the text right before ``start``."""
    return text[max(0, start - length) : start]


def digits(text: str) -> str:
    """Return the ASCII digits of ``text``."""
    return "".join(character for character in text if "0" <= character <= "9")


def words(alternatives: str) -> str:
    """Return a pattern of alternatives, longest first, with any space between their words.

    Args:
        alternatives: Separated by ", ".
    """
    ordered = sorted(alternatives.split(", "), key=lambda word: (-len(word), word))
    return "(?:" + "|".join(word.replace(" ", r"[ \t\n-]{1,3}") for word in ordered) + ")"
