"""Telephone and fax numbers: North American and international forms, or after a word for one."""

import re
from collections.abc import Iterator

from lyrikstore.curate.personal.recognisers.marks import Mark, before

_EXTENSION = r"(?:,?\s?(?:x|ext\.?|extension|extn)[ .:]?\s?\d{1,6}(?!\d))?"
_AREA = (
    r"(?:(?:\+|00)?1[ .-]?)?(?:\(\d{3}\)[ .-]{0,2}"
    r"|\d{3}[ .\u2010\u2011\u2013-]{1,2})\d{3}[ .\u2010\u2011\u2013-]{1,2}\d{4}"
)
_NATIONAL = re.compile(rf"(?<![\w+])(?<!\w[./-]){_AREA}{_EXTENSION}(?!\w|-\w)(?!\.\d)")
_CLOSED = re.compile(
    rf"(?<![\w+])(?<!\w[./-])(?:\+?1[ .-]?)?\(\d{{3}}\)\d{{7}}{_EXTENSION}(?!\w|-\w)"
)
_INTERNATIONAL = re.compile(
    rf"(?<![\w+])\+[1-9]\d{{0,3}}(?:\)?[ .\-/\u2010-\u2013]?\(?\d){{3,24}}\)?{_EXTENSION}"
    r"(?!\w|-\w)"
)
_ZEROS = re.compile(
    rf"(?<!\w)(?<!\w[./-])00[1-9]\d{{0,2}}"
    rf"(?:\)?[ .\-\u2010-\u2013]?\(?\d){{4,24}}\)?{_EXTENSION}"
    r"(?!\w|[/-]\w)"
)
_TRUNK = re.compile(
    r"(?<!\w)(?<!\w[./-])(?!\d{5}-\d{4}(?!\d))(?:\(0[1-9]\d{1,4}\)|0[1-9]\d{1,4})"
    r"(?:[ -]|\s?/\s?)\d{2,8}(?:[ -]\d{2,6}){0,3}(?!\w|[/-]\w)"
)
_CONTEXT = (
    r"(?<![^\W_])(?:tel|telephone|telefon|t\u00e9l|phone|phones|ph|fax|faxed|facsimile|telefax|mobile"
    r"|mob|cell|cellphone|call|called|calling|dial|contact|reach|reached|text|texted|pager|beeper"
    r"|hotline|voicemail|whatsapp|home|work|number|handy|numbers|fon|mobil|festnetz|durchwahl|erreichbar"
    r"|(?:telefon|handy|mobil|ruf|fax)nummer|nummer)"
)
_LABEL = re.compile(
    rf"{_CONTEXT}(?![^\W_])(?:[\s.:#()/=-]|(?<![^\W_])(?:no|nr|number|numbers|at|on|me|him|her|us|them|is|was|to"
    r"|the|line|office|ext|extension|unter|der|lautet|ist)(?![^\W_])){0,8}\Z",
    re.IGNORECASE,
)
_LABELLED = re.compile(
    rf"(?<![\w/.])[+(]{{0,2}}\d(?:[ .\-/()\u2010-\u2013]{{0,3}}\d){{5,16}}{_EXTENSION}(?![\w])"
)
_FAX = re.compile(
    r"(?<![^\W_])(?:fax|faxed|facsimile|telefax|faxnummer)(?![^\W_])[^\n\d@]{0,24}\Z", re.IGNORECASE
)
_FAX_AFTER = re.compile(
    r"\s{0,2}(?:\((?:fax|facsimile|f)\)|\(?(?:fax|facsimile)(?![^\W_]))"
    r"(?!\W{0,6}[\d(+])",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"(?<![^\W_])(?:isbn|issn|doi|rfc|patent|serial|order|part|model)"
    r"(?:[ -]?(?:no|nr|number|10|13))?[ .:#]{1,4}\Z",
    re.IGNORECASE,
)


def find_phones(text: str) -> Iterator[Mark]:
    """Yield telephone numbers; one beside a word for fax is a ``fax``."""
    for pattern in (_NATIONAL, _CLOSED, _INTERNATIONAL, _ZEROS, _TRUNK):
        for found in pattern.finditer(text):
            figures = sum(sign.isdigit() for sign in found[0])
            least = 9 if pattern in (_ZEROS, _TRUNK) else 7
            if least <= figures <= 21 and not _OTHER.search(before(text, found.start())):
                yield _mark(text, *found.span())
    for found in _LABELLED.finditer(text):
        if _LABEL.search(before(text, found.start())):
            yield _mark(text, *found.span())


def _mark(text: str, start: int, end: int) -> Mark:
    if start and text[start - 1] == "(" and text[start:end].count(")") > text[start:end].count("("):
        start -= 1
    fax = _FAX.search(before(text, start)) or _FAX_AFTER.match(text, end)
    return start, end, "fax" if fax else "phone"
