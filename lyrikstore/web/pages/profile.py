"""The profile of a version as one HTML page, which loads nothing."""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from lyrikstore.canon.text import pluralize
from lyrikstore.web.charts import MAX_BARS, bars
from lyrikstore.web.html import add, add_bullets, add_holds, add_list, headed_page, page_bytes
from lyrikstore.web.texts import page_text

Facts = Mapping[str, Any]


def profile_page(facts: Facts, *, tool: str, with_data: Sequence[str] = ()) -> bytes:
    """Return the page with the result of :meth:`lyrikstore.curate.profile.DataProfile.to_json`.

    ATTACK: names of fields, labels and paths contain text of an attacker; see
    :mod:`lyrikstore.web.html`.

    Args:
        facts: The profile as JSON.
        tool: Name and version of the program.
        with_data: Parts of the data that it shows besides counts: ``values`` (labels, licences of
        records) and ``paths`` (of records that others contradict).
    """
    html, main = headed_page(f"Profile of {facts['name']}", facts["name"])
    size = f"{pluralize(facts['recordCount'], 'record')}, {pluralize(facts['bytes'], 'byte')}"
    add(main, "p", f"{size}, {facts['reader']}")
    add_list(main, (("version", facts["id"]), ("looked at by", tool)))
    add_holds(main, with_data)
    _roles(main, facts["fieldRoles"])
    _unread(main, facts, with_data)
    _labels(main, facts, with_data)
    add(main, "h2", "Lengths of the texts")
    lengths = [(_range(one["fromLength"]), one["recordCount"]) for one in facts["textLengths"]]
    bars(main, lengths, facts["recordCount"], title=page_text("profile.lengths"))
    _fields(main, facts["fieldFacts"])
    add(main, "h2", "Duplicates")
    same = facts["exactDuplicates"]
    twice = pluralize(same, "record has", "records have")
    add(main, "p", f"{twice} a text that an earlier one has.")
    more = pluralize(facts["normalisedDuplicates"] - same, "more differs", "more differ")
    add(main, "p", f"{more} in case, spacing or Unicode form only.")
    empty = sum(one["recordCount"] for one in facts["textLengths"] if not one["fromLength"])
    if empty:
        left = pluralize(empty, "record without text is", "records without text are")
        add(main, "p", f"{left} not compared.")
    _sample(main, facts)
    add(main, "h2", "Licences of the records")
    if facts["licencesAbove"]:
        add(main, "p", f"More than {facts['licencesAbove']:,} different ones, or very long ones.")
    elif facts["licenceCounts"]:
        licences = _named(facts["licenceCounts"], "licence", "not stated", with_data)
        bars(main, licences, facts["recordCount"], title=page_text("profile.licences"))
    else:
        add(main, "p", "No field has the role licence.")
    _changes(main, facts)
    return page_bytes(
        html,
        "This page is not signed. What is counted here, lyrikstore profile counts again.",
    )


def _roles(main: Element, roles: Facts) -> None:
    if not roles:
        add(main, "p", "No field has a role: which is the text, the label, the id, nobody said.")
        return
    named = [
        (role, " + ".join(value) if isinstance(value, list) else str(value))
        for role, value in sorted(roles.items())
    ]
    add_list(main, named)


def _unread(main: Element, facts: Facts, with_data: Sequence[str]) -> None:
    unread, partly = facts["documentsUnread"], facts["documentsPartlyRead"]
    if not (unread or partly):
        return
    add(main, "h2", "Documents that were not read")
    count = sum(one["recordCount"] for one in unread)
    if unread:
        add(
            main, "p", f"{pluralize(count, 'document')} of {facts['recordCount']:,}, by the reason."
        )
        bars(main, _pairs(unread, ""), facts["recordCount"], title=page_text("profile.unread"))
        left = "What this page says of texts, duplicates, personal data and languages is not about "
        add(main, "p", left + ("it." if count == 1 else "them."))
        if "paths" in with_data:
            add_bullets(main, facts["unreadPaths"])
    if partly:
        add(main, "p", f"Of {pluralize(partly, 'more document')} pages or parts were not read.")


