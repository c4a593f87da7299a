"""The explorer in real browsers: a session, the walk by keyboard, runs beside each other."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from lyrikstore.explorer.graph import standing
from lyrikstore.explorer.server import Server
from lyrikstore.history.manifests.manifest import Input
from tests.explorer.chained import ChainBrowser
from tests.explorer.conftest import HOSTILE
from tests.publish.conftest import WORLD
from tests.sweep import thinned
from tests.web import webdriver
from tests.web.conftest import WATCH
from tests.web.test_accessible import shortcomings

pytestmark = [pytest.mark.web]
LOOKS = [("light", 360), ("dark", 1280), ("dark", 360), ("light", 1280)]
DRAWN = "document.querySelectorAll('#drawing svg a').length > 1"


def second_run(chain: Any) -> None:
    """Log a run that differs from the first in one setting, and gave no model."""
    run = chain.made["run"]
    config = {**run.body["config"], "purpose": "train", "another": "setting"}
    inputs = [Input(one.role, one.kind, one.id) for one in run.inputs]
    body = {**run.body, "config": config}
    chain.log("second", kind="run", name="runs/acme/second", body=body, inputs=inputs)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An explorer that listens, with the links of its sessions."""
    chain = WORLD.Chain(tmp_path_factory.mktemp("served")).build()
    chain.decide()
    second_run(chain)
    opened = ChainBrowser(chain)
    for row in opened.explorer.facts.rows:
        if row["type"] == "credential":
            row["name"] = HOSTILE
    standing._MAPS.clear()  # it has the names
    standing.map_of(opened.explorer)
    made = chain.made
    paths = {
        "lineage": f"/lineage/{made['train'].id}?up=12&down=12",
        "impact": f"/impact/{made['raw'].id}",
        "runs": "/runs",
        "run": f"/run/{made['run'].id}",
        "compare": f"/runs/compare?run-{made['run'].id}=1&run-{made['second'].id}=1",
        "cards": "/cards",
        "card": f"/card/{made['card'].id}",
        "uses": "/uses",
        "credentials": "/credentials",
        "credential": f"/credential/{opened.credential}",
        "rules": "/rules",
    }
    yield SimpleNamespace(opened=opened, paths=paths, made=made)
    opened.close()


@contextlib.contextmanager
def listening(explorer: Any) -> Iterator[tuple[str, str]]:
    """Serve an explorer on a free port; give its origin and the link that opens one session."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        server = Server(explorer, port)
        running = uvicorn.Server(uvicorn.Config(server.app, log_level="warning", lifespan="off"))
        sockets = {"sockets": [listener]}
        thread = threading.Thread(target=running.run, kwargs=sockets, daemon=True)
        thread.start()
        while not running.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}", server.url
        running.should_exit = True
        thread.join(10)


@pytest.fixture
def session(browser: Any, served: Any) -> Iterator[Any]:
    """A window with a session of the explorer; nothing is asked of another origin."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(f"dialog {dialog.message}"))
    page.add_init_script(WATCH)
    with listening(served.opened.explorer) as (origin, link):
        page.goto(link)
        yield SimpleNamespace(page=page, go=lambda name: page.goto(origin + served.paths[name]))
        violations = page.evaluate("window.violations")
        context.close()
    assert not violations
    assert not complaints
    assert all(one.startswith(origin) for one in asked), asked


def here(page: Any) -> str:
    """Return the id of the node that has the focus."""
    return str(page.evaluate("document.activeElement.dataset.id"))


def test_the_drawing_is_walked_by_keyboard(session, served) -> None:
    page = session.page
    session.go("lineage")
    page.wait_for_selector("#drawing svg a")
    centre = str(served.made["train"].id)
    page.focus(f"#drawing a[data-id='{centre}']")
    page.keyboard.press("ArrowLeft")
    source = here(page)
    data = json.loads(page.text_content("#lineage-data"))
    assert {"from": source, "to": centre} in [
        {"from": one["from"], "to": one["to"]} for one in data["edges"]
    ]
    assert page.locator("#drawing .resting").count() > 0
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Home")
    assert here(page) == centre
    page.keyboard.press("ArrowRight")
    after = here(page)
    assert after != centre
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/lineage/{after.replace(':', '%3A')}**")
    assert json.loads(page.text_content("#lineage-data"))["centre"] == after


def test_hostile_names_are_drawn_as_text(session, served) -> None:
    page = session.page
    session.go("lineage")
    page.wait_for_selector("#drawing svg a")
    assert page.locator("main script:not([type='application/json'])").count() == 0
    credential = served.opened.credential
    link = page.locator(f"#drawing a[data-id='{credential}']")
    assert "<script>alert(1)</script>" in link.text_content()
    assert "\u202e" not in link.text_content()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_two_runs_are_chosen_and_compared(session, served) -> None:
    page = session.page
    session.go("runs")
    for name in ("run", "second"):
        page.check(f"input[name='run-{served.made[name].id}']")
    page.click("main form[action='/runs/compare'] button")
    page.wait_for_selector("#settings")
    settings = page.text_content("#settings >> xpath=..")
    assert "another" in settings
    assert "seed" not in settings  # it is the same
    assert page.locator("#not-comparable").count() == 1
    assert page.locator("#metrics >> xpath=.. >> svg").count() > 0


def test_pages_are_whole_without_their_program(browser, served) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    with listening(served.opened.explorer) as (origin, link):
        page.goto(link)
        page.goto(origin + served.paths["lineage"])
        assert page.locator("#lineage li").count() > 2
        assert page.locator("#drawing").count() == 0
        context.close()


@pytest.mark.page
@pytest.mark.parametrize(("scheme", "width"), thinned(LOOKS, 2, ci=4))
def test_everybody_can_use_it(session, served, scheme, width) -> None:
    page = session.page
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    found = {}
    for name in served.paths:
        session.go(name)
        found[name] = shortcomings(session)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    assert not any(found.values()), found


@pytest.mark.parametrize("name", [
    pytest.param("firefox", marks=pytest.mark.firefox),
    pytest.param("webkit", marks=pytest.mark.webkit),
])  # fmt: skip
def test_it_is_drawn_and_walked_elsewhere(request, served, name) -> None:
    page = webdriver.Page(request.getfixturevalue(name))
    with listening(served.opened.explorer) as (origin, link):
        page.goto(link)
        page.goto(origin + served.paths["lineage"])
        webdriver.waited(lambda: page.evaluate(DRAWN))
        centre = str(served.made["train"].id)
        page.locator(f"#drawing a[data-id='{centre}']").focus()
        page.run(
            "document.activeElement.dispatchEvent("
            "new KeyboardEvent('keydown', {key: 'ArrowLeft', bubbles: true}));"
        )
        assert page.evaluate("document.activeElement.dataset.id") != centre
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
