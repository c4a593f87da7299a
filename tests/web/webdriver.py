"""Firefox and WebKitGTK, and of Playwright's page as much as the tests of every browser use.

Playwright brings browsers of its own for these two. What people have is driven as the browsers
themselves offer it: Firefox by Marionette, its own protocol, WebKitGTK by WebKitWebDriver; both
know the commands of W3C WebDriver.
"""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"Tab": "\ue004", "Enter": "\ue007"}
PATIENCE = 120  # seconds
NOWHERE = "127.0.0.1"  # whoever asks for anything, the browser itself too, asks port 9 of it
PATHS = {
    "Navigate": "url",
    "ExecuteScript": "execute/sync",
    "FindElement": "element",
    "ElementClick": "element/{id}/click",
    "ElementSendKeys": "element/{id}/value",
    "PerformActions": "actions",
}
PREFERENCES = {
    "marionette.port": 0,
    "browser.download.folderList": 2,
    "network.proxy.type": 1,
    "network.proxy.http": NOWHERE,
    "network.proxy.http_port": 9,
    "network.proxy.ssl": NOWHERE,
    "network.proxy.ssl_port": 9,
}


def waited(what: Callable[[], Any]) -> Any:
    """Return the first true answer."""
    began = time.monotonic()
    while not (answer := what()):
        assert time.monotonic() - began < PATIENCE
        time.sleep(0.02)
    return answer


class Browser:
    """Processes that show pages, with a HOME of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.downloads = home / "downloads"
        self.downloads.mkdir(parents=True)
        self.processes: list[subprocess.Popen[bytes]] = []

    def run(self, *command: str, stdout: int = subprocess.DEVNULL, **environment: str) -> Any:
        """Start a process."""
        started = subprocess.Popen(
            command,
            env={**os.environ, "HOME": str(self.home), **environment},
            stdout=stdout,
            stderr=subprocess.DEVNULL,
        )
        self.processes.append(started)
        return started

    def close(self) -> None:
        """End all processes, the last one first."""
        for process in reversed(self.processes):
            process.terminate()
            process.wait()
            if process.stdout:
                process.stdout.close()


class Firefox(Browser):
    """Firefox without a window."""

    def start(self) -> None:
        """Start it and begin a session."""
        prefs = {**PREFERENCES, "browser.download.dir": str(self.downloads)}
        lines = (f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in prefs.items())
        (self.home / "user.js").write_text("\n".join(lines))
        self.run("firefox-esr", "--headless", "--marionette", "--profile", str(self.home))
        port = self.home / "MarionetteActivePort"
        waited(lambda: port.exists() and port.read_text())
        self.socket = socket.create_connection((NOWHERE, int(port.read_text())))
        self.answers = self.socket.makefile("rb")
        self._answer()  # its greeting
        self.sent = 0
        self.do("NewSession")

    def do(self, name: str, **parameters: Any) -> Any:
        """Let the browser do a command of WebDriver and return its value."""
        self.sent += 1
        message = json.dumps([0, self.sent, f"WebDriver:{name}", parameters]).encode()
        self.socket.sendall(f"{len(message)}:".encode() + message)
        [_, _, error, result] = self._answer()
        assert error is None, f"{name}: {error['message']}"
        return result.get("value") if isinstance(result, dict) else result

    def _answer(self) -> Any:
        digits = b""
        while (byte := self.answers.read(1)) != b":":
            digits += byte or b"the browser has ended"
        return json.loads(self.answers.read(int(digits)))

    def close(self) -> None:
        """End the browser."""
        if hasattr(self, "answers"):
            self.answers.close()
            self.socket.close()
        super().close()


class WebKit(Browser):
    """WebKitGTK's own small browser, on a screen that nobody sees."""

    def start(self) -> None:
        """Start it and begin a session."""
        (self.home / ".config").mkdir()
        folders = self.home / ".config" / "user-dirs.dirs"
        folders.write_text('XDG_DOWNLOAD_DIR="$HOME/downloads"')
        size = ("-screen", "0", "1280x1000x24")
        screen = self.run("Xvfb", "-displayfd", "1", "-nolisten", "tcp", *size, stdout=-1)
        display = f":{int(screen.stdout.readline())}"
        with socket.create_server((NOWHERE, 0)) as free:
            port = free.getsockname()[1]
        self.run("WebKitWebDriver", f"--port={port}", DISPLAY=display, GDK_BACKEND="x11")
        self.address = f"http://{NOWHERE}:{port}"
        waited(self._listens)
        [browser] = Path("/usr/lib").glob("*/webkit2gtk-4.1/MiniBrowser")
        wanted = {"binary": str(browser), "args": ["--automation"]}
        proxy: dict[str, Any] = {
            "proxyType": "manual",
            "httpProxy": f"{NOWHERE}:9",
            "sslProxy": f"{NOWHERE}:9",
        }
        proxy["noProxy"] = [NOWHERE]  # this machine, where the explorer listens
        asked = {"alwaysMatch": {"webkitgtk:browserOptions": wanted, "proxy": proxy}}
        session = self._ask("POST", "/session", {"capabilities": asked})
        self.address += f"/session/{session['sessionId']}"

    def do(self, name: str, **parameters: Any) -> Any:
        """Let the browser do a command of WebDriver and return its value."""
        return self._ask("POST", "/" + PATHS[name].format_map(parameters), parameters)

    def _listens(self) -> bool:
        try:
            return bool(self._ask("GET", "/status"))
        except urllib.error.URLError:
            return False

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        json_type = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.address + path, content, json_type, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.read().decode()}") from None


