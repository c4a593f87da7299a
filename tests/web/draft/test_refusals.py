"""What signs nothing: a changed page, a missing answer, a file that is no key, foreign text."""

import re

import pytest

from lyrikstore.canon.text import escape_control
from tests.web.conftest import EVERY_BROWSER
from tests.web.draft.drafting import KNOWN, PASSPHRASE, answer, make_key, opened

pytestmark = [pytest.mark.web]


@EVERY_BROWSER
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"asks":"Whom does one ask?"', b'"asks":"Is it harmless?"'),
        (b"version 1 of its name", b"version 2 of its name"),
        (b'"cardId":"blake3:', b'"cardId":"blake3:0'),
        (
            b'"subject":{"type":"Checkpoint","id":"urn:',
            b'"subject":{"type":"Checkpoint","id":"url:',
        ),
        (b'"origin":"', b'"origin":"","origin":"'),
    ],
)
def test_a_page_that_was_changed_signs_nothing(open_page, written, tmp_path, old, new) -> None:
    data = written.read_bytes()
    at = data.index(b'id="draft-data"')
    assert data.count(old, at) == 1
    changed = tmp_path / "card.html"
    changed.write_bytes(data[:at] + data[at:].replace(old, new))
    page = opened(open_page, changed).page
    assert "Nothing can be signed with it" in page.text_content("#draft-refused")
    assert page.locator("#draft-sign").count() == 0


@EVERY_BROWSER
def test_what_is_read_is_what_is_signed_about(open_page, written, card, tmp_path) -> None:
    """ATTACK: beside the data the document draws another card, with better figures."""
    data = written.read_bytes()
    drawn = (
        b"<main><h1>Model card</h1><section id='draft-card'><p>accuracy 0.9931</p></section>"
        b"<section id='draft'><p>accuracy 0.9931</p></section>"
    )
    assert data.count(b"<main>") == data.count(b"</body>") == 1
    false = data.replace(b"<main>", drawn).replace(b"</body>", b"<p>accuracy 0.9931</p></body>")
    assert false.count(b"0.9931") == 3
    changed = tmp_path / "card.html"
    changed.write_bytes(false)
    page = opened(open_page, changed).page
    shown = page.text_content("html")
    assert "accuracy 0.9931" not in shown
    assert page.locator("#draft-sign").count() == page.locator("#draft-card").count() == 1
    said = page.text_content("#draft-card")
    for one in card.statements:
        assert escape_control(one.text) in said
    for profile in card.content["profiles"]:
        for item in profile["items"]:
            assert escape_control(item["asks"]) in said


def test_a_changed_program_does_not_run(open_page, written, tmp_path) -> None:
    data = written.read_bytes()
    program = data.rindex(b'<script type="module">')
    changed = tmp_path / "card.html"
    changed.write_bytes(
        data[:program] + data[program:].replace(b"Nothing was sent", b"All is well")
    )
    window = open_page(changed, script=False)
    window.allowed = True
    window.complaints.clear()
    assert window.page.locator("#draft-sign").count() == 0


def test_the_policy_allows_this_program_and_this_style(written) -> None:
    text = written.read_text("utf-8")
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    digest = r"'sha256-[A-Za-z0-9+/]{43}='"
    assert re.fullmatch(
        f"default-src 'none'; script-src {digest}; connect-src 'none'; style-src {digest}; "
        "base-uri 'none'; form-action 'none'",
        policy,
    )
    assert text.count("<script") == text.count("</script>") == 2
    assert "<!--" not in text


def test_what_is_missing_is_said(open_page, written) -> None:
    window = opened(open_page, written)
    page = window.page

    def complaints() -> str:
        page.click("#draft-sign")
        page.wait_for_selector("#draft-problems li")
        assert page.evaluate("document.activeElement.id") == "draft-problems"
        assert page.is_hidden("#draft-signed")
        return page.text_content("#draft-problems")

    found = complaints()
    for words in ("Nothing is answered", "Your name is missing", "What you answer for", "no key"):
        assert words in found
    page.check("#draft-state-personal-data input[value='value']")
    answer(page, "contact", "x" * 4001)
    answer(page, "monitoring", "a\tb", "unknown")
    page.fill("#draft-name", " ")
    found = complaints()
    for words in ("nothing is chosen", "the answer is missing", "4001 characters", "U+0009"):
        assert words in found
    page.click("#draft-problems li:last-child a")
    assert page.evaluate("document.activeElement.name") == "source"
    page.fill("#draft-text-contact", "\U0001f600" * 4000)
    assert page.text_content("#draft-text-contact-count") == "4,000 of 4,000 characters"
    assert "4001 characters" not in complaints()
    for first, second, words in (
        ("short", "short", "at least 12"),
        (PASSPHRASE, PASSPHRASE + "!", "differ"),
    ):
        page.fill("#draft-passphrase", first)
        page.fill("#draft-again", second)
        page.click("#draft-make")
        page.wait_for_selector(f"#draft-key-problem:text('{words}')")
    make_key(page)
    assert "Download your key file first" in complaints()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b'{"format":"lyrikstore-page-key/2"}',
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n",
        b"\x00" * (1 << 16) + b"\x00",
    ],
)
def test_another_file_is_no_key(open_page, written, tmp_path, content) -> None:
    page = opened(open_page, written).page
    file = tmp_path / "key.json"
    file.write_bytes(content)
    page.check("#draft-source input[value='kept-key']")
    page.set_input_files("#draft-file", file)
    page.fill("#draft-old-passphrase", PASSPHRASE)
    page.click("#draft-open")
    page.wait_for_selector("#draft-key-problem:text('not a key file')")
    assert page.is_hidden("#draft-key-ready")


def test_foreign_text_is_shown_and_does_nothing(open_page, written) -> None:
    page = opened(open_page, written).page
    asked = page.text_content("#draft-head-personal-data")
    assert "</script><img src=x onerror=alert(1)> <!-- <script>" in asked
    assert page.locator("#draft img").count() == 0
    assert "\\u202etxt.exe" in page.text_content("#draft-guidance-personal-data")
    answered = page.text_content("[data-question='intended-users'] .evidence")
    assert "Lawyers." in answered
    assert KNOWN.did in answered
    questions = page.evaluate(
        "[...document.querySelectorAll('[data-question]')].map((one) => one.dataset.question)"
    )
    assert questions[-1] == "intended-users"  # the only one that is answered
