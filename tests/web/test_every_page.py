"""What holds of every page that lyrikstore writes: readable for everybody, silent, text only."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.publish.cards.document import CardDocument
from tests.sweep import thinned
from tests.web import every_page
from tests.web.conftest import EVERY_BROWSER, Window
from tests.web.draft.conftest import made_card
from tests.web.test_accessible import shortcomings

pytestmark = [pytest.mark.web]
LOOKS = [("light", 360), ("dark", 1280), ("dark", 360), ("light", 1280)]
A4 = 688  # CSS pixels between its margins
NAMES = sorted(every_page.PAGES)
STRUCTURE = """() => ({
  lang: document.documentElement.lang,
  title: document.title.trim().length,
  h1: document.querySelectorAll('h1').length,
  main: document.querySelectorAll('main').length,
  policy: document.querySelector("meta[http-equiv='Content-Security-Policy']")?.content ?? "",
  referrer: document.querySelector("meta[name=referrer]")?.content ?? "",
})"""
TAGS = "[...new Set([...document.querySelectorAll('*')].map((one) => one.localName))]"
LOADING = """() => [...document.querySelectorAll('*')].flatMap((one) => one.getAttributeNames().map(
  (name) => [name, one.getAttribute(name), one.localName])).filter(([name, value, tag]) =>
  name.startsWith('on') || ['src', 'style', 'srcset', 'action', 'formaction'].includes(name) ||
  (/href$/.test(name) && !/^(#|https:|blob:)/.test(value)))"""
HIDDEN = """() => {
  const unseen = /(?![\\n])\\p{Cc}|[\\u202a-\\u202e\\u2066-\\u2069]/u;
  const texts = document.createTreeWalker(document, NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode()) {
    const { data, parentElement } = texts.currentNode;
    if (!parentElement.matches('script, style') && unseen.test(data))
      found.push(data.slice(0, 80));
  }
  return found;
}"""
OPENED = "() => { for (const one of document.querySelectorAll('details')) one.open = true }"
CUT = """() => [...document.querySelectorAll('pre, .scroll, td, dd, p, li')].filter((one) => {
  const { overflowX, overflowY } = getComputedStyle(one);
  return one.checkVisibility() && one.clientHeight > 0 &&
    ((overflowY !== 'visible' && one.scrollHeight > one.clientHeight + 1) ||
     (overflowX !== 'visible' && one.scrollWidth > one.clientWidth + 1));
}).map((one) => one.outerHTML.slice(0, 100))"""


@pytest.fixture(scope="session")
def model_card(tmp_path_factory: pytest.TempPathFactory) -> CardDocument:
    """A card of a real store."""
    return made_card(tmp_path_factory.mktemp("every"))


@pytest.fixture
def page_file(tmp_path: Path, model_card: CardDocument) -> Callable[..., Path]:
    """Return a maker of a page's file."""

    def make(name: str, change: Callable[..., Any] = every_page.plain) -> Path:
        of_a_card = (model_card,) if name in every_page.OF_A_CARD else ()
        path = tmp_path / f"{name}.html"
        path.write_bytes(every_page.PAGES[name](change, *of_a_card))
        return path

    return make


def shown(open_page: Callable[..., Window], name: str, path: Path, **look: Any) -> Window:
    """Open a page and wait until its program, if it has one, has drawn it."""
    return open_page(path, ready=every_page.PROGRAMS.get(name, "true"), **look)


def look_at(scheme: str, width: int) -> dict[str, Any]:
    return {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}


def fits(window: Window) -> bool:
    return bool(window.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.page
@pytest.mark.parametrize(("scheme", "width"), thinned(LOOKS, 1, ci=4))
@pytest.mark.parametrize("name", NAMES)
def test_everybody_can_read_it(open_page, page_file, name, scheme, width) -> None:
    window = shown(open_page, name, page_file(name), **look_at(scheme, width))
    assert shortcomings(window) == []
    assert fits(window)
    window.page.evaluate(OPENED)
    assert shortcomings(window) == []
    assert fits(window)
    window.shot(f"{name}-{scheme}-{width}")
    page = window.page  # on paper: dark on white, and nothing behind a scroll bar
    page.set_viewport_size({"width": A4, "height": 1100})
    page.emulate_media(media="print", color_scheme=scheme)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(CUT) == []
    assert fits(window)
    assert page.pdf()[:5] == b"%PDF-"


@EVERY_BROWSER
@pytest.mark.parametrize("name", NAMES)
def test_it_is_one_document_that_asks_for_nothing(open_page, page_file, name) -> None:
    path = page_file(name)
    window = shown(open_page, name, path)
    found = window.page.evaluate(STRUCTURE)
    assert (found["lang"], found["h1"], found["main"]) == ("en", 1, 1)
    assert found["title"] > 3
    assert found["referrer"] == "no-referrer"
    policy = found["policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "'unsafe-inline'" not in policy
    assert "'unsafe-eval'" not in policy
    assert not re.search(r"https?:|\*", policy)
    assert window.page.evaluate(LOADING) == []


@EVERY_BROWSER
@pytest.mark.parametrize("name", NAMES)
def test_a_text_stays_text(open_page, page_file, name, request) -> None:
    """ATTACK: in every text markup, a turned direction, control characters, no end of a word."""
    tags = set(shown(open_page, name, page_file(name)).page.evaluate(TAGS))
    path = page_file(name, every_page.hostile)
    look = look_at("light", 360) if request.node.callspec.params["open_page"] == "browser" else {}
    window = shown(open_page, name, path, **look)
    page = window.page
    page.evaluate(OPENED)
    assert set(page.evaluate(TAGS)) <= tags
    assert page.evaluate(LOADING) == []
    assert page.evaluate(HIDDEN) == []
    if name != "audit":  # of one that was changed it shows that, and nothing that is in it
        assert "<img src=x onerror=" in page.text_content("body")
    assert fits(window)
