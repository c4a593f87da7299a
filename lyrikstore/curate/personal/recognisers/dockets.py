"""Docket and case numbers of courts, recognised so that other kinds do not take them."""

import re
from collections.abc import Iterator

from lyrikstore.curate.personal.recognisers.marks import Mark, words

_COURT_WORDS = words(
    "case, docket, civil action, criminal action, civil case, criminal case, cause, index, "
    "appeal, adversary, "
    "adv, adversary proceeding, bankruptcy, petition, application, suit, complaint, "
    "indictment, proceeding, "
    "writ, action, mdl, opinion, c.a, civ, crim, dkt, arbitration, claim form, o.a, w.p, slp, "
    "crl.a, affaire, "
    "gz, az, rs"
)
_LABEL = re.compile(
    rf"(?<![^\W_])(?:{_COURT_WORDS}[ .]{{0,2}}(?:(?:numbers?|nos?\.?|nrs?\.?|num\.?|ids?)"
    r"(?![^\W_])|\#)"
    r"|(?<![A-Za-z] )nos?\.(?=[ ]?\d{1,2}-[a-z]{2}-)|(?<![A-Za-z] )nos?\.(?= ?\d{2,4}-\d{3,5}"
    r"(?!\d))"
    r"|(?:docket|case)(?=[ ]?[:#]))[\s:#.]{0,4}",
    re.IGNORECASE,
)
_BARE = re.compile(r"(?:docket|case)[\s:#.]{0,5}", re.IGNORECASE)
_VALUE = re.compile(
    r"[A-Z0-9(][A-Z0-9()]{0,15}"
    r"(?:(?:[-/:.\u2010-\u2013_]|(?<=[A-Z)]) (?=\d)|(?<=[\d)]) (?!and|to|or)(?=[A-Z]{1,4}[ /:-]\d))"
    r"(?=[A-Z0-9()]{0,8}\d|[A-Z]{1,6}[-/: ])[A-Z0-9()]{1,12}){0,7}",
    re.IGNORECASE,
)
_NEXT = re.compile(
    r"\s{0,2}(?:[,;&]|(?<![^\W_])(?:and|to)(?![^\W_]))(?:[\s,;&]|(?<![^\W_])(?:and|to)(?![^\W_])){0,3}"
    r"(?=[A-Z0-9]{0,4}\d)",
    re.IGNORECASE,
)
_TAIL = re.compile(r"(?:[ -]\([A-Z]{1,6}\)){1,3}")
_FEDERAL = re.compile(
    r"(?<![\w-])(?:\d{1,2}:)?\d{2,4}[- ](?:cv|cr|mc|md|bk|mj|ap|po|civ|crim|misc|cm)[- ]\d{2,6}"
    r"(?:-[A-Z]{1,4}){0,4}(?![\w-])",
    re.IGNORECASE,
)
_EUROPEAN = re.compile(r"(?<![\w-])[CTF][-\u2010\u2011]\d{1,4}/\d{2}(?: ?P)?(?![\w/])")
_GERMAN = re.compile(
    r"(?<![^\W_])(?:[IVX]{1,5}|\d{1,3}) [A-Z][A-Za-z]{0,3}"
    r"(?: \([A-Za-z]{1,4}\))? \d{1,5}/\d{2}(?![\w/])"
)
_OTHER = re.compile(  # a telephone number or a date
    r"\d{3}[-. ]\d{3}[-. ]\d{4}"
    r"|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}"
)
MAX_VALUES = 20  # of a list after one label


def find_dockets(text: str) -> Iterator[Mark]:
    """Yield the docket numbers: ``0012/2007`` of ``Case No. 0012/2007``, ``1:19-cv-01234-ABC``."""
    for pattern in (_FEDERAL, _EUROPEAN, _GERMAN):
        for found in pattern.finditer(text):
            yield found.start(), found.end(), "docket"
    for label in _LABEL.finditer(text):
        start = label.end()
        first: list[str] = []
        for _ in range(MAX_VALUES):
            value = _VALUE.match(text, start)
            if value is None or not any(sign.isdigit() for sign in value[0]):
                break
            # "Case: 617-555-0199" and "Patient case: 03/15/1962" name no docket.
            if _BARE.fullmatch(label[0]) and _OTHER.fullmatch(value[0]):
                break
            form = [sign for sign in value[0] if not sign.isalnum()]
            if start > label.end() and form != first:
                break  # of another form, such as a telephone number
            first = form
            tail = _TAIL.match(text, value.end())
            end = value.end() if tail is None else tail.end()
            yield start, end, "docket"
            following = _NEXT.match(text, end)
            if following is None:
                break
            start = following.end()
