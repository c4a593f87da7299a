"""Escaping of foreign text in Markdown and YAML: shown literally, never interpreted (spec §14.5).

Names, remarks, labels and answers come from unknown people. In a card they must not become
headings, links, HTML, front matter or invisible instructions to a reader or a program.
"""

import re
import unicodedata

from lyrikstore.canon.text import IGNORABLE

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARKUP = re.compile(
    r"""
    [\\`*_{}\[\]<>~&|\#$@]  # emphasis, code, links, HTML, tables, mentions, mathematics
    | :(?=//) | (?<=www)\.   # addresses that renderers turn into links by themselves
    | ^[-+=]                 # what makes a list or a heading at the start of a line
    | (?:(?<=^[0-9])|(?<=^[0-9]{2})|(?<=^[0-9]{3}))[.)](?=\s|$)
    """,
    re.VERBOSE | re.IGNORECASE,
)


def plain(text: str, limit: int = 2000) -> str:
    """Return ``text`` on one line, without invisible characters, at most ``limit`` long.

    Args:
        text: Any text.
        limit: Characters kept; ``…`` marks a cut.
    """
    seen = (
        " " if c in "\t\n\r\u2028\u2029" else "" if unicodedata.category(c) in _HIDDEN else c
        for c in text
    )
    # ATTACK: 256 invisible variation selectors encode instructions to a program that reads it.
    line = " ".join(IGNORABLE.sub("", "".join(seen)).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def escape(text: str, limit: int = 2000) -> str:
    """Return ``text`` so that Markdown, HTML and tables show it literally, on one line.

    Characters with a meaning in Markdown or one of its dialects become HTML entities, which have no
    meaning in any of them. A backslash would stop neither raw HTML nor the links that renderers
    make of bare addresses. All other characters stay, so that the source is readable too.
    """
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", plain(text, limit))


def code(text: str) -> str:
    """Return an id or number as Markdown code; text with unusual characters is escaped instead."""
    return f"`{text}`" if re.fullmatch(r"[A-Za-z0-9:/._~+-]+", text) else escape(text)


def quoted(text: str) -> str:
    """Return ``text`` as a YAML double-quoted scalar on one line.

    JSON's string syntax is a subset of YAML's, so no text can end the scalar.
    """
    import json

    return json.dumps(plain(text, 500), ensure_ascii=False)
