"""The explorer in this process, and a browser session with it."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from xml.etree.ElementTree import Element

import lxml.html
from starlette.testclient import TestClient

from lyrikstore.api import KeyFolder, Signer, Store
from lyrikstore.explorer.explorer import Explorer
from lyrikstore.explorer.server import Server
from lyrikstore.testing.keys import signer_for

PORT = 8123
ORIGIN = f"http://127.0.0.1:{PORT}"


class Browser:
    """A browser that has opened the link of `lyrikstore ui`."""

    def __init__(self, folder: Path, *, opened: bool = True) -> None:
        self.folder = folder
        self.explorer = Explorer(self.open_store)
        self.server = Server(self.explorer, PORT)
        self.client = TestClient(self.server.app, base_url=ORIGIN)
        if opened:
            assert self.client.get(self.server.url).status_code == 200
            while self.explorer.wait_until_read(10) is not None:
                pass

    def open_store(self, *, signer: Signer | None = None) -> Store:
        return Store.open(
            self.folder / "store",
            memory_dir=self.folder / "memory",
            trust_file=self.folder / "trust.toml",
            cache_dir=self.folder / "cache",
            keys=KeyFolder(self.folder / "keys"),
            signer=signer,
        )

    def commit(self, folder: str, name: str) -> None:
        """Log a new version, as another process does."""
        self.open_store(signer=signer_for("owner")).datasets.commit(self.folder / folder, name)

    def client_page(self, link: str) -> Element:
        """Return the parsed page behind a link of a page."""
        return lxml.html.document_fromstring(self.client.get(link).content)

    def page(self, where: str, /, status: int = 200, **query: str) -> Element:
        """Return the parsed page."""
        answer = self.client.get(where, params=query)
        assert answer.status_code == status, lxml.html.fromstring(answer.content).text_content()
        return lxml.html.document_fromstring(answer.content)

    def text(self, where: str, /, **query: str) -> str:
        """Return the words of the main part of a page."""
        main = self.page(where, **query).find(".//main")
        return re.sub(r"\s+", " ", main.xpath("string()"))

    def close(self) -> None:
        self.client.close()
        self.server.close()


def rows_of(page: Element) -> list[list[str]]:
    """Return the texts of the cells of all bodies of tables in a page."""
    return [
        [cell.text_content() for cell in row.iterfind("./*")]
        for row in page.iterfind(".//tbody/tr")
    ]


def links_of(page: Element) -> Mapping[str, str]:
    """Return text → target of the links in the main part of a page; the first of each text."""
    found: dict[str, str] = {}
    for link in page.iterfind(".//main//a"):
        found.setdefault(link.text_content(), link.get("href"))
    return found


def content_of(folder: Path) -> Mapping[str, bytes]:
    """Return path → bytes of all files below a folder."""
    files = (one for one in folder.rglob("*") if one.is_file())
    return {str(one.relative_to(folder)): one.read_bytes() for one in files}


def copy_of(folder: Path, place: Path) -> Path:
    """Copy all that belongs to a store, for tests that change it."""
    shutil.copytree(folder, place, dirs_exist_ok=True)
    for file in place.glob("memory/signed/*.json"):  # what was signed, with where the store lies
        file.write_text(file.read_text("utf-8").replace(f"{folder}/", f"{place}/"), "utf-8")
    return place
