"""Ages above 89, in figures and in words."""

import re
from collections.abc import Iterator

from lyrikstore.curate.personal.recognisers.marks import Mark

_OLD = r"(?:9\d|1[0-2]\d)"
_WORDS = (
    r"(?:ninety(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))?"
    r"|(?:one|a) hundred(?:(?: and)? (?:one|two|three|four|five|six|seven|eight|nine|ten|eleven"
    r"|twelve))?)"
)
_VALUE = rf"(?:{_OLD}(?![\d.,%])|{_WORDS})"
_YEARS_OLD = re.compile(
    rf"(?<![\w.])(?P<age>{_VALUE})[ -]?(?:\+[ -]?)?(?:years?|yrs?|yr\.)[ -]"
    r"(?:and \d{1,2} months? )?(?:old|of[ -]age|young)(?![^\W_])",
    re.IGNORECASE,
)
_SHORT = re.compile(
    rf"(?<![\w.])(?P<age>{_VALUE})[ -]?(?:y/o|yo|y\.o\.|yrs? ?old)(?![^\W_])", re.IGNORECASE
)
_AGED = re.compile(
    r"(?<![^\W_])(?:aged?|age is|age of|turned|turning|is now|aged about)[ :=]{1,3}"
    rf"(?:about |approximately |over )?(?P<age>{_VALUE})"
    r"(?![^\W_]|[ -](?:day|hour|minute|%|percent))",
    re.IGNORECASE,
)
_SEX = re.compile(
    rf"(?<![\w./-])(?P<age>{_OLD}) ?(?:[mf]|male|female|man|woman)(?![^\W_])", re.IGNORECASE
)
_BIRTHDAY = re.compile(
    rf"(?<![^\W_])(?P<age>{_OLD})(?:st|nd|rd|th) birthday(?![^\W_])", re.IGNORECASE
)
_NINETIES = re.compile(
    r"(?<![^\W_])in (?:his|her|their) "
    r"(?P<age>(?:(?:early|mid|late)[ -])?(?:nineties|90['\u2019]?s))"
    r"(?![^\W_])",
    re.IGNORECASE,
)
_WORD = re.compile(
    r"(?<![^\W_])(?P<age>nonagenarian|centenarian|supercentenarian)s?(?![^\W_])", re.IGNORECASE
)


def find_ages(text: str) -> Iterator[Mark]:
    """Yield the ages above 89: ``92-year-old``, ``ninety`` of ``aged ninety``."""
    for pattern in (_YEARS_OLD, _SHORT):
        for found in pattern.finditer(text):
            yield found.start(), found.end(), "age"
    for pattern in (_AGED, _SEX, _BIRTHDAY, _NINETIES, _WORD):
        for found in pattern.finditer(text):
            yield found.start("age"), found.end("age"), "age"
