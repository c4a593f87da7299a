"""Search for e-mail addresses, URLs and phone numbers, in linear time.

Normative text: spec §12.5.5. Every pattern is bounded, or anchored on a required character, so that
no text makes the search quadratic: a megabyte of ``a``, ``1`` or ``@`` costs as much as a megabyte
of prose (tests/curate/test_filters.py).
"""

import re
from collections.abc import Iterator

Span = tuple[int, int]
"""Start and end in code points, end exclusive."""

_LOCAL = re.compile(r"[\w.+%'&~=-]")
_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,62})\.){1,8}[^\W\d_][\w-]{1,62}")
MAX_LOCAL = 64  # code points before the @, as RFC 5321 has it

_SCHEME = re.compile(
    r"(?:https?|ftps?|sftp|git|svn|ssh|rsync|ldaps?|gopher|irc|file)\Z", re.IGNORECASE
)
_HOST_START = re.compile(r"[wWfF](?:[wW]{2}\d?|[tT][pP])\.(?=[^\W_])")
_URL_REST = re.compile(r"[^\s<>\"`{}|\\^\x00-\x1f\x7f]*")
_URL_TAIL = ".,;:!?'*_~\u2019\u201d\u00bb"
_BRACKETS = {")": "(", "]": "["}
_COMMON_DOMAIN = re.compile(
    r"\.(?:com|org|net|edu|gov|mil|int|info|biz|io|dev|ai|app|me|eu|uk|de|fr|ch|at|nl|be|it|es|se"
    r"|no|dk|fi|pl|cz|ru|jp|cn|kr|in|au|nz|ca|us|br|za|ie|pt|il|tw|hk|sg|tv|cc|ws)(?![\w@-])",
    re.IGNORECASE,
)
_HOST = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")
MAX_HOST = 253  # code points: the longest name of the DNS

_DIGITS = re.compile(r"[+(\d][\d .\-/()\u2010-\u2013]{6,}")
_NATIONAL = re.compile(
    r"(?<![\w.+-])(?:\+?1[ .-]?)?(?:\(\d{3}\)[ .-]?|\d{3}[.-])\d{3}[.-]\d{4}(?![\w-])"
)
_INTERNATIONAL = re.compile(r"(?<![\w+])(?:\+|00(?=[1-9]))\d[\d .\-/()\u2010-\u2013]{5,24}")
_LABEL = re.compile(
    r"(?<![^\W_])(?:tel|telephone|phone|fax|facsimile|mobile|cell|cellphone)"
    r"[ .:#\t]{0,6}(?:(?:no|nr|number)[ .:#]{1,4})?\Z",
    re.IGNORECASE,
)
_LABELLED = re.compile(r"[+(]?\d[\d .\-/()\u2010-\u2013]{5,24}")
_PHONE_DIGITS = range(7, 16)


def find_emails(text: str) -> Iterator[Span]:
    """Yield the e-mail addresses: up to 64 characters before an ``@``, a dotted domain after."""
    at = text.find("@")
    while at >= 0:
        domain = _DOMAIN.match(text, at + 1, at + 1 + 255)
        start = at
        floor = max(0, at - MAX_LOCAL)
        while start > floor and _LOCAL.match(text[start - 1]):
            start -= 1
        while start < at and not text[start].isalnum() and text[start] != "_":
            start += 1
        if domain is not None and start < at:
            yield start, domain.end()
        at = text.find("@", at + 1)


def find_urls(text: str) -> Iterator[Span]:
    """Yield the URLs: a known scheme, ``www.``, or a bare host name under a common domain."""
    # `done` keeps the search linear: the text of a found URL is not searched again.
    done = 0
    colon = text.find("://")
    while colon >= 0:
        scheme = _SCHEME.search(text[max(0, colon - 7) : colon])
        if scheme is not None:
            start = colon - len(scheme[0])
            end = _url_end(text, start, colon + 3)
            if end > colon + 3 and not (start and text[start - 1].isalnum()):
                yield start, end
            done = end
        colon = text.find("://", max(done, colon + 3))
    done = 0
    for host in _HOST_START.finditer(text):
        start = host.start()
        if start >= done and not (start and _in_word(text[start - 1], ".@")):
            done = _url_end(text, start, host.end())
            yield start, done
    done = 0
    for domain in _COMMON_DOMAIN.finditer(text):
        start = domain.start()
        if start < done:
            continue
        floor = max(0, start - MAX_HOST)
        while start > floor and text[start - 1] in _HOST:
            start -= 1
        while start < domain.start() and not text[start].isalnum():
            start += 1
        if start == domain.start() or (start and _in_word(text[start - 1], "@/")):
            continue
        slash = text[domain.end() : domain.end() + 1] == "/"
        done = _url_end(text, start, domain.end()) if slash else domain.end()
        yield start, done


def find_phones(text: str) -> Iterator[Span]:
    """Yield the phone numbers: North American forms, ``+`` numbers, and digits after "Tel"."""
    for run in _DIGITS.finditer(text):
        start, end = run.span()
        for pattern in (_NATIONAL, _INTERNATIONAL):
            # One character more than the run, or the look-ahead would see the end of the text.
            for number in pattern.finditer(text, start, end + 1):
                yield from _phone(text, *number.span())
        if _LABEL.search(text[max(0, start - 28) : start]):
            labelled = _LABELLED.match(text, start)
            if labelled is not None:
                yield from _phone(text, *labelled.span())


def _phone(text: str, start: int, end: int) -> Iterator[Span]:
    while end > start and not text[end - 1].isdigit():
        end -= 1
    digits = sum(character.isdigit() for character in text[start:end])
    if digits in _PHONE_DIGITS and not (end < len(text) and text[end].isdigit()):
        yield start, end


def _in_word(character: str, others: str) -> bool:
    return character.isalnum() or character == "_" or character in others


def _url_end(text: str, start: int, place: int) -> int:
    rest = _URL_REST.match(text, place)
    end = rest.end() if rest is not None else place
    opened = {closing: text.count(_BRACKETS[closing], start, end) for closing in _BRACKETS}
    closed = {closing: text.count(closing, start, end) for closing in _BRACKETS}
    while end > start:
        last = text[end - 1]
        if last in _BRACKETS and closed[last] > opened[last]:
            closed[last] -= 1
        elif last not in _URL_TAIL:
            break
        end -= 1
    return end
