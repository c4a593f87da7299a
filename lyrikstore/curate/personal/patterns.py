"""The detector ``patterns``: all recognisers, with protection of docket numbers.

``Case No. 0012/2007`` looks like a telephone number, and ``12/2007`` like a date. So the text of a
docket number belongs to no weaker recogniser, whether docket numbers are redacted or not.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from lyrikstore.curate.personal.found import Found, join_overlapping
from lyrikstore.curate.personal.holders import find_holders, find_repeats
from lyrikstore.curate.personal.recognisers.addresses import find_addresses
from lyrikstore.curate.personal.recognisers.ages import find_ages
from lyrikstore.curate.personal.recognisers.checked import find_checked
from lyrikstore.curate.personal.recognisers.dates import find_dates
from lyrikstore.curate.personal.recognisers.dockets import find_dockets
from lyrikstore.curate.personal.recognisers.german import Languages
from lyrikstore.curate.personal.recognisers.labelled import find_labelled, find_plates
from lyrikstore.curate.personal.recognisers.marks import Recogniser
from lyrikstore.curate.personal.recognisers.network import find_emails, find_ips, find_urls
from lyrikstore.curate.personal.recognisers.persons import find_again, find_persons
from lyrikstore.curate.personal.recognisers.persons_german import find_german_persons
from lyrikstore.curate.personal.recognisers.phones import find_phones

NAME = "patterns"

_NUMBERS: Sequence[Recogniser] = (
    find_checked,
    find_labelled,
    find_plates,
    find_ips,
    find_phones,
    find_dockets,
)
_OTHERS: Sequence[Recogniser] = (find_emails, find_urls, find_dates, find_ages, find_addresses)
_DIGIT = re.compile(r"\d")
_SURE = frozenset({"ssn", "card", "iban", "vin", "email", "url", "docket"})


def find_patterns(text: str) -> list[Found]:
    """Return the finds of all recognisers, in no order, with overlaps.

    Cost: time linear in the length of the text.
    """
    numbers = _NUMBERS if _DIGIT.search(text) is not None else ()
    found = [Found(*mark, NAME) for recognise in (*numbers, *_OTHERS) for mark in recognise(text)]
    found += _named(text)
    return found


def protect_dockets(found: Iterable[Found]) -> list[Found]:
    """Return the finds without their parts in docket numbers; certain kinds are kept whole.

    Cost: O(n log n) for n finds.
    """
    everything = list(found)
    dockets = join_overlapping(item for item in everything if item.kind == "docket")
    starts = [docket.start for docket in dockets]
    kept: list[Found] = []
    for item in everything:
        if item.kind in _SURE:
            kept.append(item)
            continue
        place = item.start
        for docket in dockets[max(0, bisect_right(starts, place) - 1) :]:
            if docket.start >= item.end:
                break
            if docket.end > place:
                if docket.start > place:
                    kept.append(_cut(item, place, docket.start))
                place = docket.end
        if place < item.end:
            kept.append(_cut(item, place, item.end))
    return kept


def _cut(item: Found, start: int, end: int) -> Found:
    return Found(start, end, item.kind, item.detector, item.score)


def _named(text: str) -> Iterator[Found]:
    languages = Languages(text)
    german = list(find_german_persons(text, languages))
    persons = list(find_persons(text, languages))
    holders = list(find_holders(text))
    yield from (Found(*mark, NAME) for mark in (*persons, *(mark for mark, _ in german)))
    sure = (*persons, *(mark for mark, is_sure in german if is_sure))
    names = (text[start:end] for start, end, _ in sure)
    yield from (Found(*mark, NAME) for mark in find_again(text, names, languages))
    yield from (Found(*span, "holder", NAME) for span in holders)
    yield from (Found(*span, "holder", NAME) for span in find_repeats(text, holders))
