"""What every recogniser yields, and the small tests that several of them make."""

from collections.abc import Callable, Iterator

Mark = tuple[int, int, str]
"""Start and end in code points, end exclusive, and the kind."""

Recogniser = Callable[[str], Iterator[Mark]]
"""Yields the marks of a text in linear time. Every pattern is bounded: no part of it repeats
without a limit, and none repeats what repeats."""

CONTEXT = 40  # code points before a find in which a word may say what it is


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
