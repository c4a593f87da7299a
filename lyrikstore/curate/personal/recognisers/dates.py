"""Dates in all written forms: month words, ordinals, ranges, ISO, numbers. Years alone stay."""

import re
from collections.abc import Iterator

from lyrikstore.curate.personal.recognisers.marks import Mark, before

_MONTHS = (
    r"(?:J(?:an(?:uary|vier|uar|\.)?|\u00e4nner)|Feb(?:ruary|ruar|\.)?|March|M\u00e4rz|Mar\.?|Apr(?:il|\.)?"
    r"|Ma[iy]|June?\.?|Juni|July?\.?|Juli|Aug(?:ust|\.)?|Sept?(?:ember|\.)?|O[ck]t(?:ober|\.)?"
    r"|Nov(?:ember|\.)?|De[cz](?:ember|\.)?"
    r"|f\u00e9vrier|mars|avril|mai|juin|juillet|ao\u00fbt|septembre|octobre|novembre|d\u00e9cembre"
    r"|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre)"
)
# Months that are no other word, and those that begin with a capital: "may" and "march" are verbs.
_MONTH = rf"(?:(?i:{_MONTHS}))(?![^\W_])"
_ONES = "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth"
_DAY_WORD = (
    rf"(?:(?i:(?:twenty|thirty)[ -]?(?:{_ONES})|{_ONES}|tenth|eleventh|twelfth|thirteenth"
    r"|fourteenth"
    r"|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth))"
)
_DAY_NUMBER = r"(?:0?[1-9]|[12]\d|3[01])(?:\s?(?i:st|nd|rd|th)|\.|\u00ba|er)?(?![\d:%])"
_GERMAN_DAY_WORD = (
    r"(?:(?i:(?:erst|zweit|dritt|viert|f\u00fcnft|sechst|sieb(?:en)?t|acht|neunt|zehnt|elft|zw\u00f6lft"
    r"|(?:drei|vier|f\u00fcnf|sech|sieb|acht|neun)zehnt"
    r"|(?:(?:ein|zwei|drei|vier|f\u00fcnf|sechs|sieben|acht|neun)und)?(?:zwanzig|drei(?:\u00df|ss)ig)st)"
    r"e[nrs]?))"
)
_DAY = rf"(?:{_DAY_NUMBER}|{_DAY_WORD}|{_GERMAN_DAY_WORD})"
_YEAR_WORD = (
    r"(?i:(?:two thousand|nineteen|twenty|eighteen)(?:[ -](?:and[ -])?(?:hundred|oh|ten|eleven"
    r"|twelve"
    r"|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty"
    r"|seventy|eighty|ninety|one|two|three|four|five|six|seven|eight|nine)){1,3})"
)
_YEAR = rf"(?:(?:1[5-9]|20)\d\d(?!\d)|['\u2019]\d\d(?!\d)|{_YEAR_WORD})"
_OF_YEAR = (
    r"(?:,?\s{0,2}(?:(?i:of|in|in the year|in the year of our Lord|A\.?D\.?|de"
    rf"|del)\s)?\s?{_YEAR})"
)
_DASH = r"\s?(?:-|\u2013|\u2014|/|,|&|(?i:to|through|thru|and|or|until|till|bis|au))\s?"
_THE = r"(?:(?i:the|on the)\s)?"

