"""A real browser, started once, and pages whose every request is watched."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Person
from tests.differential.seeds import spelt
from tests.web import webdriver

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "lyrikstore" / "web" / "verify.html"


ATTESTED = json.loads(
    (REPOSITORY / "spec" / "vectors" / "verdicts" / "attestations.json").read_text("ascii")
)["base"]
AT = ATTESTED["at"]


def attested(folder: Path) -> Path:
    """Return a delivery, without data, that somebody else attests something about."""
    delivery = folder / "attested"
    delivery.mkdir()
    for name, given in {"credential.json": ATTESTED["credential"], **ATTESTED["siblings"]}.items():
        (delivery / name).write_bytes(spelt(given))
    return delivery


WATCH = """window.violations = [];
document.addEventListener("securitypolicyviolation",
  (event) => window.violations.push(event.violatedDirective + " " + event.blockedURI));
for (const kind of ["error", "unhandledrejection"])
  window.addEventListener(kind,
    ({ message, reason }) => window.violations.push(String(message ?? reason)));"""


def browsers(*others: str) -> pytest.MarkDecorator:
    """Run a test in Chromium and in these: ``firefox``, ``webkit``."""
    marked = [pytest.param(name, marks=getattr(pytest.mark, name)) for name in others]
    return pytest.mark.parametrize("open_page", ["browser", *marked], indirect=True)


EVERY_BROWSER = browsers("firefox", "webkit")
READY = "document.getElementById('verify').onclick !== null"


@dataclass
class Window:
    """The page in a browser window."""

    page: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    allowed: bool = False
    """Whether the test breaks the page's policy on purpose."""

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

    def at(self, moment: str) -> None:
        """Judge for this moment."""
        self.page.evaluate("moment => { document.getElementById('at').value = moment }", moment)

    def keep(self) -> Any:
        """Download the report and return what is in the file."""
        with self.page.expect_download() as download:
            self.page.click("#kept")
        return json.loads(Path(download.value.path()).read_text("utf-8"))

    def shot(self, name: str) -> None:
        """Keep what the window shows for docs/page.md, if the environment says where."""
        folder = os.environ.get("LYRIKSTORE_SHOTS")
        if folder and not isinstance(self.page, webdriver.Page):
            self.page.evaluate("document.getElementById('banner').scrollIntoView()")
            self.page.screenshot(path=Path(folder) / f"{name}.png")


def drop(page: Any, path: Path, where: str = "#drop") -> None:
    """Drop a file or folder on the page, as from the desktop, and wait until it says something."""
    page.locator(where).scroll_into_view_if_needed()
    box, before = page.locator(where).bounding_box(), page.text_content("#given")
    place = {"x": box["x"] + 9, "y": box["y"] + 9}
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    session = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})
    page.wait_for_selector(f"#given:not(:text('{before}'))")


@pytest.fixture(scope="session")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Firefox]:
    browser = webdriver.Firefox(tmp_path_factory.mktemp("firefox") / "home")
    try:
        browser.start()
        yield browser
    finally:
        browser.close()


@pytest.fixture(scope="session")
def webkit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.WebKit]:
    browser = webdriver.WebKit(tmp_path_factory.mktemp("webkit") / "home")
    try:
        browser.start()
        yield browser
    finally:
        browser.close()


@pytest.fixture
def open_page(request: pytest.FixtureRequest) -> Iterator[Callable[..., Window]]:
    """Return a maker of windows, of Chromium or, by parameter, of another browser."""
    name = getattr(request, "param", "browser")
    windows = in_chromium if name == "browser" else in_another
    yield from windows(request.getfixturevalue(name))


def in_another(browser: Any) -> Iterator[Callable[..., Window]]:
    """Give a maker of windows, each in the place of the one before; no page finds what was kept."""
    opened: list[Window] = []

    def make(path: Path = PAGE, *, ready: str = READY) -> Window:
        page = webdriver.Page(browser)
        page.goto(path.as_uri())
        page.run("localStorage.clear()")
        page.goto(path.as_uri())
        page.run(WATCH)
        page.keep_blobs()
        webdriver.waited(lambda: page.evaluate(ready))
        opened[:] = [Window(page)]
        return opened[0]

    yield make
    for window in opened:
        page = window.page
        assert window.allowed or not page.evaluate("window.violations")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        loaded = page.evaluate("performance.getEntriesByType('resource').map(({name}) => name)")
        assert all(url.startswith("blob:") for url in loaded), loaded


def in_chromium(browser: Any) -> Iterator[Callable[..., Window]]:
    """Give a maker of windows; at the end, nothing was asked of any network."""
    windows = []

    def make(
        path: Path = PAGE, *, script: bool = True, ready: str = READY, **options: Any
    ) -> Window:
        context = browser.new_context(offline=True, **options)
        page = context.new_page()
        page.set_default_timeout(60_000)
        window = Window(page)
        page.on("request", lambda request: window.requests.append(request.url))
        page.on(  # what the policy stopped was asked of nobody; it is a violation
            "requestfailed",
            lambda request: request.failure == "csp" and window.requests.remove(request.url),
        )
        page.on("pageerror", lambda error: window.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: message.type == "error" and window.complaints.append(message.text),
        )
        page.on("dialog", lambda dialog: window.complaints.append(f"dialog {dialog.message}"))
        page.add_init_script(WATCH)
        page.goto(path.as_uri())
        # Asked from here: a function that waits in the page is text to evaluate, which it forbids.
        while script and not page.evaluate(ready):
            page.wait_for_timeout(20)
        windows.append((context, window))
        return window

    yield make
    for context, window in windows:
        violations = window.page.evaluate("window.violations")
        context.close()
        assert window.allowed or not violations, violations
        assert all(url.startswith(("file:", "blob:")) for url in window.requests), window.requests
        assert not window.complaints


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, corpus: Any) -> Path:
    """A publisher's HOME and folder with a store and a delivery, made once for all tests."""
    base = tmp_path_factory.mktemp("made")
    person = Person(base / "home", base / "work")
    person.home.mkdir()
    person.folder.mkdir()
    person.ok("key", "new", "--no-passphrase")
    person.ok("init")
    documents, sheet = corpus.write(person.folder)
    person.ok("commit", documents, "-d", "acme/docs", "--metadata", sheet)
    person.ok(
        *("issue", "acme/docs", "-o", "delivery", "--permit", "train", "--issuer-name", "Acme"),
        *("--status-url", "https://data.example/status"),
    )
    return base


@pytest.fixture
def publisher(made: Path, tmp_path: Path) -> Person:
    """The publisher of that store, with a HOME of this test's own."""
    shutil.copytree(made / "home", tmp_path / "home")
    return Person(tmp_path / "home", made / "work")


@pytest.fixture
def delivery(made: Path, tmp_path: Path) -> Path:
    """A delivery made by the command line, with status lists; this test's own copy."""
    return Path(shutil.copytree(made / "work" / "delivery", tmp_path / "delivery"))


@pytest.fixture
def did(publisher: Person) -> str:
    """The publisher's key."""
    return publisher.ok("key", "show", "--json").json["keys"][0]["did"]
