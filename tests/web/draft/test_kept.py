"""What is entered stays, in the browser and in a file, until somebody deletes it; keys never do."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.web import webdriver
from tests.web.conftest import EVERY_BROWSER
from tests.web.draft.drafting import (
    READY,
    answer,
    download,
    make_key,
    opened,
    say_who,
    sign,
)

pytestmark = [pytest.mark.web]
ASKS = "!dispatchEvent(new Event('beforeunload', { cancelable: true }))"
BROKEN = "void (Storage.prototype.setItem = () => { throw new DOMException('full') })"
STORED = "Object.values({ ...localStorage })"


def fill_in(page: Any) -> None:
    page.check("#draft-state-personal-data input[value='value']")
    page.check("#draft-choice-personal-data input[value='yes']")
    page.check("#draft-scope-personal-data input[value='name']")
    page.fill("#draft-text-personal-data", "Names.\n\u202eof clients")
    answer(page, "contact", "Asked in vain.", "unknown")
    say_who(page)


def entered(page: Any) -> list[str]:
    """Return what stands in the form."""
    fields = ("text-personal-data", "text-contact", "name", "liability")
    return [
        *(page.evaluate(f"document.getElementById('draft-{one}').value") for one in fields),
        *(
            page.evaluate(f"document.querySelector('#draft-{one} input:checked').value")
            for one in ("state-personal-data", "choice-personal-data", "scope-personal-data")
        ),
        page.evaluate("document.querySelector('#draft-state-contact input:checked').value"),
    ]


def reopened(page: Any) -> None:
    """Load the page again in the same browser."""
    if not isinstance(page, webdriver.Page):
        page.reload()
    else:
        page.run("window.before = true; location.reload()")
        webdriver.waited(lambda: page.evaluate(f"!window.before && {READY}"))
        page.keep_blobs()
    page.wait_for_selector("#draft-preview")


@EVERY_BROWSER
def test_what_is_entered_is_there_again(open_page, written, tmp_path) -> None:
    window = opened(open_page, written)
    page = window.page
    assert not page.evaluate(ASKS)
    fill_in(page)
    before = entered(page)
    assert not page.evaluate(ASKS)  # it is kept when the page is left
    file = tmp_path / "draft.json"
    file.write_bytes(download(window, "#draft-save"))
    make_key(page)
    assert page.evaluate(ASKS)  # the key is in no file
    download(window, "#draft-key-file")
    (kept,) = page.evaluate(STORED)
    saved = json.loads(file.read_bytes())
    assert saved["entered"] == json.loads(kept)["entered"]
    assert "did:key" not in kept
    reopened(page)
    assert entered(page) == before
    assert page.is_hidden("#draft-key-ready")
    # Read before it is signed: what is said, and what stays open.
    shown = page.text_content("#draft-preview")
    for said in ("Asked in vain.", "Names.", "later versions, too", "Dr Grace Hopper"):
        assert said in shown
    left = page.locator("#draft-left li a").count()
    page.click("#draft-forget")
    assert page.evaluate(STORED) == []
    assert page.evaluate(ASKS)
    page.fill("#draft-text-contact", "Somebody else.")
    page.set_input_files("#draft-load", file)
    webdriver.waited(lambda: entered(page) == before)
    make_key(page)
    download(window, "#draft-key-file")
    said = sign(window)["credentialSubject"]["attestation"]["answers"]
    assert [(one["question"], one["text"]) for one in said] == [
        ("personal-data", "Names.\n\u202eof clients"),
        ("contact", "Asked in vain."),
    ]
    assert page.locator("#draft-left li a").count() == left > 0


def test_a_browser_that_keeps_nothing_says_so(open_page, written) -> None:
    window = opened(open_page, written)
    page = window.page
    page.evaluate(BROKEN)
    answer(page, "contact", "Me.")
    assert page.evaluate(ASKS)
    assert "save it to a file" in page.text_content("#draft-kept-status")
    download(window, "#draft-save")
    assert not page.evaluate(ASKS)


def test_what_was_saved_of_another_card_is_not_put_in(open_page, written, tmp_path: Path) -> None:
    """ATTACK: a file with answers to something else, or with more than the form has."""
    window = opened(open_page, written)
    page = window.page
    answer(page, "contact", "Me.")
    good = json.loads(download(window, "#draft-save"))
    [entry] = [one for one in good["entered"]["entries"] if one["question"] == "contact"]
    cases = [
        good | {"card": f"blake3:{'0' * 64}"},
        good | {"more": 1},
        good | {"entered": good["entered"] | {"entries": [entry | {"question": "harmless"}]}},
        good | {"entered": good["entered"] | {"entries": [entry | {"state": "signed"}]}},
        good | {"entered": good["entered"] | {"challenges": ["nothing"]}},
        good | {"entered": good["entered"] | {"name": ["Ada"]}},
        [],
    ]
    for number, case in enumerate(cases):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(case))
        page.set_input_files("#draft-load", file)
        webdriver.waited(lambda: page.text_content("#draft-kept-problem"))
        assert page.input_value("#draft-text-contact") == "Me."
        page.evaluate("document.getElementById('draft-kept-problem').textContent = ''")


@pytest.mark.parametrize(("width", "most"), [(1280, 1500), (360, 2500)])
def test_questions_come_first_and_what_is_open_is_named(
    open_page, written, card, width, most
) -> None:
    look = {"viewport": {"width": width, "height": 900}}
    page = opened(open_page, written, **look).page
    ids = page.evaluate("[...document.querySelectorAll('main > section')].map(({ id }) => id)")
    assert ids == ["draft-essentials", "draft", "draft-card"]
    tops = page.evaluate(
        "[...document.querySelectorAll('[data-question]')].map((one) => one.offsetTop)"
    )
    assert tops == sorted(tops)
    assert tops[0] < most
    items = [one for profile in card.content["profiles"] for one in profile["items"] if one["open"]]
    assert page.locator("#draft-items li").count() == len(items) > 0
    page.click("#draft-items summary")
    page.locator("#draft-items a").first.click()
    assert page.evaluate("document.activeElement.id.startsWith('draft-head-')")


def test_progress_leads_from_question_to_question(open_page, written, card) -> None:
    page = opened(open_page, written).page
    count = len(card.content["questions"])
    assert page.text_content("#draft-progress") == f"0 of {count} answered"
    page.click("#draft-next")
    assert page.evaluate("document.activeElement.id") == "draft-head-personal-data"
    answer(page, "contact", "Me.")
    assert page.text_content("#draft-progress") == f"1 of {count} answered"
    page.click("#draft-next")  # past the one that is answered
    third = page.evaluate("document.querySelectorAll('[data-question]')[2].dataset.question")
    assert page.evaluate("document.activeElement.id") == f"draft-head-{third}"
