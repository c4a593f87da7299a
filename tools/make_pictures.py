"""Write the pictures of pages in docs/images, of the demo's store.

python tools/make_pictures.py [DEMO]        after `make demo`; needs chromium
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
VERIFICATION_PAGE = ROOT / "lyrikstore" / "web" / "verify.html"
MODEL = "checkpoints/acme/licence-classifier"
EVALUATION = "evaluations/acme/licence-classifier"
DATA = "datasets/acme/licences-clean"
SOURCE = "datasets/acme/licences"
LABELLED = "datasets/acme/licence-task.train"
A4 = {"width": 794, "height": 1123}  # CSS pixels
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
MAX_PICTURE = 150_000  # bytes
QUALITY = 82  # of WebP
SMALLER = 0.85  # of the height, as often as a picture is too large


class Demo:
    """The store of the demo, and the command line in it.

    Attributes:
        folder: What `make demo` leaves behind.
        made: A folder for pages.
    """

    def __init__(self, folder: Path, made: Path) -> None:
        self.folder = folder
        self.made = made
        self.store = folder / "acme"

    def start(self, *words: object) -> subprocess.Popen[str]:
        """Start a command in the store's folder."""
        command = [sys.executable, "-m", "lyrikstore_cli", *map(str, words)]
        paths = os.pathsep.join((str(ROOT), str(ROOT / "cli")))
        home = {"HOME": str(self.folder / "homes" / "acme"), "PYTHONPATH": paths}
        return subprocess.Popen(
            command, cwd=self.store, env={**os.environ, **home}, stdout=subprocess.PIPE, text=True
        )

    def run(self, *words: object) -> str:
        """Return what a command prints."""
        process = self.start(*words)
        printed, _ = process.communicate()
        if process.returncode:
            raise SystemExit(f"lyrikstore {' '.join(map(str, words))} failed")
        return printed

    def page(self, name: str, *words: object) -> Path:
        """Return the page that a command writes at the path after its last word."""
        path = self.made / name
        self.run(*words, path)
        return path

    @contextmanager
    def explorer(self) -> Iterator[str]:
        """Give the link of the explorer."""
        process = self.start("ui")
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            process.wait()


def keep(page: Page, name: str, *, top: float = 0, height: float | None = None) -> None:
    """Write a picture of a page's beginning, as much as goes into a small file.

    Args:
        page: The page, as wide as the picture.
        name: The picture, without its ending.
        top: Where the picture begins, in CSS pixels.
        height: Its height; by default, that of the window.
    """
    assert page.viewport_size is not None
    width = page.viewport_size["width"]
    tall = float(page.evaluate("document.documentElement.scrollHeight")) - top
    tall = min(tall, height or page.viewport_size["height"])
    path = IMAGES / f"{name}.webp"
    session = page.context.new_cdp_session(page)
    while True:
        clip = {"x": 0, "y": top, "width": width, "height": tall, "scale": 1}
        wanted = {"format": "webp", "quality": QUALITY, "clip": clip, "captureBeyondViewport": True}
        data = b64decode(session.send("Page.captureScreenshot", wanted)["data"])
        if len(data) <= MAX_PICTURE:
            break
        tall *= SMALLER
    path.write_bytes(data)
    print(f"{path.relative_to(ROOT)}  {len(data):,} bytes")


def opened(browser: Browser, address: str, size: dict[str, int], ready: str = "body") -> Page:
    """Return a page in a window of its own."""
    page = browser.new_page(viewport=size)  # type: ignore[arg-type]
    page.goto(address)
    page.wait_for_selector(ready)
    return page


def card(browser: Browser, demo: Demo) -> None:
    """Print the card to the screen as on paper, and cut where a page begins."""
    page = browser.new_page(viewport=A4)  # type: ignore[arg-type]
    page.emulate_media(media="print")
    page.goto((demo.store / "card.html").as_uri())
    begins = page.evaluate(
        "[...document.querySelectorAll('.page')].map((one) => one.getBoundingClientRect().top)"
    )
    starts = [0, *begins]
    for number in (1, 2):
        top, end = starts[number - 1], starts[number]
        keep(page, f"card-page-{number}", top=top, height=end - top)