def _labels(main: Element, facts: Facts, with_data: Sequence[str]) -> None:
    add(main, "h2", "Labels")
    if facts["labelsAbove"]:
        add(main, "p", f"More than {facts['labelsAbove']:,} different ones, or very long ones.")
    elif facts["labelCounts"]:
        labels = _named(facts["labelCounts"], "label", "", with_data)
        bars(main, labels, facts["recordCount"], title=page_text("profile.labels"))
    else:
        add(main, "p", "No record has a label.")
        return
    count = facts["labelConflicts"]
    have = pluralize(count, "record has", "records have")
    add(main, "p", f"{have} a text that others have with another label.")
    if count and "paths" in with_data:
        add_bullets(main, (f"{one['path']}:{one['line']}" for one in facts["conflictPlaces"]))


def _fields(main: Element, fields: Sequence[Facts]) -> None:
    add(main, "h2", "Fields")
    table = SubElement(main, "table")
    head = SubElement(table, "tr")
    for title in ("field", "types", "missing", "different values", "length"):
        add(head, "th", title)
    for one in fields:
        row = SubElement(table, "tr")
        add(row, "td", one["fieldName"])
        kinds = ", ".join(f"{k['valueText']} {k['recordCount']:,}" for k in one["typeCounts"])
        add(row, "td", kinds)
        add(row, "td", f"{one['missing']:,}", {"class": "n"})
        distinct = "many" if one["distinct"] is None else f"{one['distinct']:,}"
        add(row, "td", distinct, {"class": "n"})
        least, median, most = (one[f"length{name}"] for name in ("Least", "Median", "Most"))
        add(row, "td", "" if least is None else f"{least:,} – {median:,} – {most:,}")


def _sample(main: Element, facts: Facts) -> None:
    count = facts["sampled"]
    add(main, "h2", "Personal data found")
    drawn = pluralize(count, "record")
    add(main, "p", f"By patterns, in {drawn} drawn by a hash of their ids, not by models.")
    unread = sum(one["recordCount"] for one in facts["documentsUnread"])
    if unread:
        add(main, "p", f"Not looked in: {pluralize(unread, 'document')} that could not be read.")
    searched = facts["personalSearched"]
    names = ", ".join(searched[:MAX_BARS]) + (", …" if len(searched) > MAX_BARS else "")
    add(main, "p", f"Fields searched: {names or 'none, for none holds text'}.")
    if not count:
        add(main, "p", "Nothing was looked at.")
    elif facts["personalFound"]:
        bars(main, _pairs(facts["personalFound"], ""), count, title=page_text("profile.personal"))
    else:
        add(main, "p", "Patterns found nothing; that is no proof that there is nothing.")
    add(main, "h2", "Languages")
    if facts["languagesUntold"]:
        add(main, "p", f"Not identified: {facts['languagesUntold']}")
    else:
        bars(
            main,
            _pairs(facts["languagesFound"], "nobody is sure"),
            count,
            title=page_text("profile.languages"),
        )


def _changes(main: Element, facts: Facts) -> None:
    add(main, "h2", "Since the version before")
    if facts["previousVersion"] is None:
        add(main, "p", "This is the first version.")
        return
    changes = [(one["valueText"], f"{one['recordCount']:,}") for one in facts["previousChanges"]]
    add_list(main, [("version before", facts["previousVersion"]), *changes])


def _named(
    found: Sequence[Facts], what: str, empty: str, with_data: Sequence[str]
) -> list[tuple[str, int]]:
    """Return values with counts; numbered placeholders in place of values unless requested."""
    if "values" in with_data:
        return _pairs(found, empty)
    numbered = (f"{what} {number}" for number in range(1, len(found) + 1))
    return [
        (name if one["valueText"] or not empty else empty, one["recordCount"])
        for name, one in zip(numbered, found, strict=True)
    ]


def _pairs(found: Sequence[Facts], empty: str) -> list[tuple[str, int]]:
    return [(one["valueText"] or empty, one["recordCount"]) for one in found]


def _range(low: int) -> str:
    if not low:
        return "empty"
    return "1 character" if low == 1 else f"{low:,} to {2 * low - 1:,} characters"
