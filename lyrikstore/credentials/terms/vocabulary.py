"""The vocabulary of terms, small and fixed, so that two parties mean the same (spec §19.2)."""

import re
from collections.abc import Iterable, Mapping

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import JSON

PERMISSIONS: Mapping[str, str] = {
    "train": "set or change parameters of a model by means of the data",
    "evaluate": "measure a model on the data",
    "test": "use the data to test software",
    "research": "study the data, and publish findings that do not reproduce it",
    "commercialUse": "do what is permitted for commercial advantage",
    "modify": "change, filter, annotate or combine the data",
    "derivativeModels": "hand on models that were trained on the data",
    "redistribute": "hand on the data, changed or not",
    "reidentify": "find out whom a record is about",
}
"""Words of ``permits``, ``prohibits`` and purposes of runs. An act without permission is denied."""

DELETE = "deleteOnExpiry"
"""The duty to delete the data when its terms end."""

DUTIES: Mapping[str, str] = {
    "attribution": "name the source",
    "shareAlike": "hand on what is made from the data under the same terms only",
    DELETE: "delete the data when the terms end",
    "noticeOfChange": "say what was changed",
    "includeLicence": "hand on the licence text with the data",
    "reportUse": "tell the publisher what the data is used for",
}
"""Words of ``requires``."""

PURPOSES: Mapping[str, str] = {
    "academicResearch": "research at or for an academic institution",
    "commercialResearch": "research for commercial advantage",
    "nonCommercialResearch": "research without commercial advantage",
    "internalOperations": "inside one's own organisation, for nobody else",
    "servicesToOthers": "to provide a service to others",
    "publicBenefit": "in the public interest",
    "healthcare": "medicine and care",
    "education": "teaching and learning",
}
"""Words of the limit ``purposes``: the purposes of the work that uses the data."""

OWN = re.compile(r"x-[a-z][A-Za-z0-9-]{0,63}")
"""Words that a publisher defines: they are compared, never interpreted."""

_COUNTRIES = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ "
    "BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM "
    "DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS "
    "GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN "
    "KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ "
    "MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM "
    "PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV "
    "SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI "
    "VN VU WF WS YE YT ZA ZM ZW"
)

COUNTRIES = frozenset(_COUNTRIES.split())
"""ISO 3166-1 alpha-2. A subdivision (ISO 3166-2) is one of these, a hyphen and a further code."""

TERRITORY = re.compile(r"([A-Z]{2})(-[A-Z0-9]{1,3})?")


def check_words(what: str, words: Iterable[str], known: Mapping[str, str]) -> None:
    """Raise ``unknown-word`` unless every word is in the vocabulary or starts with ``x-``.

    Args:
        what: What the message calls such a word, such as ``permission``.
        words: The words, such as ``train`` or ``x-acme-demo``.
        known: :data:`PERMISSIONS`, :data:`DUTIES` or :data:`PURPOSES`.

    Raises:
        InvalidInputError: (``unknown-word``) a word is unknown.
    """
    for word in words:
        if word not in known and not OWN.fullmatch(word):
            raise InvalidInputError(
                "unknown-word",
                f"{word[:80]!r} is not a known {what}",
                hint=f"use {', '.join(known)}, or a word of your own that starts with x-",
            )


_EU = (
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
    *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
)
UNIONS: Mapping[str, tuple[str, ...]] = {"EU": _EU, "EEA": (*_EU, "IS", "LI", "NO")}
"""Union → its members on 1 February 2020, for input by people. A union is never signed."""


def territory_of(words: Iterable[str]) -> tuple[str, ...]:
    """Return the countries and subdivisions in ``words``, with each union replaced by its members.

    Signed documents list countries, so that they keep their meaning when a union changes (spec
    §19.2).

    Args:
        words: Words such as ``DE``, ``US-CA`` or ``EU``.

    Raises:
        InvalidInputError: As :func:`check_territory`.
    """
    codes = tuple(dict.fromkeys(code for word in words for code in UNIONS.get(word, (word,))))
    check_territory(codes)
    return codes


def territory_words(codes: Iterable[str]) -> tuple[str, ...]:
    """Return a territory for people: a union in place of all its members.

    ``EU`` is signed as 27 codes, among which people would not notice that one is missing.
    """
    words = list(dict.fromkeys(codes))
    for union in ("EEA", "EU"):  # the larger first
        members = set(UNIONS[union])
        if members <= set(words):
            place = min(words.index(code) for code in members)
            words[place:] = [union, *(word for word in words[place:] if word not in members)]
    return tuple(words)


def limit_words(name: str, value: JSON) -> tuple[str, ...]:
    """Return the value of a limit, for people.

    Args:
        name: The limit, such as ``territory`` or ``seats``.
        value: The value in a credential.
    """
    words = tuple(map(str, value if isinstance(value, list) else [value]))
    return territory_words(words) if name == "territory" else words


def check_territory(codes: Iterable[str]) -> None:
    """Raise ``unknown-word`` unless every code is a country, or a subdivision of one.

    Raises:
        InvalidInputError: (``unknown-word``) a code is neither, such as EU and UK.
    """
    for code in codes:
        found = TERRITORY.fullmatch(code)
        if found is None or found[1] not in COUNTRIES:
            raise InvalidInputError(
                "unknown-word",
                f"{code[:80]!r} is not an ISO 3166 code of a country or subdivision",
                hint="such as DE, GB, US-CA; EU and EEA stand for their members; list the "
                "members of other unions",
            )


def within(place: str, territory: Iterable[str]) -> bool:
    """Return whether a country or subdivision lies in a territory."""
    return place in territory or place.partition("-")[0] in territory
