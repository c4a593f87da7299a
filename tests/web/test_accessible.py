"""For everybody: keyboard, screen reader, narrow screens, light and dark."""

import json
from pathlib import Path

import pytest

from tests import npm

pytestmark = [pytest.mark.web, pytest.mark.xdist_group("browser")]
PAGE = Path(__file__).resolve().parents[2] / "page"


def shortcomings(window) -> list[str]:
    """Return what axe-core finds against WCAG 2.2 A and AA and its best practices."""
    # Evaluated, not added as an element: the page's own policy would refuse that.
    axe = npm.installed(PAGE) / "node_modules" / "axe-core" / "axe.min.js"
    window.page.evaluate(axe.read_text("utf-8"))
    found = window.page.evaluate("() => axe.run()")
    return [
        json.dumps({"rule": item["id"], "where": [node["html"][:120] for node in item["nodes"]]})
        for item in found["violations"]
    ]


@pytest.mark.page
@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it(open_page, delivery, width, scheme) -> None:
    window = open_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    assert shortcomings(window) == []
    first, second, *_ = sorted((delivery / "data").iterdir())
    first.write_bytes(first.read_bytes()[:-1] + b"!")
    second.unlink()
    window.give(delivery)
    assert window.verify() == "invalid"
    assert shortcomings(window) == []
    assert window.page.evaluate("document.documentElement.scrollWidth") <= width
    window.shot(f"look-{scheme}-{width}")


def test_by_keyboard_alone(open_page, delivery, did) -> None:
    window = open_page()
    window.give(delivery)
    page = window.page
    page.locator("#folder").focus()
    for _ in range(12):
        if page.evaluate("document.activeElement.id") == "did":
            break
        page.keyboard.press("Tab")
    page.keyboard.type(did)
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "verify":
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("#answer:not([hidden])")
    # The answer is announced: focus moves to the verdict.
    assert page.evaluate("document.activeElement.id") == "verdict"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("#checks details[open]").count() == 1
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.id"))
    assert {"kept", "seek", "wrong"} <= seen
