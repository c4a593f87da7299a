"""Audit files in browsers: the page checks itself, shows the answers, and fails loudly."""

import base64
import gzip
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import make_audit
from lyrikstore.audit.file.container import write_page
from tests.audit.file.conftest import EVIDENCE, VECTORS
from tests.web.conftest import EVERY_BROWSER
from tests.web.test_accessible import shortcomings

pytestmark = [pytest.mark.web]
READY = "document.querySelector('#verdict') !== null"
FOUNDER = tomllib.loads(VECTORS["trust"])["issuer"][0]["did"]
CASES = {case["id"]: case for case in VECTORS["cases"]}


def page_of(folder: Path, evidence: bytes = EVIDENCE) -> Path:
    """Return an audit file with this evidence."""
    path = folder / "audit.html"
    path.write_bytes(write_page(evidence, "Audit of it"))
    return path


def report_in(page: Any) -> Any:
    """Return the report that the page shows, and its checks as vectors spell them."""
    report = json.loads(page.text_content("#raw"))
    checks = {
        one["id"]: one["detail"].get("reason", one["state"])
        for one in report["checks"]
        if one["state"] != "pass"
    }
    return report["verdict"], checks


@EVERY_BROWSER
def test_a_page_checks_itself_and_answers(open_page, tmp_path) -> None:
    page = open_page(page_of(tmp_path), ready=READY).page
    assert page.get_attribute("#verdict", "data-verdict") == "valid-without-data"
    assert report_in(page)[1]["store.genesis"] == "unknown-founder"
    page.fill("#did", FOUNDER)
    assert report_in(page) == (CASES["as-written"]["verdict"], CASES["as-written"]["checks"])
    shown = page.evaluate(
        "[...document.querySelectorAll('.questions > li')].map((row) => row.dataset.state)"
    )
    assert shown == [one["state"] for one in VECTORS["answers"]]
    page.click("#question-sources summary")
    page.wait_for_selector("#question-sources table")
    [table] = VECTORS["answers"][0]["tables"]
    cells = page.evaluate(
        "[...document.querySelectorAll('#question-sources tbody td')].map((one) => one.textContent)"
    )
    assert cells[: len(table["columns"])] == table["rows"][0]["cells"]
    page.click("#question-sources tbody a")
    entry = f"#entry-{table['rows'][0]['log'][0]}"
    page.wait_for_selector(f"{entry} pre")
    assert json.loads(page.text_content(f"{entry} pre"))["kind"] == "dataset"


@EVERY_BROWSER
@pytest.mark.parametrize("case", ["leaf-dropped", "object-edited", "kept-of-another-history"])
def test_edited_evidence_is_invalid(open_page, tmp_path, case) -> None:
    edited = make_audit.edited(json.loads(EVIDENCE), CASES[case])
    page = open_page(page_of(tmp_path, edited), ready=READY).page
    assert page.get_attribute("#verdict", "data-verdict") == "invalid"
    assert report_in(page)[0] == "invalid"


def test_what_is_new_since_a_kept_log_checkpoint_is_marked(open_page, tmp_path) -> None:
    edited = make_audit.edited(json.loads(EVIDENCE), CASES["kept-earlier"])
    page = open_page(page_of(tmp_path, edited), ready=READY).page
    page.evaluate("document.querySelector('#question-signers details').open = true")
    marked = page.evaluate(
        "[...document.querySelectorAll('#question-signers tr')]"
        ".map((row) => row.lastChild.textContent.startsWith('new '))"
    )
    [people, steps] = VECTORS["answers"][7]["tables"]
    new = [[max(row["log"]) >= 2 for row in table["rows"]] for table in (people, steps)]
    assert marked == [False, *new[0], False, *new[1]]
    assert "nothing rewritten" in page.text_content("#facts")


@pytest.mark.parametrize(
    "evidence",
    [
        b"",
        b"<b>",
        base64.b64encode(gzip.compress(EVIDENCE)[:-9]),
        base64.b64encode(gzip.compress(EVIDENCE) * 2),
        base64.b64encode(gzip.compress(b"\0" * (1 << 27))),
        base64.b64encode(gzip.compress(EVIDENCE.replace(b'"audit":1', b'"audit":2'))),
        base64.b64encode(gzip.compress(EVIDENCE)) + b'</script><b id="evidence">',
    ],
    ids=["none", "markup", "cut", "twice", "bomb", "newer", "two"],
)
def test_a_hostile_file_ends_in_a_verdict(open_page, tmp_path, evidence) -> None:
    whole = page_of(tmp_path).read_bytes()
    hostile = tmp_path / "hostile.html"
    hostile.write_bytes(re.sub(rb'(id="evidence">)[^<]*', rb"\1" + evidence, whole, count=1))
    page = open_page(hostile, ready=READY).page
    assert page.get_attribute("#verdict", "data-verdict") == "invalid"
    assert report_in(page)[1]["audit.file"] == "bad-audit"


def test_what_stands_beside_the_evidence_is_not_shown(open_page, tmp_path) -> None:
    forged = b"<main><h1>Trusted</h1></main><script>document.title = 'run'</script>"
    path = page_of(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"<body>", b"<body>" + forged))
    window = open_page(path, ready=READY)
    window.allowed = True
    window.complaints.clear()  # the policy refused the script
    assert "run" not in window.page.title()
    assert "Trusted" not in window.page.text_content("body")


def test_another_program_does_not_run(open_page, tmp_path) -> None:
    path = page_of(tmp_path)
    other = base64.b64encode(gzip.compress(b"document.title = 'run'"))
    data = re.sub(rb'(id="program">)[^<]*', rb"\1" + other, path.read_bytes(), count=1)
    path.write_bytes(data)
    window = open_page(path, ready="document.scripts.length > 3")
    window.allowed = True
    window.complaints.clear()
    assert window.page.title() == "Audit of it"
    assert "not checked yet" in window.page.text_content("h1")


@pytest.mark.page
@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 360)])
def test_everybody_can_read_it(open_page, tmp_path, scheme, width) -> None:
    window = open_page(
        page_of(tmp_path),
        ready=READY,
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
    )
    page = window.page
    assert shortcomings(window) == []
    opening = "for (const one of document.querySelectorAll('details')) one.open = true"
    page.evaluate(opening)
    page.wait_for_selector("#entry-0")
    page.evaluate(opening)
    page.wait_for_selector("#entry-0 pre")
    assert shortcomings(window) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_paper_all_but_the_signed_texts_is_open(open_page, tmp_path) -> None:
    page = open_page(page_of(tmp_path), ready=READY).page
    assert page.evaluate("document.documentElement.scrollHeight") < 2 * 1000
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    folded = page.evaluate("document.querySelectorAll('details:not([open], .whole)').length")
    assert folded == 0
    assert page.locator("#entry-0").count() == 1
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.querySelectorAll('details[open]').length") == 0
