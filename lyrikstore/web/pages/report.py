"""A verification report as one HTML page, for screen and paper (spec §11.1)."""

import json
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from lyrikstore.canon.text import escape_control
from lyrikstore.verify.report import Check, CheckState, Report, Verdict
from lyrikstore.verify.report_text import (
    STATE,
    SYMBOL,
    headline,
    meaning,
    signed_by,
    standing_line,
    words,
)
from lyrikstore.web.html import add, add_bullets, add_footer, add_list, headed_page
from lyrikstore.web.page_facts import Facts, carries
from lyrikstore.web.texts import page_text


def report_facts(report: Report, *, trust: str) -> dict[str, Any]:
    """Return what the page shows of a report, and no more.

    Args:
        report: The report.
        trust: BLAKE3 of the encoded trust file that the verification used.
    """
    return {"report": _without_places(report.to_json()), "trust": trust}


def _without_places(stated: dict[str, Any]) -> dict[str, Any]:
    """Return a report without the places in the specification, which follow from the ids."""
    checks = [{name: one[name] for name in one if name != "spec"} for one in stated["checks"]]
    parts = {"parts": list(map(_without_places, stated["parts"]))} if "parts" in stated else {}
    return {**stated, "checks": checks, **parts}


@carries("report")
def report_page(facts: Facts, tool: str) -> Element:
    """Draw the page of a report: no program, no network, nothing to load.

    ATTACK: names, summaries and details contain text of an attacker; see
    :mod:`lyrikstore.web.html`.

    Args:
        facts: As :func:`report_facts` returns them.
        tool: Name and version of the verifier.
    """
    report = _report_of(facts["report"])
    moment = page_text("report.moment", at=report.at)
    html, main = headed_page(page_text("report.what"), report.subject, (moment,))
    verdict = report.verdict.with_data
    lead = SubElement(main, "div", {"class": f"lead {verdict}"})
    add(lead, "h2", headline(report), id="verdict", attributes={"class": str(verdict)})
    add(lead, "p", meaning(report))
    standing = standing_line(report)
    if standing is not None:
        add(main, "p", f"{standing[0].upper()}{standing[1:]}.", id="standing")
    rows = (
        ("signed-by", signed_by(report)),
        ("profile", report.profile),
        ("tool", tool),
        ("trust", facts["trust"]),
    )
    add_list(main, [(page_text(f"report.{name}"), value) for name, value in rows if value])
    add(main, "h2", page_text("report.checks"))
    _checks(main, report)
    if report.left_out:
        add(main, "h2", page_text("report.left-out"))
        add_bullets(main, [f"{check.id}: {check.summary}" for check in report.left_out])
    add(main, "h2", page_text("report.not-proven"))
    add_bullets(main, report.not_proven)
    add_footer(html, page_text("report.unsigned"))
    return html


def _report_of(stated: Mapping[str, Any]) -> Report:
    """Return the report that its JSON form states; members that follow from others are omitted."""
    left_out = [
        Check(one["id"], CheckState.UNCHECKED, (one["words"], {"reason": one["reason"]}))
        for one in stated.get("notChecked", ())
    ]
    return Report(
        Verdict(stated["verdict"]),
        tuple(
            Check(one["id"], CheckState(one["state"]), (one["summary"], one["detail"]))
            for one in stated["checks"]
        ),
        stated["subject"],
        stated.get("issuer"),
        stated["at"],
        tuple(stated["notProven"]),
        stated.get("profile"),
        tuple(map(_report_of, stated.get("parts", ()))),
        tuple(left_out),
    )


def _checks(parent: Element, report: Report) -> None:
    found = SubElement(parent, "ul", {"class": "checks"})
    for check in report.checks:
        if check.state is not CheckState.STATED:
            _check(found, check, report.profile)
    for at, part in enumerate(report.parts, 1):
        row = SubElement(found, "li")
        line = SubElement(row, "p")
        add(line, "strong", page_text("report.credential", number=at), after=" ")
        add(line, "span", f"{part.subject} by {signed_by(part)}: ", after="")
        add(line, "span", headline(part), attributes={"class": f"mark {part.verdict}"})
        _checks(row, part)
    if said := [check for check in report.checks if check.state is CheckState.STATED]:
        add(parent, "h2", page_text("report.stated"))
        found = SubElement(parent, "ul", {"class": "checks"})
        for check in said:
            _check(found, check, report.profile)


def _check(parent: Element, check: Check, profile: str | None) -> None:
    stated = check.to_json(profile)
    row = SubElement(
        parent, "li", {"data-check": check.id, "data-state": str(check.state), "class": "check"}
    )
    details = SubElement(row, "details", {"open": ""} if check.state is CheckState.FAIL else {})
    line = SubElement(details, "summary")
    mark = f"{SYMBOL[check.state]} {STATE[check.state]}"
    kind = "na" if check.state is CheckState.NOT_APPLICABLE else str(check.state)
    add(line, "span", mark, attributes={"class": f"mark {kind}"}, after=" ")
    add(line, "strong", check.id, after=" ")
    add(line, "span", words(check))
    detail = json.dumps(stated["detail"], ensure_ascii=False, indent=2)
    text = SubElement(details, "pre", tabindex="0")
    text.text = "\n".join(escape_control(one) for one in (stated["spec"], *detail.split("\n")))
