"""The profile of a version as one HTML page, which loads nothing."""

from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element

from lyrikstore.canon.text import pluralize
from lyrikstore.web.charts.bars import MAX_BARS, bars
from lyrikstore.web.html import (
    add,
    add_bullets,
    add_footer,
    add_holds,
    add_list,
    add_rests_on,
    add_table,
    headed_page,
)
from lyrikstore.web.page_facts import Facts, carries
from lyrikstore.web.texts import page_text

_PATHS = frozenset({"conflictPlaces", "unreadPaths"})
"""Members with paths of the data."""


def profile_facts(
    profile: Facts, *, store: str, created: str, with_data: Sequence[str] = ()
) -> dict[str, Any]:
    """Return what the page shows of a profile, and no more.

    Args:
        profile: The result of :meth:`lyrikstore.curate.profile.DataProfile.to_json`.
        store: The store of the version.
        created: The date of the version, claimed by its signer.
        with_data: Parts of the data that it shows besides counts: ``values`` (labels, licences of
        records) and ``paths`` (of records that others contradict).
    """
    out = () if "paths" in with_data else _PATHS
    shown = {name: value for name, value in profile.items() if name not in out}
    shown["personalSearched"] = list(profile["personalSearched"][:MAX_BARS])
    for member, what in (("labelCounts", "label"), ("licenceCounts", "licence")):
        if "values" not in with_data:
            shown[member] = _numbered(profile[member] or (), what)
    return {**shown, "store": store, "created": created, "withData": list(with_data)}


def _numbered(counts: Sequence[Facts], what: str) -> list[dict[str, Any]]:
    """Return counts with numbers in place of values; an empty value stays."""
    return [
        {**one, "valueText": one["valueText"] and page_text(f"profile.{what}", number=number)}
        for number, one in enumerate(counts, 1)
    ]


@carries("profile")
def profile_page(facts: Facts, tool: str) -> Element:
    """Draw the page of a profile.

    ATTACK: names of fields, labels and paths contain text of an attacker; see
    :mod:`lyrikstore.web.html`.

    Args:
        facts: As :func:`profile_facts` returns them.
        tool: Name and version of the program.
    """
    size = page_text(
        "profile.size",
        records=pluralize(facts["recordCount"], "record"),
        bytes=pluralize(facts["bytes"], "byte"),
        reader=facts["reader"],
    )
    said = page_text("common.version", version=facts["id"][:19], created=facts["created"])
    html, main = headed_page(page_text("profile.what"), facts["name"], (size, said))
    add_holds(main, facts["withData"])
    _roles(main, facts["fieldRoles"])
    _unread(main, facts)
    _labels(main, facts)
    add(main, "h2", page_text("profile.lengths"))
    lengths = [(_range(one["fromLength"]), one["recordCount"]) for one in facts["textLengths"]]
    bars(main, lengths, facts["recordCount"], title=page_text("profile.by-lengths"))
    _fields(main, facts["fieldFacts"])
    _duplicates(main, facts)
    _sample(main, facts)
    add(main, "h2", page_text("profile.licences"))
    if facts["licencesAbove"]:
        add(main, "p", page_text("profile.many", count=f"{facts['licencesAbove']:,}"))
    elif facts["licenceCounts"]:
        empty = page_text("profile.no-licence")
        bars(
            main,
            _pairs(facts["licenceCounts"], empty),
            facts["recordCount"],
            title=page_text("profile.by-licences"),
        )
    else:
        add(main, "p", page_text("profile.licence-role"))
    _changes(main, facts)
    rests_on = ((page_text("common.store"), facts["store"]), (page_text("common.id"), facts["id"]))
    add_rests_on(main, rests_on)
    add_footer(html, page_text("common.unsigned"), page_text("common.made", tool=tool))
    return html


def _roles(main: Element, roles: Facts) -> None:
    if not roles:
        add(main, "p", page_text("profile.no-roles"))
        return
    add_list(
        main,
        [
            (role, " + ".join(value) if isinstance(value, list) else str(value))
            for role, value in sorted(roles.items())
        ],
    )


def _unread(main: Element, facts: Facts) -> None:
    unread, partly = facts["documentsUnread"], facts["documentsPartlyRead"]
    if not (unread or partly):
        return
    add(main, "h2", page_text("profile.unread"))
    if unread:
        count = pluralize(sum(one["recordCount"] for one in unread), "document")
        add(main, "p", page_text("profile.unread-of", count=count, all=f"{facts['recordCount']:,}"))
        bars(main, _pairs(unread, ""), facts["recordCount"], title=page_text("profile.by-unread"))
        add(main, "p", page_text("profile.unread-left"))
        add_bullets(main, facts.get("unreadPaths", ()))
    if partly:
        more = pluralize(partly, "more document")
        add(main, "p", page_text("profile.unread-partly", count=more))


