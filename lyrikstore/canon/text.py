"""Text for people: foreign text made safe to show, counts in words, near matches.

File names, credentials and cards are written by people we do not know. A control or direction
character in one could forge lines of our own output, and one that does not show could make two
names look alike.
"""

import re
from collections.abc import Iterable
from decimal import Decimal

from lyrikstore.canon.errors import InvalidInputError

_BRIEF = 160
"""Characters of a path that a message shows."""

# Default_Ignorable_Code_Point of Unicode, which contains most bidi controls, then the
# interlinear annotation characters. They do not show, so two names with them look like one.
IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)

# What `\s` means differs by language and library.
WHITE_SPACE = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""Unicode White_Space, and U+FEFF, the byte-order mark that Windows editors leave in front."""


def escape_control(text: object) -> str:
    """Return ``text`` on one line, with everything spelt out as an escape that does not show.

    That is what Unicode calls control, format, surrogate, private, unassigned, ignorable, or a
    separator other than the space.
    """
    whole = str(text)
    if whole.isascii() and whole.isprintable():
        return whole
    return "".join(
        character
        if character.isprintable() and not IGNORABLE.match(character)
        else character.encode("unicode_escape").decode("ascii")
        for character in whole
    )


def pluralize(count: int, one: str, many: str = "") -> str:
    """Return ``1 pack``, ``2 packs``, ``0 entries``: a count and the noun in its number.

    Args:
        count: How many.
        one: The noun for one, with its verb if that changes as well: ``pack is``.
        many: The same for any other number; made from ``one`` if it is regular.
    """
    return f"{count} {one if count == 1 else many or _plural(one)}"


def _plural(one: str) -> str:
    return f"{one[:-1]}ies" if one.endswith("y") and one[-2] not in "aeiou" else f"{one}s"


def rough(value: float | Decimal) -> str:
    """Return a figure for people: two significant digits below 10, else whole; no exponent."""
    if value >= 10 or not value:
        return f"{value:.0f}"
    return f"{Decimal(f'{value:.2g}'):f}"


def suggest(got: str, known: Iterable[str]) -> str:
    """Return the question whether something similar was meant, or nothing where nothing is."""
    from difflib import get_close_matches

    names = get_close_matches(got, sorted(known), n=3, cutoff=0.6)
    return f"did you mean {' or '.join(repr(name) for name in names)}?" if names else ""


def unknown_word(
    kind: str, what: str, got: str, known: Iterable[str], *, otherwise: str = ""
) -> InvalidInputError:
    """Return the error for a word that is not among ``known``, with near matches in the hint.

    Args:
        kind: The error kind.
        what: Such as ``key in step 2``; the message reads "unknown WHAT 'GOT'".
        got: What the user wrote.
        known: What would have been accepted.
        otherwise: The hint where nothing is near, instead of a list of what is known.
    """
    names = sorted(known)
    listed = f"known: {', '.join(names)[:300]}" if names else "nothing is accepted here"
    hint = suggest(got, names) or otherwise or listed
    return InvalidInputError(kind, f"unknown {what} {got[:80]!r}", hint=hint, details={"got": got})


def brief(shown: str) -> str:
    """Return text that is safe to show, without its middle where it would fill the screen."""
    return shown if len(shown) <= _BRIEF else f"{shown[: _BRIEF // 2]} … {shown[-_BRIEF // 2 :]}"
