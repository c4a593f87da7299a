"""What a version holds, as a page of its own: nothing to load, light and dark, on paper too."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore.web import stylesheet

MAX_BARS = 40
"""Values of a chart; the rest is counted."""

_BAR, _WIDTH, _NAME = 22, 640, 220

_STYLE = """
svg{width:100%;max-width:44rem;height:auto;display:block;margin:.5rem 0}
svg text{fill:currentColor;font-size:12px}
svg rect{fill:#3b6ea8}
@media (prefers-color-scheme:dark){svg rect{fill:#7fb0e6}}
table{border-collapse:collapse;width:100%;max-width:60rem}
th,td{text-align:left;padding:.15rem .8rem .15rem 0;border-bottom:1px solid #8884;
vertical-align:top;overflow-wrap:anywhere}
td.n,th.n{text-align:right}
"""

Facts = Mapping[str, Any]


def profile_page(facts: Facts, *, tool: str) -> bytes:
    """Return the page of what :meth:`lyrikstore.curate.profile.DataProfile.to_json` gives.

    ATTACK: names of fields, labels and paths hold what an attacker wrote. They become text nodes
    and nothing else, in a document whose policy lets no script run and nothing be fetched even so.

    Args:
        facts: What was found.
        tool: Name and version of the program.
    """
    html = Element("html", lang="en")
    _head(html, f"Profile of {facts['name']}")
    body = SubElement(html, "body")
    _add(SubElement(body, "header"), "h1", facts["name"])
    main = SubElement(body, "main")
    size = f"{pluralize(facts['recordCount'], 'record')}, {pluralize(facts['bytes'], 'byte')}"
    _add(main, "p", f"{size}, {facts['reader']}")
    _list(main, (("version", facts["id"]), ("looked at by", tool)))
    _roles(main, facts["fieldRoles"])
    _labels(main, facts)
    _add(main, "h2", "Lengths of the texts")
    lengths = [(_range(one["fromLength"]), one["recordCount"]) for one in facts["textLengths"]]
    _bars(main, lengths, facts["recordCount"])
    _fields(main, facts["fieldFacts"])
    _add(main, "h2", "Duplicates")
    same = facts["exactDuplicates"]
    twice = pluralize(same, "record has", "records have")
    _add(main, "p", f"{twice} a text that an earlier one has.")
    more = pluralize(facts["normalisedDuplicates"] - same, "more differs", "more differ")
    _add(main, "p", f"{more} in case, spacing or Unicode form only.")
    empty = sum(one["recordCount"] for one in facts["textLengths"] if not one["fromLength"])
    if empty:
        left = pluralize(empty, "record without text is", "records without text are")
        _add(main, "p", f"{left} not compared.")
    _sample(main, facts)
    _add(main, "h2", "Licences of the records")
    if facts["licencesAbove"]:
        _add(main, "p", f"More than {facts['licencesAbove']:,} different ones, or very long ones.")
    elif facts["licenceCounts"]:
        _bars(main, _pairs(facts["licenceCounts"], "not stated"), facts["recordCount"])
    else:
        _add(main, "p", "No field has the role licence.")
    _changes(main, facts)
    _add(
        SubElement(body, "footer"),
        "p",
        "This page is not signed. What is counted here, lyrikstore profile counts again.",
    )
    text: str = tostring(html, encoding="unicode", method="html")
    return f"<!doctype html>\n{text}\n".encode()


def _head(html: Element, title: str) -> None:
    style = stylesheet() + _STYLE
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = SubElement(html, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": policy})
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    SubElement(head, "meta", name="color-scheme", content="light dark")
    SubElement(head, "meta", name="referrer", content="no-referrer")
    _add(head, "title", title)
    SubElement(head, "style").text = style


def _roles(main: Element, roles: Facts) -> None:
    if not roles:
        _add(main, "p", "No field has a role: which is the text, the label, the id, nobody said.")
        return
    named = [
        (role, " + ".join(value) if isinstance(value, list) else str(value))
        for role, value in sorted(roles.items())
    ]
    _list(main, named)


def _labels(main: Element, facts: Facts) -> None:
    _add(main, "h2", "Labels")
    if facts["labelsAbove"]:
        _add(main, "p", f"More than {facts['labelsAbove']:,} different ones, or very long ones.")
    elif facts["labelCounts"]:
        _bars(main, _pairs(facts["labelCounts"], ""), facts["recordCount"])
    else:
        _add(main, "p", "No record has a label.")
        return
    count = facts["labelConflicts"]
    have = pluralize(count, "record has", "records have")
    _add(main, "p", f"{have} a text that others have with another label.")
    if count:
        places = SubElement(main, "ul")
        for one in facts["conflictPlaces"]:
            _add(places, "li", f"{one['path']}:{one['line']}")


def _fields(main: Element, fields: Sequence[Facts]) -> None:
    _add(main, "h2", "Fields")
    table = SubElement(main, "table")
    head = SubElement(table, "tr")
    for title in ("field", "types", "missing", "different values", "length"):
        _add(head, "th", title)
    for one in fields:
        row = SubElement(table, "tr")
        _add(row, "td", one["fieldName"])
        kinds = ", ".join(f"{k['valueText']} {k['recordCount']:,}" for k in one["typeCounts"])
        _add(row, "td", kinds)
        _add(row, "td", f"{one['missing']:,}", {"class": "n"})
        distinct = "many" if one["distinct"] is None else f"{one['distinct']:,}"
        _add(row, "td", distinct, {"class": "n"})
        least, median, most = (one[f"length{name}"] for name in ("Least", "Median", "Most"))
        _add(row, "td", "" if least is None else f"{least:,} – {median:,} – {most:,}")


def _sample(main: Element, facts: Facts) -> None:
    count = facts["sampled"]
    _add(main, "h2", "Personal data found")
    drawn = pluralize(count, "record")
    _add(main, "p", f"By patterns, in {drawn} drawn by a hash of their ids, not by models.")
    searched = facts["personalSearched"]
    names = ", ".join(searched[:MAX_BARS]) + (", …" if len(searched) > MAX_BARS else "")
    _add(main, "p", f"Fields searched: {names or 'none, for none holds text'}.")
    if facts["personalFound"]:
        _bars(main, _pairs(facts["personalFound"], ""), count)
    else:
        _add(main, "p", "Patterns found nothing; that is no proof that there is nothing.")
    _add(main, "h2", "Languages")
    if facts["languagesUntold"]:
        _add(main, "p", f"Not told: {facts['languagesUntold']}")
    else:
        _bars(main, _pairs(facts["languagesFound"], "nobody is sure"), count)


def _changes(main: Element, facts: Facts) -> None:
    _add(main, "h2", "Since the version before")
    if facts["previousVersion"] is None:
        _add(main, "p", "This is the first version.")
        return
    changes = [(one["valueText"], f"{one['recordCount']:,}") for one in facts["previousChanges"]]
    _list(main, [("version before", facts["previousVersion"]), *changes])


def _pairs(found: Sequence[Facts], empty: str) -> list[tuple[str, int]]:
    return [(one["valueText"] or empty, one["recordCount"]) for one in found]


def _range(low: int) -> str:
    if not low:
        return "empty"
    return "1 character" if low == 1 else f"{low:,} to {2 * low - 1:,} characters"


def _bars(main: Element, values: Sequence[tuple[str, int]], total: int) -> None:
    shown, rest = values[:MAX_BARS], values[MAX_BARS:]
    if rest:
        others = pluralize(len(rest), "other")
        shown = [*shown, (others, sum(count for _, count in rest))]
    most = max((count for _, count in shown), default=0) or 1
    chart = SubElement(
        main, "svg", viewBox=f"0 0 {_WIDTH} {_BAR * len(shown) + 4}", role="img",
        xmlns="http://www.w3.org/2000/svg",
    )  # fmt: skip
    total = total or 1
    for at, (name, count) in enumerate(shown):
        y = at * _BAR
        label = SubElement(chart, "text", {"x": str(_NAME - 8), "y": str(y + 15)})
        label.set("text-anchor", "end")
        label.text = _clean(name if len(name) <= 32 else name[:31] + "…")
        SubElement(label, "title").text = _clean(name)
        width = max(1, round(count / most * (_WIDTH - _NAME - 110)))
        box = {"x": str(_NAME), "y": str(y + 4), "width": str(width), "height": str(_BAR - 8)}
        SubElement(chart, "rect", box)
        figure = SubElement(chart, "text", {"x": str(_NAME + width + 6), "y": str(y + 15)})
        figure.text = f"{count:,} ({count / total:.1%})"


def _list(main: Element, values: Sequence[tuple[str, str]]) -> None:
    found = SubElement(main, "dl")
    for title, value in values:
        _add(found, "dt", title)
        _add(found, "dd", value)


def _add(parent: Element, tag: str, text: str, attributes: dict[str, str] | None = None) -> None:
    """Add an element that holds nothing but text: whatever the text says, it is shown."""
    SubElement(parent, tag, attributes or {}).text = _clean(text)


def _clean(text: str) -> str:
    return escape_control(text)
