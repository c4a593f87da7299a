"""A verification report as one HTML page, for screen and paper (spec §11.1)."""

import json
from xml.etree.ElementTree import Element, SubElement

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.text import escape_control
from lyrikstore.verify.report import Check, CheckState, Report
from lyrikstore.verify.report_text import (
    STATE,
    SYMBOL,
    headline,
    meaning,
    signed_by,
    standing_line,
    words,
)
from lyrikstore.web.html import add, add_bullets, add_list, headed_page, page_bytes


def report_page(report: Report, *, tool: str, trust: Digest) -> bytes:
    """Return the report as one HTML document: no script, no network, nothing to load.

    ATTACK: names, summaries and details contain text of an attacker; see
    :mod:`lyrikstore.web.html`.

    Args:
        report: The report.
        tool: Name and version of the verifier.
        trust: BLAKE3 of the encoded trust file that the verification used.
    """
    html, main = headed_page(f"{report.verdict}: {report.subject}", "Verification report")
    add(main, "h2", headline(report), id="verdict", attributes={"class": report.verdict.with_data})
    add(main, "p", meaning(report))
    standing = standing_line(report)
    if standing is not None:
        add(main, "p", f"{standing[0].upper()}{standing[1:]}.", id="standing")
    facts = (
        ("what was verified", report.subject),
        ("issued or signed by", signed_by(report)),
        ("profile", report.profile),
        ("judged for the moment", report.at),
        ("verified by", tool),
        ("trust file, in its encoded form", str(trust)),
    )
    add_list(main, [(title, value) for title, value in facts if value is not None])
    add(main, "h3", "Checks")
    _checks(main, report)
    if report.left_out:
        add(main, "h3", "Not checked, because it was left out of this copy")
        add_bullets(main, [f"{check.id}: {check.summary}" for check in report.left_out])
    add(main, "h3", "Not proven")
    add_bullets(main, report.not_proven)
    return page_bytes(
        html,
        "This page is what one verification answered. It is not signed, and anybody can write one "
        "that says something else: whoever relies on it verifies again, with lyrikstore verify.",
    )


def _checks(parent: Element, report: Report) -> None:
    found = SubElement(parent, "ul", {"class": "checks"})
    for check in report.checks:
        if check.state is not CheckState.STATED:
            _check(found, check, report.profile)
    for at, part in enumerate(report.parts, 1):
        row = SubElement(found, "li")
        line = SubElement(row, "p")
        add(line, "strong", f"credential {at}", after=" ")
        add(line, "span", f"{part.subject} by {signed_by(part)}: ", after="")
        add(line, "span", headline(part), attributes={"class": f"mark {part.verdict}"})
        _checks(row, part)
    if said := [check for check in report.checks if check.state is CheckState.STATED]:
        add(parent, "h3", "Stated, not checked")
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
