"""``.lyrikignore``: rules that leave files of a folder out of a commit."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.files import read_at_most

IGNORE_FILE = ".lyrikignore"
MAX_BYTES = 1 << 20


class Rule(NamedTuple):
    """One line of an ignore file.

    Attributes:
        line: Its line number.
        pattern: The regular expression for the relative paths that it matches.
        negated: Whether it includes files again (``!``).
        folders_only: Whether it matches only folders: the line ends in ``/``.
    """

    line: int
    pattern: re.Pattern[str]
    negated: bool
    folders_only: bool


def load_rules(path: Path) -> tuple[Rule, ...]:
    """Return the rules of an ignore file; a missing file has no rules.

    Raises:
        InvalidInputError: (``bad-ignore``) it is not a regular file of UTF-8 text, or too large.
        LyrikstoreError: See :func:`read_at_most`.
    """
    if not os.path.lexists(path):
        return ()
    if not path.is_file():  # ATTACK: reading a FIFO in another user's folder would never end
        raise _bad(f"{path}: not a regular file")
    data = read_at_most(path, MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise _bad(f"{path}: larger than {MAX_BYTES} bytes")
    try:
        text = data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
        return parse_rules(text)
    except UnicodeDecodeError:
        raise _bad(f"{path}: not UTF-8") from None


def parse_rules(text: str) -> tuple[Rule, ...]:
    """Return the rules in ``text`` (spec §12.1.1): Git's syntax without ``[…]``."""
    rules: list[Rule] = []
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.rstrip("\r").rstrip(" ")
        if not line or line.startswith("#"):
            continue
        negated = line.startswith("!")
        glob = line[1:] if negated else line.removeprefix("\\")
        folders_only = glob.endswith("/")
        glob = glob.rstrip("/")
        if glob:
            rules.append(Rule(number, _compile(glob), negated, folders_only))
    return tuple(rules)


def ignored_by(path: str, rules: Sequence[Rule], *, is_folder: bool) -> Rule | None:
    """Return the rule that leaves ``path`` out, or ``None``; the last match decides."""
    for rule in reversed(rules):
        if (is_folder or not rule.folders_only) and rule.pattern.fullmatch(path):
            return None if rule.negated else rule
    return None


def _compile(glob: str) -> re.Pattern[str]:
    anchored = "/" in glob
    parts: list[str] = []
    for segment in glob.removeprefix("/").split("/"):
        if segment == "**":
            parts.append("**")
            continue
        # Several * in a row mean one *: "a*****b" must not make matching exponential.
        pieces = re.split(r"(\*+|\?)", segment)
        parts.append(
            "".join(
                "[^/]*" if piece.startswith("*") else "[^/]" if piece == "?" else re.escape(piece)
                for piece in pieces
            )
        )
    expression = "" if anchored else "(?:.*/)?"
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if part == "**":
            expression += ".*" if last else "(?:.*/)?"
        else:
            expression += part if last else part + "/"
    return re.compile(expression, re.DOTALL)


def _bad(message: str) -> InvalidInputError:
    return InvalidInputError("bad-ignore", message, hint="correct or remove the ignore file")
