"""Write the pictures of docs/cards.md: the two pages that decide, of the demo's card.

python tools/make_card_pictures.py        after `make demo`; needs chromium
"""

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
CARD = ROOT / ".venv" / "demo" / "acme" / "card.html"
A4 = {"width": 794, "height": 1123}  # CSS pixels


def main() -> None:
    """Print the card to the screen as on paper, and cut where a page begins."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport=A4, device_scale_factor=1.25)
        page.emulate_media(media="print")
        page.goto(CARD.as_uri())
        begins = page.evaluate(
            "[...document.querySelectorAll('.page')].map((one) => one.getBoundingClientRect().top)"
        )
        starts = [0, *begins]
        for number in (1, 2):
            top, end = starts[number - 1], starts[number]
            clip = {"x": 0, "y": top, "width": A4["width"], "height": end - top}
            path = ROOT / "docs" / "images" / f"card-page-{number}.png"
            page.screenshot(path=path, full_page=True, clip=clip)
            print(path)
        browser.close()


if __name__ == "__main__":
    main()
