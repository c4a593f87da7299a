"""E-mail addresses, web addresses and IP addresses."""

import re
from collections.abc import Iterator
from ipaddress import IPv6Address

from lyrikstore.curate.personal.recognisers.marks import Mark, before

_EMAIL = re.compile(
    r"(?<![\w.+%'&~=-])\w[\w.+%'&~=-]{0,63}@(?:[^\W_](?:[\w-]{0,62})\.){1,8}[^\W\d_][\w-]{1,62}"
)
_LATE_EMAIL = re.compile(r"[\w.+%-]{1,64}@(?:[^\W_][\w-]{0,62}\.){1,8}[^\W\d_][\w-]{1,62}")
_SPELLED = re.compile(
    r"(?<![\w.-])[\w.-]{1,64}\s?(?:[\[({<]\s?at\s?[\])}>]|\sat\s)\s?[\w-]{1,63}"
    r"(?:\s?(?:[\[({<]\s?dot\s?[\])}>]|\sdot\s)\s?[\w-]{2,24}){1,3}(?![\w-])",
    re.IGNORECASE,
)
_MAILTO = "mailto:"

_REST = r"[^\s<>\"`{}|\\^\x00-\x1f\x7f]{1,2048}"
_SCHEME = re.compile(
    rf"(?<![^\W_])(?:https?|ftps?|sftp|git|svn|ssh|rsync|ldaps?|gopher|irc|file|wss?|doi):/?/{_REST}",
    re.IGNORECASE,
)
_WWW = re.compile(rf"(?<![\w.@/-])(?:www\d?|ftp)\.(?=[^\W_]){_REST}", re.IGNORECASE)
_ENDING = (
    r"(?:com|org|net|edu|gov|mil|int|info|biz|io|dev|ai|app|me|eu|uk|de|fr|ch|at|nl|be|it|es|se|no|dk"
    r"|fi|pl|cz|ru|jp|cn|kr|in|au|nz|ca|us|br|za|ie|pt|il|tw|hk|sg|tv|cc|ws|co|name|law|health|bank|online"
    r"|site|xyz|example|test)"
)
_HOST = re.compile(
    rf"(?<![\w.@/-])(?P<host>(?:[A-Za-z0-9][A-Za-z0-9-]{{0,62}}\.){{1,5}}{_ENDING})(?![\w@-])(?!\.[a-z])"
    rf"(?P<path>(?::\d{{1,5}})?/{_REST}|\?[\w=&%+-]{{1,200}})?",
    re.IGNORECASE,
)
_COMPANY = re.compile(
    r",? (?:Inc|LLC|L\.L\.C|Ltd|Limited|Corp|Corporation|Co|GmbH|AG|LP|LLP|PLC|S\.A|N\.V|B\.V)"
    r"(?![^\W_])"
)
_SITE = re.compile(
    r"(?<![^\W_])(?:web|website|site|url|homepage|home page|visit|http|link|online at"
    r"|page)[\s:(]{1,3}"
    r"(?:(?:is|at)\s)?\Z",
    re.IGNORECASE,
)
_TAIL = ".,;:!?'*_~\u2019\u201d\u00bb"
_BRACKETS = {")": "(", "]": "["}

_IPV4 = re.compile(
    r"(?<![\w.:/-])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)"
    r"(?:/\d{1,2}|:\d{1,5})?(?![\w-])(?!\.\d)"
)
_IPV6 = re.compile(
    r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}(?:[.\d]{7,15})?(?:/\d{1,3})?(?![\w:])"
)
_NUMBERING = re.compile(
    r"(?<![^\W_])(?:v|ver|version|release|rev|section|sections|sec|\u00a7{1,2}|article|clause|paragraph|para"
    r"|chapter|part|item|rule|table|figure|appendix|annex|oid|build"
    r"|nr|nummern?|absatz|abs|ziffer|abschnitt|punkt|kapitel|artikel|anlage|tabelle|regel)[\s.]{0,2}\Z",
    re.IGNORECASE,
)
_HEADING_BEFORE = re.compile(r"(?:\A|[.;:\n])\s{0,8}\Z")
_HEADING = re.compile(r"[.)]?\s{1,4}[A-Z(\u201c\"]")


def find_emails(text: str) -> Iterator[Mark]:
    """Yield e-mail addresses, under any ending, also ``name [at] host [dot] com``."""
    for pattern in (_EMAIL, _LATE_EMAIL) if "@" in text else ():
        for found in pattern.finditer(text):
            yield found.start() + len(_MAILTO) * found[0].startswith(_MAILTO), found.end(), "email"
    for found in _SPELLED.finditer(text):
        if "dot" in found[0].lower():
            yield found.start(), found.end(), "email"


def find_urls(text: str) -> Iterator[Mark]:
    """Yield web addresses.

    A bare name such as ``example.com`` is one if it is in lower case, has a path, three parts, or a
    word such as "website" before it. ``MP3.com`` and ``amazon.com, Inc.`` are companies.
    """
    for pattern in (_SCHEME, _WWW):
        for found in pattern.finditer(text):
            end = _end(text, found.start(), found.end())
            if end > found.start() + 4:
                yield found.start(), end, "url"
    for found in _HOST.finditer(text):
        if found["path"] is not None or not names_company(text, *found.span("host")):
            yield found.start(), _end(text, found.start(), found.end()), "url"


def names_company(text: str, start: int, end: int) -> bool:
    """Return whether a host name is a company's name: ``MP3.com``, ``amazon.com, Inc.``."""
    host = text[start:end]
    if "/" in host or host.lower().startswith(("www.", "ftp.")):
        return False
    if _COMPANY.match(text, end) is not None:
        return True
    capital = any(sign.isupper() for sign in host)
    return capital and host.count(".") < 2 and not _SITE.search(before(text, start))


def find_ips(text: str) -> Iterator[Mark]:
    """Yield IPv4 and IPv6 addresses, except numbers after "version" or "section"."""
    for found in _IPV4.finditer(text):
        if not is_numbering(text, *found.span()):
            yield found.start(), found.end(), "ip"
    for found in _IPV6.finditer(text) if ":" in text else ():
        if _is_ipv6(found[0].split("/")[0]):
            yield found.start(), found.end(), "ip"


def is_numbering(text: str, start: int, end: int) -> bool:
    """Return whether the number is that of a version or a section: "9.1.1.1 The Party"."""
    context = before(text, start, 16)
    if _NUMBERING.search(context) is not None:
        return True
    return _HEADING.match(text, end) is not None and _HEADING_BEFORE.search(context) is not None


def _is_ipv6(candidate: str) -> bool:
    if len(candidate) < 6 or not any(sign.isdigit() for sign in candidate):
        return False
    try:
        IPv6Address(candidate)
    except ValueError:
        return False
    return True


def _end(text: str, start: int, end: int) -> int:
    """Return the end without punctuation and brackets that the sentence has put there."""
    while end > start:
        last = text[end - 1]
        if last in _BRACKETS:
            if text.count(last, start, end) <= text.count(_BRACKETS[last], start, end):
                break
        elif last not in _TAIL:
            break
        end -= 1
    return end