class Page:
    """What a browser shows, with Playwright's names."""

    # WebDriver cannot choose a folder: its files are chosen one by one, and are told before the
    # page sees them where in the folder they lie, as the browser's own picker does.
    AS_A_FOLDER = """
    const [paths] = arguments;
    addEventListener("change", ({ target }) => [...target.files].forEach((file, at) =>
      Object.defineProperty(
        file.wrappedJSObject ?? file, "webkitRelativePath", { value: paths[at] })),
      { capture: true, once: true });
    """

    # WebKit's driver keeps no downloads, and its browser shows a bar for each, which never goes:
    # some dozen, and no page is left to click on.
    BLOBS = """
    const made = URL.createObjectURL;
    window.blobs = [];
    URL.createObjectURL = (blob) => { window.blobs.push(blob); return made.call(URL, blob); };
    addEventListener("click", (event) => {
      if (event.target.closest?.("a[download]")) event.preventDefault();
    });
    """

    REACHED = """
    window.reached = false;
    document.querySelector(arguments[0]).addEventListener(
      "click", () => { window.reached = true; }, { capture: true, once: true });
    """

    def __init__(self, browser: Firefox | WebKit) -> None:
        self.browser = browser
        self.keyboard = Keyboard(browser)

    def run(self, body: str, *values: object) -> Any:
        """Run the body of a function, which finds ``values`` as its arguments."""
        return self.browser.do("ExecuteScript", script=body, args=list(values))

    def evaluate(self, expression: str, *values: object) -> Any:
        """Return what an expression is, or what a function returns."""
        called = "typeof found === 'function' ? found(...arguments) : found"
        return self.run(f"const found = ({expression}); return {called}", *values)

    def goto(self, url: str) -> None:
        """Load a page."""
        self.browser.do("Navigate", url=url)

    def keep_blobs(self) -> None:
        """Keep what the page offers to be downloaded in ``window.blobs``, where that is needed."""
        if isinstance(self.browser, WebKit):
            self.run(self.BLOBS)

    def locator(self, css: str) -> "Locator":
        """Return the elements that ``css`` selects."""
        return Locator(self, css)

    def wait_for_selector(self, css: str, state: str = "visible", timeout: float = 0) -> None:
        """Wait until an element is to be seen, or is hidden."""
        hidden = state == "hidden"
        waited(lambda: self.locator(css).count() and self.is_hidden(css) == hidden)

    def set_input_files(self, css: str, paths: Path | list[Path]) -> None:
        """Choose files, or a folder with all that lies in it."""
        chosen = paths if isinstance(paths, list) else [paths]
        if chosen[0].is_dir():
            [folder] = chosen
            chosen = sorted(path for path in folder.rglob("*") if path.is_file())
            self.run(self.AS_A_FOLDER, [str(path.relative_to(folder.parent)) for path in chosen])
            css = "#files"
        self.browser.do("ElementSendKeys", id=self._find(css), text="\n".join(map(str, chosen)))

    def click(self, css: str) -> None:
        """Click on an element, as often as the click reaches something else.

        WebKit's driver presses where the element was when it looked: on a page that grows at this
        moment (a key was made, a link appears) that may be beside it.
        """
        element = self._find(css)
        if not isinstance(self.browser, WebKit):
            self.browser.do("ElementClick", id=element)
            return
        self.run(self.REACHED, css)
        while not self._reached():
            self.browser.do("ElementClick", id=element)
            self.wait_for_timeout(100)

    def _reached(self) -> bool:
        """Whether a click arrived; the page it led to, if it led to one, knows of none."""
        return bool(self.run("return window.reached ?? true"))

    check = click

    def fill(self, css: str, text: str) -> None:
        """Put a text into a field."""
        self.run(
            "const [css, text] = arguments; const field = document.querySelector(css);"
            "field.value = text;"
            "field.dispatchEvent(new Event('input', { bubbles: true }))",
            *(css, text),
        )

    def text_content(self, css: str) -> str:
        """Return the text of the first element."""
        return self.locator(css).text_content()

    def get_attribute(self, css: str, name: str) -> str | None:
        """Return an attribute of the first element."""
        return self.locator(css).get_attribute(name)

    def is_hidden(self, css: str) -> bool:
        """Whether the first element is not to be seen."""
        return not self.run("return document.querySelector(arguments[0]).checkVisibility()", css)

    def is_visible(self, css: str) -> bool:
        """Whether the first element is to be seen."""
        return not self.is_hidden(css)

    def is_disabled(self, css: str) -> bool:
        """Whether the first element cannot be used."""
        return bool(self.run("return document.querySelector(arguments[0]).disabled", css))

    def wait_for_timeout(self, milliseconds: float) -> None:
        """Wait."""
        time.sleep(milliseconds / 1000)

    @contextmanager
    def expect_download(self, name: str = "report.json") -> Iterator["Download"]:
        """Give what is downloaded meanwhile, under a name that is known before."""
        download = Download(self.browser.downloads / name)
        yield download
        waited(lambda: download.path().exists() and download.path().stat().st_size)

    def _find(self, css: str) -> str:
        found = self.browser.do("FindElement", using="css selector", value=css)
        return str(found[ELEMENT])


