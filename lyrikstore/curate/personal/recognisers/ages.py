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
_GERMAN_OLD = re.compile(
    rf"(?<![\w.])(?:{_OLD}|(?:(?:ein|zwei|drei|vier|f\u00fcnf|sechs|sieben|acht|neun)und)?neunzig"
    r"|(?:ein)?hundert)(?:[ -]?j\u00e4hrige?[nrms]?| Jahren? alt)(?![^\W_])",
    re.IGNORECASE,
)
_YEARS_OLD = re.compile(
    rf"(?<![\w.])(?P<age>{_VALUE})[ -]?(?:\+[ -]?)?(?:years?|yrs?|yr\.)[ -]"
    r"(?:and \d{1,2} months? )?(?:old|of[ -]age|young)(?![^\W_])",
    re.IGNORECASE,
)
_SHORT = re.compile(
    rf"(?<![\w.])(?P<age>{_VALUE})[ -]?(?:y/o|yo|y\.o\.|yrs? ?old)(?![^\W_])", re.IGNORECASE
)
_AGED = re.compile(
    r"(?<![^\W_])(?:aged?|age is|age of|turned|turning|is now|aged about|alter(?: von)?)[ :=]{1,3}"
    rf"(?:about |approximately |over |fast |etwa |\u00fcber )?(?P<age>{_VALUE})"
    r"(?![^\W_]|[ -](?:day|hour|minute|%|percent|tag|stunde|woche|monat))",
    re.IGNORECASE,
)
_SEX = re.compile(  # "100 m" is a length, and "§ 100f" a law
    rf"(?<![\w./-])(?<!\u00a7 )(?P<age>{_OLD})"
    r"(?=(?:(?<!\d\d\d)[mf]| ?(?:[MF]|(?i:male|female|man|woman)))(?![^\W_]))"
)
_BIRTHDAY = re.compile(
    rf"(?<![^\W_])(?P<age>{_OLD})(?:(?:st|nd|rd|th) birthday|\. geburtstag)(?![^\W_])",
    re.IGNORECASE,
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
    for pattern in (_YEARS_OLD, _SHORT, _GERMAN_OLD):
        for found in pattern.finditer(text):
            yield found.start(), found.end(), "age"
    for pattern in (_AGED, _SEX, _BIRTHDAY, _NINETIES, _WORD):
        for found in pattern.finditer(text):
            yield found.start("age"), found.end("age"), "age"
