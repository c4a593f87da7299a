"""What a reviewer does on their page: decide by keys, open a key, sign, download."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import pbkdf2_hmac, sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import encode
from lyrikstore.history.manifests.manifest import Attachment, Input, sign_manifest
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.review.model import (
    FolderItem,
    FurtherQuestion,
    Questions,
    ReviewerFolder,
    encoded,
    parse_folder,
)
from lyrikstore.web.pages.review import review_page
from tests.web.conftest import Window
from tests.web.draft.drafting import download

READY = "document.querySelector('#review-sign, #review-refused') !== null"
PASSPHRASE = "a long sentence, Zürich"
REVIEWER, OWNER = signer_for("anna"), signer_for("owner")
CREATED = datetime(2026, 12, 3, tzinfo=UTC)
Files = tuple[bytes, bytes, bytes]
"""queue.json, the manifest of the queue, that of the request."""
Decide = Callable[[FolderItem], tuple[list[str], str]]
"""Item → labels of the blind answer, and then a label, or `accept`, `reject`, `cannot-say`."""


def key_file(name: str, folder: Path) -> Path:
    """Write the key file of `signer_for(name)`, as a page would make it; return its path."""
    seed = sha256(b"lyrikstore test key\0" + name.encode()).digest()
    did, salt, iv = signer_for(name).did, b"s" * 16, b"i" * 12
    key = pbkdf2_hmac("sha256", PASSPHRASE.encode(), salt, 600_000)
    sealed = AESGCM(key).encrypt(iv, seed, did.encode())
    parts = {"salt": salt, "iv": iv, "sealed": sealed}
    texts = {name: urlsafe_b64encode(part).rstrip(b"=").decode() for name, part in parts.items()}
    path = folder / f"{name}-key.json"
    path.write_bytes(encode({"format": "lyrikstore-page-key/1", "did": did, **texts}))
    return path


def folder_of(
    items: Iterable[FolderItem],
    questions: Questions,
    *,
    blind: bool = False,
    guideline: str = "",
    text: str = "text",
) -> Files:
    """Return the files of a folder for `anna`, signed by `owner`."""
    shown = tuple(items)
    store, dataset = Digest.of(b"store"), Digest.of(b"dataset")
    made: Any = {"store": store, "signer": OWNER, "created": CREATED}
    asked = encoded(questions)
    request = sign_manifest(
        kind="request",
        name="requests/acme/clauses",
        body={
            "sample": 0,
            "by": [],
            "overlap": "0",
            "blind": blind,
            "strip": [],
            "reviewers": [REVIEWER.did],
            "field": "label",
            "records": len(shown),
        },
        inputs=[Input("dataset", "dataset", dataset)],
        attachments=[Attachment("questions", Digest.of(asked), len(asked))],
        **made,
    )
    folder = ReviewerFolder(
        format="lyrikstore-queue/1",
        salt="0" * 64,
        request=str(request.id),
        dataset=str(dataset),
        reviewer=REVIEWER.did,
        round="first",
        blind=blind,
        field="label",
        text=text,
        guideline=guideline,
        questions=questions,
        items=shown,
    )
    data = encoded(folder)
    assignment = {
        "reviewer": REVIEWER.did,
        "items": len(shown),
        "folder": str(Digest.of(data)),
    }
    queue = sign_manifest(
        kind="queue",
        name="queues/acme/clauses",
        body={
            "round": "first",
            "size": 9,
            "seed": "0" * 64,
            "items": len(shown),
            "assignments": [assignment],
        },
        inputs=[Input("request", "request", request.id), Input("dataset", "dataset", dataset)],
        attachments=[Attachment("items", Digest.of(b"items"), 5)],
        **made,
    )
    return data, queue.data, request.data


def questions_of(labels: Iterable[str], **more: Any) -> Questions:
    """Return questions about a label."""
    given: dict[str, Any] = {
        "title": "Clauses of contracts",
        "asks": "What is the clause about?",
        "several": False,
        "reasons": (),
        "spans": "",
        "highlight": (),
        "questions": (),
        **more,
    }
    return Questions(format="lyrikstore-questions/1", labels=tuple(labels), **given)


def further(name: str, asks: str, *choices: str) -> FurtherQuestion:
    """Return a further question."""
    return FurtherQuestion(name, asks, choices)


def item(number: int, text: str, candidate: str | Iterable[str], **more: Any) -> FolderItem:
    """Return an item with a text."""
    values = (candidate,) if isinstance(candidate, str) else tuple(candidate)
    given: dict[str, Any] = {"fields": {"text": text}, "spans": (), "by": "", "given": (), **more}
    return FolderItem(item=number, candidate=values, **given)


def written(files: Files, folder: Path) -> Path:
    """Write the page of a folder; return its path."""
    path = folder / "review.html"
    path.write_bytes(review_page(*files))
    return path


def opened(open_page: Any, path: Path, **options: Any) -> Window:
    """Open the page of a folder."""
    window: Window = open_page(path, ready=READY, **options)
    return window


def open_key(page: Any, path: Path) -> None:
    """Open a key file in the page."""
    page.check("#draft-source input[value='kept-key']")
    page.set_input_files("#draft-file", path)
    page.fill("#draft-old-passphrase", PASSPHRASE)
    page.click("#draft-open")
    page.wait_for_selector("#draft-key-ready")


def sign(window: Window) -> bytes:
    """Sign, and return the file that is downloaded."""
    window.page.click("#review-sign")
    window.page.wait_for_selector("#review-signed")
    return download(window, "#review-result")


def press_label(page: Any, labels: tuple[str, ...], label: str) -> None:
    """Give a label by the keyboard: its digit, or the field that finds it."""
    if len(labels) <= 9:
        page.keyboard.press(str(labels.index(label) + 1))
        return
    page.focus("#review-find")
    page.keyboard.type(label)
    shown = [one for one in labels if label.lower() in one.lower()]
    for _ in range(1 + shown.index(label)):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")


def decide_all(page: Any, folder: ReviewerFolder, decide: Decide) -> None:
    """Decide every item in the order of the page, by keys only."""
    labels, several = folder.questions.labels, folder.questions.several
    keys = {"accept": "a", "reject": "r", "cannot-say": "x"}
    for one in folder.items:
        blind, last = decide(one)
        if folder.blind and blind:
            for label in blind:
                press_label(page, labels, label)
            if several:
                page.click("#review-take")
            if sorted(blind) == sorted(one.candidate):
                continue  # the page accepts it
        if last in keys:
            page.keyboard.press(keys[last])
            continue
        page.keyboard.press("c")
        press_label(page, labels, last)
        if several:
            page.click("#review-take")
    count = len(folder.items)
    assert f"{count} of {count}" in page.text_content("#review-progress")


def review_in_chromium(browser: Any, html: Path, key: Path, decide: Decide) -> bytes:
    """Open a reviewer's page in Chromium, decide all by keys, sign; return the signed file.

    Args:
        browser: Playwright's Chromium.
        html: ``review.html`` in the folder of a reviewer, with ``queue.json`` beside it.
        key: A page's key file with the passphrase `PASSPHRASE`, such as of `key_file`.
        decide: What to decide about an item.
    """
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto(html.as_uri())
    page.wait_for_selector("#review-head")
    decide_all(page, parse_folder((html.parent / "queue.json").read_bytes()), decide)
    open_key(page, key)
    data = sign(Window(page))
    context.close()
    return data


def stored(page: Any) -> list[Any]:
    """Return what the browser keeps."""
    return [json.loads(one) for one in page.evaluate("Object.values({ ...localStorage })")]
