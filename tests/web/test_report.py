"""A report kept as a page: what the terminal says, as text and never as markup, for everybody."""

import json
import os
from pathlib import Path

import pytest

from lyrikstore.verify.report import (
    Report,
    Verdict,
    failed,
    not_applicable,
    passed,
    unchecked,
    warned,
)
from lyrikstore.web.pages.report import report_facts, report_page
from tests import npm
from tests.sweep import thinned

pytestmark = [pytest.mark.web]

PAGE = Path(__file__).resolve().parents[2] / "page"
SCRIPT = (
    "<img src=x onerror=\"alert('owned')\"><script>alert('owned')</script></style></title>"
    "<svg/onload=alert(1)>]]>--><a href='javascript:alert(1)'>x</a>\u202e\x1b[2J\x00&lt;\udcff"
)
OURS = {
    *("HTML", "HEAD", "META", "TITLE", "STYLE", "BODY", "HEADER", "H1", "H2", "H3", "MAIN", "P"),
    *("DL", "DT", "DD", "UL", "LI", "DETAILS", "SUMMARY", "SPAN", "STRONG", "PRE", "FOOTER"),
    *("DIV", "SCRIPT"),  # the one that carries the facts
}


def is_only_text(window) -> bool:
    """Whether no element or attribute is there that the page itself does not write."""
    found = window.page.evaluate("[...document.querySelectorAll('*')].map((one) => one.tagName)")
    named = window.page.evaluate(
        "[...document.querySelectorAll('*')].flatMap((one) => one.getAttributeNames())"
    )
    ours = {"lang", "charset", "http-equiv", "content", "name", "id", "class", "open", "tabindex"}
    ours.add("type")
    scripts = window.page.evaluate("[...document.scripts].map((one) => one.type + one.id)")
    assert scripts == ["application/jsonpage-facts"]
    return set(found) <= OURS and set(named) <= ours | {"data-check", "data-state"}


def test_it_says_what_the_terminal_says(open_page, publisher, delivery, tmp_path) -> None:
    first, second, *_ = sorted((delivery / "data").iterdir())
    first.write_bytes(first.read_bytes()[:-1] + b"!")
    second.unlink()
    kept = tmp_path / "report.html"
    terminal = publisher.fails(3, "verify", delivery, "--report", kept, "-v").out
    window = open_page(kept, script=False)
    assert is_only_text(window)
    page = window.page
    assert page.get_attribute("#verdict", "class") == "invalid"
    assert terminal.splitlines()[-1] == page.text_content("#verdict")
    for row in page.query_selector_all(".check"):
        line = row.query_selector("summary").text_content()
        name, said = line.split(" ", 1)[1].split(row.get_attribute("data-check"), 1)
        assert name.strip() in {"pass", "fail", "warning", "stated", "not checked", "n/a"}
        assert said.strip() in terminal
    unproven = [row.text_content() for row in page.query_selector_all("main > ul:last-child > li")]
    assert unproven
    assert [f" – not proven: {line}" for line in unproven] == [
        line for line in terminal.splitlines() if line.startswith(" – not proven: ")
    ]
    # What failed is open: a printed page shows why.
    assert page.locator("details[open]").count() == page.locator("[data-state=fail]").count() > 0
    assert "lyrikstore 0." in page.text_content("dl")


@pytest.mark.parametrize("verdict", Verdict)
def test_markup_in_every_text_of_a_report(open_page, tmp_path, verdict) -> None:
    part = Report(verdict, (failed("proof", SCRIPT, SCRIPT),), SCRIPT, SCRIPT, SCRIPT, (SCRIPT,))
    report = Report(
        verdict,
        (
            passed("format", SCRIPT, **{"a": SCRIPT, SCRIPT: [SCRIPT, {SCRIPT: SCRIPT}]}),
            failed("data.files", SCRIPT, SCRIPT, problems=[SCRIPT] * 100),
            warned("quality", SCRIPT, SCRIPT),
            unchecked("status", SCRIPT, SCRIPT),
            not_applicable("regulatory", SCRIPT),
        ),
        SCRIPT,
        SCRIPT,
        SCRIPT,
        (SCRIPT, SCRIPT),
        parts=(part,),
    )
    kept = tmp_path / "report.html"
    kept.write_bytes(report_page(report_facts(report, trust=SCRIPT), tool=SCRIPT))
    window = open_page(kept, script=False)
    assert is_only_text(window)
    shown = window.page.inner_text("body")
    assert "<img src=x onerror=" in shown
    assert r"\u202e\x1b[2J\x00" in shown
    assert not {"\u202e", "\x1b", "\x00"} & set(shown)


