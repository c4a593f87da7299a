"""Everybody can use the page that drafts, by keyboard alone too."""

from pathlib import Path

import pytest

from tests.web.draft.drafting import (
    PASSPHRASE,
    checked,
    download,
    make_key,
    opened,
    say_who,
    sign,
)
from tests.web.test_accessible import shortcomings

pytestmark = [pytest.mark.web]


@pytest.mark.page
@pytest.mark.parametrize(
    ("scheme", "width"),
    [
        ("light", 320),
        pytest.param("light", 1200, marks=pytest.mark.ci),
        pytest.param("dark", 640, marks=pytest.mark.ci),
    ],
)
def test_everybody_can_use_it(open_page, written, scheme, width) -> None:
    """320 pixels are a window of 1,280 at 400 %, 640 at 200 %."""
    look = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    window = opened(open_page, written, **look)
    page = window.page
    assert shortcomings(window) == []
    page.click("#draft-sign")
    page.wait_for_selector("#draft-problems li")
    page.check("#draft-state-personal-data input[value='value']")
    assert shortcomings(window) == []
    page.check("#draft-choice-personal-data input[value='yes']")
    page.fill("#draft-text-personal-data", "Names.")
    say_who(page)
    make_key(page)
    download(window, "#draft-key-file")
    sign(window)
    page.click("#draft-signed summary")
    assert shortcomings(window) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.check("#draft-kind input[value='challenge']")
    assert shortcomings(window) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    window.shot(f"draft-{scheme}-{width}")


def test_by_keyboard_alone(open_page, written) -> None:
    window = opened(open_page, written)
    page = window.page

    def go(to: str) -> None:
        for _ in range(120):
            if page.evaluate(to):
                return
            page.keyboard.press("Tab")
        raise AssertionError(to)

    page.locator("#draft-kind input").first.focus()
    go("document.activeElement.name === 'state-personal-data'")
    page.keyboard.press("ArrowDown")
    go("document.activeElement.name === 'choice-personal-data'")
    page.keyboard.press("Space")
    go("document.activeElement.id === 'draft-text-personal-data'")
    page.keyboard.type("Names.")
    for field, text in (
        ("name", "Ada"),
        ("liability", "None."),
        ("passphrase", PASSPHRASE),
        ("again", PASSPHRASE),
    ):
        go(f"document.activeElement.id === 'draft-{field}'")
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    page.wait_for_selector("#draft-key-ready")
    go("document.activeElement.id === 'draft-key-file'")
    with page.expect_download():
        page.keyboard.press("Enter")
    go("document.activeElement.id === 'draft-sign'")
    page.keyboard.press("Enter")
    page.wait_for_selector("#draft-signed")
    assert page.evaluate("document.activeElement.id") == "draft-signed-head"
    page.keyboard.press("Tab")
    with page.expect_download() as kept:
        page.keyboard.press("Enter")
    document = checked(Path(kept.value.path()).read_bytes())
    [said] = document["credentialSubject"]["attestation"]["answers"]
    assert (said["choice"], said["text"]) == ("yes", "Names.")
