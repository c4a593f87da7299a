"""Text of strangers, made safe to show.

File names, credentials and cards are written by people we do not know. A control or direction
character in one could forge lines of our own output, and one that does not show could make two
names look alike.
"""

import re

# Default_Ignorable_Code_Point of Unicode, which contains most bidi controls, then the
# interlinear annotation characters. They do not show, so two names with them look like one.
IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def visible(text: object) -> str:
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
