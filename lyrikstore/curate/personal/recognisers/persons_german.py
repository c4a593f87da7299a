"""German names of people: after titles, roles and labels, in salutations and under letters."""

import re
from collections.abc import Iterator

from lyrikstore.curate.personal.recognisers.german import ROLE, Languages, name_end
from lyrikstore.curate.personal.recognisers.marks import CAPITAL, Mark

_WORD = rf"{CAPITAL}(?:['\u2019]{CAPITAL})?\w{{1,24}}"
_PART = rf"(?:{_WORD}(?:-{_WORD}){{0,2}}|{CAPITAL}\.)"
_PARTICLE = (
    r"(?:(?:von(?: der| den| dem| und zu)?|van(?: der| den| de)?|vom|zu[mr]?|de(?: la)?|del|della"
    r"|di|da|dos|du|la|le|al|el|bin|ten|ter)\s)"
)
# One line break at most, behind the first word: the next line of a letter is no part of the name.
_MORE = rf"(?:\s{_PARTICLE}?{_PART})?(?: {_PARTICLE}?{_PART}){{0,2}}"
_NAME = rf"(?:{_PARTICLE}?{_PART}{_MORE})"
_TURNED = (  # "Koch, Anna"
    rf"{_NAME}(?:, (?!Vorname|Dr|Prof|Herr|Frau){_PART}(?: {_PART})?"
    r"(?=\s?[,;.*(\n]|\s{0,4}\Z|\s[a-z]))?"
)

_ADDRESS = (
    r"(?:Herrn?|Frau|Fr\u00e4ulein|Hrn?\.|Familie|Eheleute|Ehepaar|Schwester|Kollegen?|Kollegin)"
)
_DEGREE = (
    r"(?:Dr|Dres|Prof|Professor(?:in)?|PD|Priv\.-Doz|Dipl\.-\w{2,8}|Mag|Ing|med|jur|iur|phil|rer"
    r"|nat|pol|oec|habil|dent|vet|theol|h\. ?c|Freiherr|Freifrau|Graf|Gr\u00e4fin)"
)
_LEAD = rf"(?:(?:{_ADDRESS}|{_DEGREE}|{ROLE})\.?)"
_TITLE = rf"(?:(?:{_ADDRESS}|{_DEGREE})\.?)"
_TITLED = re.compile(rf"(?<![^\W_])(?=[A-Z]){_TITLE}(?:\s{{1,2}}{_LEAD}){{0,6}}\s(?P<name>{_NAME})")
# No particle here: "Arzt von Beruf", "Vater von Kindern".
_IN_ROLE = re.compile(rf"(?<![^\W_])(?=[A-Z\u00c4]){ROLE}\s(?P<name>{_PART}{_MORE})")
_COUPLE = re.compile(rf"(?<![^\W_])(?:Eheleuten?|Ehepaars?)\s{_NAME} und (?P<name>{_NAME})")
_LABELLED = re.compile(
    r"(?<![^\W_])(?=[A-Z\u00c4a])"
    rf"(?:(?:(?:(?:Familien|Nach|Vor|Geburts|M\u00e4dchen)n|N)amen?(?:, Vorname)?|{ROLE}"
    r"|(?:Konto|Karten)inhaber(?:in)?|Ansprechpartner(?:in)?|Bearbeiter(?:in)?|Absender(?:in)?"
    r"|Empf\u00e4nger(?:in)?|Verfasser(?:in)?|Notfallkontakt|Von|[Aa]n)\s?[:=]\s{0,3}"
    r"|(?:(?:Nach|Vor|Familien|Geburts)name|Patient(?:in)?|(?:Konto|Karten)inhaber(?:in)?"
    r"|Notfallkontakt) )"
    rf"(?:(?:{_ADDRESS}|{_DEGREE})\.? ){{0,4}}(?P<name>{_TURNED})"
)
_SAID = re.compile(
    r"(?<![^\W_])(?:geb\.|geborene[nr]?|verw\.|gez\.|namens|genannt|[Mm]ein Name ist"
    rf"|[Ii]ch hei\u00dfe|[Ii]ch bin|Ich,)\s(?P<name>{_NAME})"
)
_GREETED = re.compile(
    r"(?<![^\W_])(?:Hallo|Hi|Liebe[rs]?|Guten (?:Morgen|Tag|Abend)|Moin|Servus)"
    rf"\s(?P<name>{_NAME})(?=\s?[,!\n])"
)
_SIGNED = re.compile(
    r"(?<![^\W_])(?:(?:(?i:mit )?(?i:freundlich|best|viel|lieb|herzlich|sch\u00f6n)e[nm]? )?"
    r"Gr(?:\u00fc\u00dfen?|\u00fcssen?|u\u00df|uss)|Hochachtungsvoll|(?:MfG|LG|VG)(?=,|\s?\n))"
    r"(?: aus \w{3,24})?[,.!]?\s{1,6}"
    rf"(?:(?:i\. ?[AV]|ppa|gez|Ihre?|{_DEGREE})\.?\s){{0,4}}(?P<name>{_NAME})"
)
_ENGLISH_TOO = re.compile(
    r"(?:Patient|Name|Hi|Professor|PD|Mag|Ing|[Aa]n|Von|Kind|Mutter|Halter|Spender)(?![^\W_])"
)


def find_german_persons(text: str, languages: Languages) -> Iterator[tuple[Mark, bool]]:
    """Yield German names, and whether each is sure enough to be looked for elsewhere in the text.

    Nouns that follow are no part of one: of "Frau Koch Rechnung" only Koch is. One word after a
    role alone is not sure: in "weil der Zeuge Bedenken hatte" it is none.
    """
    for pattern in (_TITLED, _COUPLE, _IN_ROLE, _LABELLED, _SAID, _GREETED, _SIGNED):
        for found in pattern.finditer(text):
            if not languages.mostly_german and _ENGLISH_TOO.match(found[0]) is not None:
                continue
            start, end = found.span("name")
            end = name_end(text, start, end)
            if end > start:
                sure = pattern is not _IN_ROLE or " " in text[start:end]
                yield (start, end, "person"), sure
