"""What somebody does on a page that drafts: answer, make a key, say who, sign, download."""

from pathlib import Path
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import encode, parse
from lyrikstore.credentials.model.credential import CARD_ATTESTATION, check_credential_shape
from lyrikstore.crypto.multikey import did_key
from lyrikstore.crypto.proofs.eddsa_jcs import verify_proof
from lyrikstore.publish.cards.document import CardDocument
from lyrikstore.testing.keys import signer_for
from tests.web import webdriver
from tests.web.conftest import Window

READY = "document.querySelector('#draft-sign, #draft-refused') !== null"
PASSPHRASE = "a long sentence, Zürich"
KNOWN = signer_for("expert")


def subject_of(card: CardDocument) -> dict[str, Any]:
    """Return the model as an attestation names it."""
    model: Any = card.content["subject"]
    return {
        "type": "Checkpoint",
        "id": Digest.of(b"tree").urn,
        "files": Digest.of(b"files").urn,
        "manifest": f"urn:{model['id']}",
        "store": f"urn:{model['store']}",
        "name": model["name"],
    }


def opened(open_page: Any, path: Path, **options: Any) -> Window:
    """Open the page."""
    window: Window = open_page(path, ready=READY, **options)
    return window


def download(window: Window, css: str) -> bytes:
    """Return the file behind a link."""
    page = window.page
    if not isinstance(page, webdriver.Page):
        with page.expect_download() as download:
            page.click(css)
        return Path(download.value.path()).read_bytes()
    if isinstance(page.browser, webdriver.WebKit):  # its driver keeps no downloads
        page.click(css)
        return str(page.run("return window.blobs.at(-1).text()")).encode()
    with page.expect_download(str(page.get_attribute(css, "download"))) as kept:
        page.click(css)
    return kept.path().read_bytes()


def answer(page: Any, question: str, text: str, state: str = "value") -> None:
    """CardAnswer a question."""
    page.check(f"#draft-state-{question} input[value='{state}']")
    page.fill(f"#draft-text-{question}", text)


def make_key(page: Any, passphrase: str = PASSPHRASE) -> None:
    """Make a new key."""
    page.fill("#draft-passphrase", passphrase)
    page.fill("#draft-again", passphrase)
    page.click("#draft-make")
    page.wait_for_selector("#draft-key-ready")


def say_who(page: Any) -> None:
    """Name the expert."""
    page.fill("#draft-name", "Dr Grace Hopper, physician")
    page.fill("#draft-liability", "I answer for what I say here, up to 1,000 EUR.")


def sign(window: Window) -> dict[str, Any]:
    """Sign, and return what is downloaded."""
    window.page.click("#draft-sign")
    window.page.wait_for_selector("#draft-signed")
    return checked(download(window, "#draft-result"))


def checked(data: bytes) -> dict[str, Any]:
    """Return a document that has the shape, and whose proof its issuer made."""
    document: Any = parse(data)
    assert encode(document) == data
    check_credential_shape(document, CARD_ATTESTATION)
    verified = verify_proof(document)
    assert did_key(verified.key) == document["issuer"]["id"]
    return dict(document)