_MONTH_DAY = re.compile(
    rf"(?<![^\W_]){_MONTH}[ \t\n,.-]{{0,3}}{_THE}{_DAY}(?:(?i: day))?(?![^\W_])"
    rf"(?:{_DASH}(?:{_MONTH}[ \n.]{{1,2}})?{_DAY}(?![^\W_])){{0,4}}{_OF_YEAR}?"
)
_DAY_MONTH = re.compile(
    rf"(?<![\w/.]){_DAY}(?:{_DASH}{_DAY}){{0,3}}[ \t\n.,-]{{0,3}}"
    rf"(?:(?i:day|of|day of|de)\s){{0,2}}{_MONTH}{_OF_YEAR}?"
)
_MONTH_YEAR = re.compile(
    rf"(?<![^\W_]){_MONTH}(?:{_DASH}{_MONTH})?(?:[ \t\n,.-]{{1,3}}(?i:of\s)?|(?=['\u2019]))"
    r"(?:(?:1[5-9]|20)\d\d(?!\d)|['\u2019]\d\d(?!\d))"
)
# A month alone is a date if the word before it shows that: "in March" is, "March on" is not.
_MONTH_ALONE = re.compile(
    r"(?<![^\W_])(?i:in|since|until|till|during|early|late|mid|last|next|this past|by|before|after)"
    r"[ -](?P<month>(?:January|February|March|April|May|June|July|August|September|October|November"
    r"|December)(?![^\W_]))(?! [A-Z][a-z])"
)
_GERMAN_MONTHS = (
    r"(?:Januar|J\u00e4nner|Februar|M\u00e4rz|April|Mai|Juni|Juli|August|September|Oktober|November"
    r"|Dezember)"
)
_GERMAN_MONTH_ALONE = re.compile(
    r"(?<![^\W_])(?i:im|seit|bis|ab|anfang|mitte|ende|monat|letzten|vergangenen|n\u00e4chsten|kommenden"
    rf"|diesen)\s(?P<month>{_GERMAN_MONTHS})(?![^\W_])"
)
_COMPACT_MONTH = re.compile(
    r"(?<![^\W_])(?:[0-3]?\d[-/ ]?(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[-/ ]?"
    r"(?:(?:19|20)\d\d|\d\d)|(?:(?:19|20)\d\d)[-/ ](?i:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct"
    r"|nov|dec)[-/ ][0-3]?\d|(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[-/][0-3]?\d"
    r"[-/](?:(?:19|20)\d\d|\d\d))(?![^\W_])"
)
_FEAST = re.compile(
    r"(?<![^\W_])(?i:christmas(?: eve| day)?|new year['\u2019]?s (?:eve|day)|thanksgiving(?: day)?"
    r"|weihnachten|heiligabend|silvester|neujahr|ostern|pfingsten"
    r"|easter(?: sunday| monday)?|independence day|halloween|labor day|memorial day"
    r"|valentine['\u2019]?s day)(?:,? (?:of |in )?(?:19|20)\d\d)(?!\d)"
)

_TIME = r"(?:[T ]\d\d:?\d\d(?::?\d\d(?:[.,]\d{1,9})?)?(?:Z|\s?[+-]\d\d:?\d\d)?)?"
_ISO = re.compile(
    r"(?<![\w.-])(?:1[5-9]|20)\d\d(?P<mark>[-/.\u2010\u2011])(?P<month>0?[1-9]|1[0-2])(?P=mark)"
    rf"(?P<day>0?[1-9]|[12]\d|3[01])(?!\d){_TIME}(?![\w-])"
)
_BASIC = re.compile(
    r"(?<![\w.-])(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:T\d{4,6}Z?)?(?![\w-])"
)
_NUMERIC = re.compile(
    r"(?<![\w/.:$-])(?P<one>[0-3]?\d)(?P<mark>\s?[-/.\u2010\u2011]\s?)(?P<two>[0-3]?\d)(?P=mark)"
    r"(?P<year>(?:1[5-9]|20)\d\d|\d\d)(?![\w/-])(?!\.\d)"
)
_SHORT = re.compile(
    r"(?<![\w/.:$-])(?P<one>[0-3]?\d)/(?P<two>(?:19|20)\d\d|[0-3]?\d)(?![\w/%-])(?!\.\d)"
)
_GERMAN_SHORT = re.compile(  # "am 15.3." without the year, or before it in a range
    r"(?<![^\W_])(?i:am|vom|zum|bis|dem|den|ab|seit)\s"
    r"(?P<date>(?P<one>[0-3]?\d)\. ?(?P<two>[01]?\d)\.)(?! ?\d)"
)
_DATED = re.compile(
    r"(?:(?<![^\W_])(?i:dob|d\.o\.b\.?|doa|dos|birth|birthday|born|date|dated|on|since|until|till|from"
    r"|to|through|before|after|by|seen|visit|admitted|discharged|admission|discharge|died|death"
    r"|planned for|scheduled for|set for|appointment|expires?|expiry|exp|effective|signed|due"
    r"|week of|geb|geboren|am|vom|bis|zum|den|dem|ab|termin|\w{0,16}datum|aufnahme|entlassung"
    r"|n\u00e9|le"
    r"|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag"
    r"|mon|tue|wed|thu|fri|sat|sun|monday|tuesday|wednesday|thursday|friday|saturday|sunday)"
    r"[\s.:,(=-]{1,4}|[\u2013-]\s?)\Z"
)
_CITED = re.compile(
    r"(?<![^\W_])(?i:no|nos|nr|num|number|law|act|regulation|directive|decree|order|decision|case"
    r"|nummer|ziffer|ziff|abschnitt|absatz|abs|artikel|kapitel|punkt|anlage|gesetz|verordnung|richtlinie"
    r"|resolution|section|sections|art|article|version|v|release|ratio|chapter)[\s.:#(]{1,4}\Z"
)
_WEEKDAY = re.compile(
    r"(?<![^\W_])(?:(?i:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?i:day)?\.?,?\s(?:the\s)?"
    r"|(?:Mon|Diens|Donners|Frei|Sams|Sonn)tag,?\s(?:de[nm]\s)?|Mittwoch,?\s(?:de[nm]\s)?)\Z"
)
_ARTICLE = re.compile(r"(?<![^\W_])(?i:the)\s\Z")
_NOT_A_MONTH = re.compile(r"(?:may|march|mar|mai|mars)(?![^\W_])")  # as verbs and other words