class Download:
    """A file that a browser keeps, in a folder of its own for downloads."""

    def __init__(self, file: Path) -> None:
        self.value = self
        self.file = file
        self.file.unlink(missing_ok=True)

    def path(self) -> Path:
        """Return where it lies."""
        return self.file


class Locator:
    """The elements that a selector of CSS finds."""

    def __init__(self, page: Page, css: str) -> None:
        self.page = page
        self.css = css
        self.first = self

    def count(self) -> int:
        """Return how many they are."""
        return int(self.page.run("return document.querySelectorAll(arguments[0]).length", self.css))

    def text_content(self) -> str:
        """Return the text of the first."""
        return str(
            self.page.run("return document.querySelector(arguments[0]).textContent", self.css)
        )

    def get_attribute(self, name: str) -> str | None:
        """Return an attribute of the first."""
        find = "return document.querySelector(arguments[0]).getAttribute(arguments[1])"
        value: str | None = self.page.run(find, self.css, name)
        return value

    def focus(self) -> None:
        """Move the focus to the first."""
        self.page.run("document.querySelector(arguments[0]).focus()", self.css)


class Keyboard:
    """The keys of a browser."""

    def __init__(self, browser: Firefox | WebKit) -> None:
        self.browser = browser

    def press(self, key: str) -> None:
        """Press a key and let it go."""
        self.type([KEYS[key]])

    def type(self, keys: str | list[str]) -> None:
        """Press the keys of a text, one after the other."""
        strokes = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.browser.do("PerformActions", actions=[{"type": "key", "id": "k", "actions": strokes}])