def _labels(main: Element, facts: Facts) -> None:
    add(main, "h2", page_text("profile.labels"))
    if facts["labelsAbove"]:
        add(main, "p", page_text("profile.many", count=f"{facts['labelsAbove']:,}"))
    elif facts["labelCounts"]:
        bars(
            main,
            _pairs(facts["labelCounts"], ""),
            facts["recordCount"],
            title=page_text("profile.by-labels"),
        )
    else:
        add(main, "p", page_text("profile.no-labels"))
        return
    count = facts["labelConflicts"]
    have = pluralize(count, "record has", "records have")
    add(main, "p", page_text("profile.conflicts", count=have))
    if count:
        places = facts.get("conflictPlaces", ())
        add_bullets(main, (f"{one['path']}:{one['line']}" for one in places))


def _fields(main: Element, fields: Sequence[Facts]) -> None:
    add(main, "h2", page_text("profile.fields"))
    titles = ("field", "types", "missing", "distinct", "length")
    rows = []
    for one in fields:
        kinds = ", ".join(f"{k['valueText']} {k['recordCount']:,}" for k in one["typeCounts"])
        distinct = page_text("profile.distinct-many")
        if one["distinct"] is not None:
            distinct = f"{one['distinct']:,}"
        least, median, most = (one[f"length{name}"] for name in ("Least", "Median", "Most"))
        length = "" if least is None else f"{least:,} – {median:,} – {most:,}"
        rows.append((one["fieldName"], kinds, f"{one['missing']:,}", distinct, length))
    named = [page_text(f"profile.column-{name}") for name in titles]
    add_table(main, named, rows, words=2, wide=page_text("profile.fields"))


def _duplicates(main: Element, facts: Facts) -> None:
    add(main, "h2", page_text("profile.duplicates"))
    same = facts["exactDuplicates"]
    twice = pluralize(same, "record has", "records have")
    add(main, "p", page_text("profile.exact", count=twice))
    more = pluralize(facts["normalisedDuplicates"] - same, "more differs", "more differ")
    add(main, "p", page_text("profile.normalised", count=more))
    empty = sum(one["recordCount"] for one in facts["textLengths"] if not one["fromLength"])
    if empty:
        left = pluralize(empty, "record without text is", "records without text are")
        add(main, "p", page_text("profile.empty", count=left))


def _sample(main: Element, facts: Facts) -> None:
    count = facts["sampled"]
    add(main, "h2", page_text("profile.personal"))
    add(main, "p", page_text("profile.sample", count=pluralize(count, "record")))
    unread = sum(one["recordCount"] for one in facts["documentsUnread"])
    if unread:
        left = pluralize(unread, "document")
        add(main, "p", page_text("profile.not-searched", count=left))
    searched = facts["personalSearched"]
    none = page_text("profile.none-searched")
    add(main, "p", page_text("profile.searched", names=", ".join(searched) or none))
    if not count:
        add(main, "p", page_text("profile.nothing-searched"))
    elif facts["personalFound"]:
        bars(
            main, _pairs(facts["personalFound"], ""), count, title=page_text("profile.by-personal")
        )
    else:
        add(main, "p", page_text("profile.nothing-found"))
    add(main, "h2", page_text("profile.languages"))
    if facts["languagesUntold"]:
        add(main, "p", page_text("profile.no-languages", why=facts["languagesUntold"]))
    else:
        bars(
            main,
            _pairs(facts["languagesFound"], page_text("profile.unsure")),
            count,
            title=page_text("profile.by-languages"),
        )


def _changes(main: Element, facts: Facts) -> None:
    add(main, "h2", page_text("profile.changes"))
    if facts["previousVersion"] is None:
        add(main, "p", page_text("profile.first"))
        return
    changes = [(one["valueText"], f"{one['recordCount']:,}") for one in facts["previousChanges"]]
    add_list(main, [(page_text("profile.previous"), facts["previousVersion"]), *changes])


def _pairs(found: Sequence[Facts], empty: str) -> list[tuple[str, int]]:
    return [(one["valueText"] or empty, one["recordCount"]) for one in found]


def _range(low: int) -> str:
    if not low:
        return page_text("profile.length-0")
    if low == 1:
        return page_text("profile.length-1")
    return page_text("profile.length", low=f"{low:,}", high=f"{2 * low - 1:,}")
