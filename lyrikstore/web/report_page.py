"""A verification report as a page of its own: for people, on paper too (spec §11.1)."""

import json
from base64 import b64encode
from hashlib import sha256
from xml.etree.ElementTree import Element, SubElement, tostring

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.text import escape_control
from lyrikstore.verify.report import Check, CheckState, Report
from lyrikstore.verify.report_text import STATE, SYMBOL, headline, meaning, signed_by, words
from lyrikstore.web import stylesheet


def report_page(report: Report, *, tool: str, trust: Digest) -> bytes:
    """Return the report as one HTML document: no script, no network, nothing to load.

    ATTACK: names, summaries and details hold what an attacker wrote. They become text nodes and
    nothing else, in a document whose policy lets no script run and nothing be fetched even so.

    Args:
        report: What was found.
        tool: Name and version of the verifier.
        trust: BLAKE3 of the trust file it was judged by, in its encoded form.
    """
    html = Element("html", lang="en")
    _head(html, f"{report.verdict}: {report.subject}")
    body = SubElement(html, "body")
    _add(SubElement(body, "header"), "h1", "Verification report")
    main = SubElement(body, "main")
    _add(main, "h2", headline(report), id="verdict", attributes={"class": str(report.verdict)})
    _add(main, "p", meaning(report))
    facts = SubElement(main, "dl")
    for title, value in (
        ("what was verified", report.subject),
        ("issued or signed by", signed_by(report)),
        ("profile", report.profile),
        ("judged for the moment", report.at),
        ("verified by", tool),
        ("trust file, in its encoded form", str(trust)),
    ):
        if value is not None:
            _add(facts, "dt", title)
            _add(facts, "dd", value)
    _add(main, "h3", "Checks")
    _checks(main, report)
    _add(main, "h3", "Not proven")
    unproven = SubElement(main, "ul")
    for line in report.not_proven:
        _add(unproven, "li", line)
    _add(
        SubElement(body, "footer"),
        "p",
        "This page is what one verification answered. It is not signed, and anybody can write one "
        "that says something else: whoever relies on it verifies again, with lyrikstore verify.",
    )
    text: str = tostring(html, encoding="unicode", method="html")
    return f"<!doctype html>\n{text}\n".encode()


def _head(html: Element, title: str) -> None:
    style = stylesheet()
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = SubElement(html, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": policy})
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    SubElement(head, "meta", name="referrer", content="no-referrer")
    _add(head, "title", title)
    SubElement(head, "style").text = style


def _checks(parent: Element, report: Report) -> None:
    found = SubElement(parent, "ul", {"class": "checks"})
    for check in report.checks:
        if check.state is not CheckState.STATED:
            _check(found, check, report.profile)
    for at, part in enumerate(report.parts, 1):
        row = SubElement(found, "li")
        line = SubElement(row, "p")
        _add(line, "strong", f"credential {at}", after=" ")
        _add(line, "span", f"{part.subject} by {signed_by(part)}: ", after="")
        _add(line, "span", headline(part), attributes={"class": f"mark {part.verdict}"})
        _checks(row, part)
    if said := [check for check in report.checks if check.state is CheckState.STATED]:
        _add(parent, "h3", "Stated, not checked")
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
    _add(line, "span", mark, attributes={"class": f"mark {kind}"}, after=" ")
    _add(line, "strong", check.id, after=" ")
    _add(line, "span", words(check))
    detail = json.dumps(stated["detail"], ensure_ascii=False, indent=2)
    text = SubElement(details, "pre", tabindex="0")
    text.text = "\n".join(escape_control(one) for one in (stated["spec"], *detail.split("\n")))


def _add(
    parent: Element,
    tag: str,
    text: str,
    *,
    after: str = "",
    attributes: dict[str, str] | None = None,
    **more: str,
) -> None:
    """Add an element that holds nothing but text: whatever the text says, it is shown."""
    child = SubElement(parent, tag, {**(attributes or {}), **more})
    child.text = escape_control(text)
    child.tail = after