def documents(browser: Browser, demo: Demo) -> None:
    """Show pages that commands write: evaluation, profile, audit file, and the expert's page."""
    evaluation = demo.page("evaluation.html", "evaluate", EVALUATION, "--html")
    keep(opened(browser, evaluation.as_uri(), WIDE), "evaluation")
    profile = demo.page("profile.html", "profile", DATA, "--html")
    keep(opened(browser, profile.as_uri(), WIDE), "profile")
    audit = demo.page("audit.html", "audit", MODEL, "-o")
    keep(opened(browser, audit.as_uri(), WIDE, "#questions-head"), "audit")
    draft = (demo.store / "for-the-expert" / "card.html").as_uri()
    for name, size in (("draft", WIDE), ("draft-360", NARROW)):
        keep(opened(browser, draft, size, "#draft-sign"), name)


def review(browser: Browser, demo: Demo) -> None:
    """Show the page of a reviewer, with a record that is decided and one that is not."""
    did = json.loads(demo.run("key", "show", "--json"))["keys"][0]["did"]
    questions = demo.made / "questions.toml"
    questions.write_text('field = "category"\nasks = "What kind of licence is this?"\n', "utf-8")
    asked = ("review", "new", LABELLED, "--questions", questions, "--reviewer", did)
    asked += ("--passphrase-file", demo.folder / "homes" / "acme" / "passphrase")
    more = ("--sample", 20, "--by", "category", "-o", demo.made / "queue", "--json")
    made = json.loads(demo.run(*asked, *more))
    page_file = Path(made["handedOut"][0]["path"]) / "review.html"
    for name, size in (("review", WIDE), ("review-360", NARROW)):
        page = opened(browser, page_file.as_uri(), size, "#review-sign")
        page.click("#review-accept")
        page.evaluate("scrollTo(0, 0)")
        keep(page, name)


def verdicts(browser: Browser, demo: Demo) -> None:
    """Let the verification page judge a delivery: whole, from a stranger, incomplete, changed."""
    did = json.loads(demo.run("key", "show", "--json"))["keys"][0]["did"]
    delivery = demo.made / "delivery"
    shutil.copytree(demo.store / "delivery", delivery)
    first, second, *_ = sorted((delivery / "data").iterdir())
    changes: dict[str, tuple[str, Callable[[], object]]] = {
        "trusted": (did, lambda: None),
        "valid": ("", lambda: None),
        "incomplete": (did, second.unlink),
        "invalid": (did, lambda: first.write_bytes(first.read_bytes()[:-1] + b"!")),
    }
    for verdict, (key, change) in changes.items():
        change()
        page = opened(browser, VERIFICATION_PAGE.as_uri(), WIDE)
        page.set_input_files("#folder", delivery)
        page.fill("#did", key)
        page.click("#verify")
        page.wait_for_selector(f"#verdict.{verdict}", timeout=120_000)
        top = page.evaluate("document.getElementById('banner').getBoundingClientRect().top")
        keep(page, f"verdict-{verdict}", top=top + page.evaluate("scrollY") - 16, height=600)


def explorer(browser: Browser, demo: Demo) -> None:
    """Walk through the explorer."""

    def identity(name: str) -> str:
        found = json.loads(demo.run("show", name, "--json"))["id"]
        return str(found).removeprefix("blake3:")

    data, source = identity(DATA), identity(SOURCE)
    with demo.explorer() as link:
        page = opened(browser, link, WIDE)
        home = page.url
        places = {
            "names": home,
            "dataset": f"{home}dataset?id={data}",
            "lineage": f"{home}lineage/{identity(MODEL)}",
            "compare": f"{home}compare?a={source}&b={data}",
        }
        page.wait_for_timeout(5000)  # it verifies meanwhile
        for name, address in places.items():
            page.goto(address)
            page.wait_for_timeout(500)
            keep(page, f"explorer-{name}")
        page.set_viewport_size(NARROW)  # type: ignore[arg-type]
        page.goto(home)
        keep(page, "explorer-names-360")


def main() -> None:
    """Write all pictures."""
    folder = Path(sys.argv[1] if sys.argv[1:] else ROOT / ".venv" / "demo").resolve()
    with tempfile.TemporaryDirectory() as made, sync_playwright() as play:
        chromium = shutil.which("chromium")
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        demo = Demo(folder, Path(made))
        for write in (card, documents, review, verdicts, explorer):
            write(browser, demo)
        browser.close()


if __name__ == "__main__":
    main()