def test_markup_in_what_is_verified(open_page, publisher, delivery, tmp_path) -> None:
    name = SCRIPT.replace("/", "\u2215").replace("\x00", "").replace("\udcff", "")[:120]
    (delivery / "data" / name).write_text("x")
    (Path(os.fsdecode(bytes(delivery / "data"))) / "\udcff.txt").write_text("x")
    credential = json.loads((delivery / "credential.json").read_text())
    credential["issuer"] = {"id": SCRIPT, "name": SCRIPT}
    credential["id"] = SCRIPT
    (delivery / "credential.json").write_text(json.dumps(credential))
    kept = tmp_path / "report.html"
    publisher.fails(3, "verify", delivery, "--report", kept)
    assert is_only_text(open_page(kept, script=False))


def test_nothing_runs_even_if_markup_got_in(open_page, publisher, delivery, tmp_path) -> None:
    kept = tmp_path / "report.html"
    publisher.run("verify", delivery, "--report", kept)
    added = (
        b"<script>alert('owned')</script><img src=\"https://evil.example/x\" onerror=alert(1)>"
        b"<style>body{background:url(https://evil.example/y)}</style><p id=evil style='color:red'>"
        b"<iframe src=https://evil.example/></iframe></main>"
    )
    kept.write_bytes(kept.read_bytes().replace(b"</main>", added))
    window = open_page(kept, script=False)
    window.allowed = True
    refused = " ".join(window.page.evaluate("window.violations"))
    for directive in ("script-src-elem", "img-src", "style-src-elem", "frame-src"):
        assert directive in refused
    window.complaints.clear()  # the browser says that it refused


@pytest.mark.page
@pytest.mark.parametrize(
    ("scheme", "width"),
    thinned([("light", 360), ("light", 1200), ("dark", 360), ("dark", 1200)], 1, ci=2),
)
def test_everybody_can_read_it(open_page, publisher, delivery, tmp_path, width, scheme) -> None:
    first, *_ = sorted((delivery / "data").iterdir())
    first.unlink()
    (delivery / "data" / "more.txt").write_text("x")
    kept = tmp_path / "report.html"
    publisher.fails(3, "verify", delivery, "--report", kept)
    window = open_page(
        kept, script=False, viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    axe = npm.installed(PAGE) / "node_modules" / "axe-core" / "axe.min.js"
    window.page.evaluate(axe.read_text("utf-8"))
    found = window.page.evaluate("() => axe.run()")
    assert [item["id"] for item in found["violations"]] == []
    assert window.page.evaluate("document.documentElement.scrollWidth") <= width
    window.shot(f"report-{scheme}-{width}")
    # On paper: dark on white whatever the screen is, and nothing behind a scroll bar.
    window.page.emulate_media(media="print")
    color = "getComputedStyle(document.body).backgroundColor"
    assert window.page.evaluate(color) == "rgb(255, 255, 255)"
    cut = "[...document.querySelectorAll('pre')].filter((p) => p.scrollHeight > p.clientHeight + 1)"
    assert window.page.evaluate(f"{cut}.length") == 0
    assert window.page.pdf()[:5] == b"%PDF-"


@pytest.mark.parametrize("name", ["report.txt", "report", "report.html.exe", "report.HTML "])
def test_another_ending_is_refused_before_anything_is_verified(publisher, tmp_path, name) -> None:
    refused = publisher.fails(2, "verify", "--report", tmp_path / name)
    assert "FILE.html" in refused.err
    assert "FILE.json" in refused.err
    assert not refused.out
    assert not list(tmp_path.glob("report*"))


def test_a_folder_that_is_not_there_is_named_first(publisher, tmp_path) -> None:
    refused = publisher.fails(1, "verify", "--report", tmp_path / "none" / "report.html")
    assert "no folder" in refused.err
    assert not refused.out
