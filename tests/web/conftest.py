"""A real browser, started once, and pages whose every request is watched."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "lyrikstore" / "web" / "verify.html"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
            timeout=120_000,
        )
        yield started
        started.close()


@dataclass
class Window:
    """The page in a browser window."""

    page: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def give(self, folder: Path) -> None:
        """Choose a folder, as a user does."""
        self.page.set_input_files("#folder", folder)
        self.page.wait_for_selector("#verify:enabled")

    def verify(self) -> str:
        """Press the button and return the verdict as a class."""
        self.page.click("#verify")
        self.page.wait_for_selector("#answer:not([hidden])", timeout=120_000)
        return self.page.get_attribute("#verdict", "class")

    @property
    def report(self) -> Any:
        """The report as the page shows it."""
        return json.loads(self.page.text_content("#raw"))

    def shot(self, name: str) -> None:
        """Keep what the window shows for docs/page.md, if the environment says where."""
        if folder := os.environ.get("LYRIKSTORE_SHOTS"):
            self.page.evaluate("document.getElementById('verdict').scrollIntoView()")
            self.page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Window]]:
    """Return a maker of windows; at the end, nothing was asked of any network."""
    windows = []

    def make(**options: Any) -> Window:
        context = browser.new_context(offline=True, **options)
        page = context.new_page()
        page.set_default_timeout(60_000)
        window = Window(page)
        page.on("request", lambda request: window.requests.append(request.url))
        page.on("pageerror", lambda error: window.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: message.type == "error" and window.complaints.append(message.text),
        )
        page.goto(PAGE.as_uri())
        page.wait_for_function("document.getElementById('verify').onclick !== null")
        windows.append((context, window))
        return window

    yield make
    for context, window in windows:
        context.close()
        assert all(url.startswith(("file:", "blob:")) for url in window.requests), window.requests
        assert not window.complaints