def find_dates(text: str) -> Iterator[Mark]:
    """Yield the dates: a day or a month, with or without year; ``2019`` alone is not a date."""
    for pattern in (_MONTH_DAY, _DAY_MONTH, _MONTH_YEAR, _COMPACT_MONTH, _FEAST):
        for found in pattern.finditer(text):
            if _is_verb(found):
                continue
            yield _with_weekday(text, found.start()), _end(text, found.end()), "date"
    for pattern in (_MONTH_ALONE, _GERMAN_MONTH_ALONE):
        for found in pattern.finditer(text):
            yield *found.span("month"), "date"
    for found in _GERMAN_SHORT.finditer(text):
        if 1 <= int(found["one"]) <= 31 and 1 <= int(found["two"]) <= 12:
            yield *found.span("date"), "date"
    for found in _ISO.finditer(text):
        yield _with_weekday(text, found.start()), found.end(), "date"
    for found in _BASIC.finditer(text):
        if "T" in found[0] or _DATED.search(before(text, found.start())):
            yield found.start(), found.end(), "date"
    for found in _NUMERIC.finditer(text):
        if _is_numeric_date(text, found):
            yield _with_weekday(text, found.start()), found.end(), "date"
    for found in _SHORT.finditer(text):
        if _is_short_date(text, found):
            yield _with_weekday(text, found.start()), found.end(), "date"


def _is_verb(found: re.Match[str]) -> bool:
    """Return whether a word such as ``may`` is a verb and not a month: "you may 3 times"."""
    if not any(character.isdigit() for character in found[0]):
        return re.search(r"[A-Z]", found[0]) is None
    month = _NOT_A_MONTH.search(found[0])
    return month is not None and re.search(r"(?:1[5-9]|20)\d\d", found[0]) is None


def _is_numeric_date(text: str, found: re.Match[str]) -> bool:
    one, two, year, mark = (found[name] for name in ("one", "two", "year", "mark"))
    if not _day_and_month(int(one), int(two)):
        return False
    context = before(text, found.start())
    if len(year) == 4:
        return True
    if _DATED.search(context) is not None:
        return True
    if _CITED.search(context) is not None:
        return False
    if "." in mark:  # 1.2.19 is a version, or a section; 01.02.19 is German
        return (len(one), len(two)) == (2, 2) and int(one) <= 31 and 1 <= int(two) <= 12
    return "/" in mark or (len(one), len(two)) == (2, 2)


def _is_short_date(text: str, found: re.Match[str]) -> bool:
    one, two = found["one"], found["two"]
    context = before(text, found.start())
    if len(two) == 4:
        return 1 <= int(one) <= 12 and _CITED.search(context) is None
    return _day_and_month(int(one), int(two)) and _DATED.search(context) is not None


def _day_and_month(one: int, two: int) -> bool:
    return (1 <= one <= 12 and 1 <= two <= 31) or (1 <= one <= 31 and 1 <= two <= 12)


def _with_weekday(text: str, start: int) -> int:
    context = before(text, start, 16)
    day = _WEEKDAY.search(context) or _ARTICLE.search(context)
    return start if day is None else start - len(context) + day.start()


def _end(text: str, end: int) -> int:
    while text[end - 1 : end] in {",", " ", "\n", "-", "."}:
        end -= 1
    return end
