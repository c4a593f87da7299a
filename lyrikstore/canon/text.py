"""Text for people: escaping of foreign text, plurals, suggestions of similar words.

File names, credentials and cards are written by people we do not know. A control or direction
character in one could forge lines of our own output, and one that does not show could make two
names look alike.
"""

import re
from collections.abc import Iterable
from decimal import Decimal

from lyrikstore.canon.errors import InvalidInputError

_BRIEF = 160
"""Most characters of a path in a message."""

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
    """Return ``text`` on one line, with every invisible character replaced by an escape.

    Invisible are the characters of Unicode's categories control, format, surrogate, private and
    unassigned, ignorable ones, and separators other than the space.
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
    """Return a count with its noun: ``1 pack``, ``2 packs``, ``0 entries``.

    Args:
        count: The number.
        one: The singular noun, with its verb if that changes as well: ``pack is``.
        many: The plural; derived from ``one`` if it is regular.
    """
    return f"{count} {one if count == 1 else many or _plural(one)}"


def _plural(one: str) -> str:
    return f"{one[:-1]}ies" if one.endswith("y") and one[-2] not in "aeiou" else f"{one}s"


def duration_in_words(seconds: Decimal) -> str:
    """Return a duration in seconds, minutes or hours, such as ``5 min``."""
    if seconds < 100:
        return f"{rough(seconds)} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def rough(value: float | Decimal) -> str:
    """Return a figure for people: two significant digits below 10, else whole; no exponent."""
    if value >= 10 or not value:
        return f"{value:.0f}"
    return f"{Decimal(f'{value:.2g}'):f}"


def suggest(got: str, known: Iterable[str]) -> str:
    """Return a question with a similar known word, or an empty string if there is none."""
    from difflib import get_close_matches

    names = get_close_matches(got, sorted(known), n=3, cutoff=0.6)
    return f"did you mean {' or '.join(repr(name) for name in names)}?" if names else ""


def unknown_word(
    kind: str, what: str, got: str, known: Iterable[str], *, otherwise: str = ""
) -> InvalidInputError:
    """Return the error for a word that is not among ``known``, with near matches in the hint.

    Args:
        kind: The error kind.
        what: The place, such as ``key in step 2``; the message reads "unknown WHAT 'GOT'".
        got: The user's word.
        known: The accepted words.
        otherwise: The hint if no known word is similar, instead of a list of them.
    """
    names = sorted(known)
    listed = f"known: {', '.join(names)[:300]}" if names else "nothing is accepted here"
    hint = suggest(got, names) or otherwise or listed
    return InvalidInputError(kind, f"unknown {what} {got[:80]!r}", hint=hint, details={"got": got})


def brief(shown: str) -> str:
    """Return escaped text, without its middle if it is long."""
    return shown if len(shown) <= _BRIEF else f"{shown[: _BRIEF // 2]} … {shown[-_BRIEF // 2 :]}"
