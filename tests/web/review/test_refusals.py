"""What signs nothing: a changed page, another key, a file about something else."""

import json
from pathlib import Path

import pytest

from lyrikstore.canon.digest import Digest
from tests.web.conftest import EVERY_BROWSER
from tests.web.review.reviewing import (
    REVIEWER,
    folder_of,
    item,
    key_file,
    open_key,
    opened,
    questions_of,
    written,
)

pytestmark = [pytest.mark.web]
FILES = folder_of(
    [item(0, "a clause on law", "law"), item(1, "b", "audit")], questions_of(["law", "audit"])
)


@EVERY_BROWSER
@pytest.mark.parametrize(
    ("at", "old", "new"),
    [
        (0, b"a clause on law", b"a clause on tax"),
        (0, b'"candidate":["law"]', b'"candidate":["audit"]'),
        (0, b'"salt"', b'"Salt"'),
        (0, b'"blind":false', b'"blind":true'),
        (1, b'"size":9', b'"size":8'),
        (2, b'"sample":0', b'"sample":1'),
    ],
)
def test_a_page_that_was_changed_signs_nothing(open_page, tmp_path: Path, at, old, new) -> None:
    """ATTACK A219: a record, the question or the request in the page is replaced."""
    changed = list(FILES)
    assert changed[at].count(old) == 1
    changed[at] = changed[at].replace(old, new)
    page = opened(open_page, written((changed[0], changed[1], changed[2]), tmp_path)).page
    assert "Nothing can be decided" in page.text_content("#review-refused")
    assert page.locator("#review-sign").count() == page.locator("#review-record").count() == 0


def test_a_folder_of_another_queue_signs_nothing(open_page, tmp_path: Path) -> None:
    other = folder_of([item(0, "c", "law")], questions_of(["law", "audit"]))
    page = opened(open_page, written((FILES[0], other[1], other[2]), tmp_path)).page
    assert "Nothing can be decided" in page.text_content("#review-refused")


@EVERY_BROWSER
def test_what_is_read_is_what_is_signed_about(open_page, tmp_path: Path) -> None:
    """ATTACK: beside the data the document draws another record."""
    path = written(FILES, tmp_path)
    data = path.read_bytes().replace(
        b"<main>", b"<main><section id='review-record'>not signed</section>"
    )
    path.write_bytes(data.replace(b"</body>", b"<p>not signed</p></body>"))
    page = opened(open_page, path).page
    assert "not signed</" not in page.evaluate("document.body.innerHTML")
    assert page.text_content("#review-record .record") == "a clause on law"
    assert page.locator("#review-record").count() == 1


def test_another_key_signs_nothing(open_page, tmp_path: Path) -> None:
    page = opened(open_page, written(FILES, tmp_path)).page
    page.click("#review-sign")
    assert page.text_content("#review-problem")
    page.keyboard.press("Escape")
    page.click("#review-accept")
    open_key(page, key_file("ben", tmp_path))
    page.click("#review-sign")
    page.wait_for_selector("#review-problem:not(:empty)")
    assert REVIEWER.did in page.text_content("#review-problem")
    assert page.locator("#review-result").count() == 0


@pytest.mark.parametrize(
    "change",
    [
        {"queue": f"blake3:{'0' * 64}"},
        {"reviewer": "did:key:z6Mk"},
        {"more": 1},
        {"decisions": [{"item": 9, "decision": "accept", "ms": 1}]},
        {"decisions": [{"item": 0, "decision": "change", "ms": 1, "value": ["tax"]}]},
        {"decisions": [{"item": 0, "decision": "accept", "ms": -1}]},
        {"decisions": [{"item": 0, "decision": "accept", "ms": 1, "blind": []}]},
    ],
)
def test_a_foreign_file_is_not_read(open_page, tmp_path: Path, change) -> None:
    """ATTACK: decisions about something else, or that nobody could make, are signed."""
    good = {
        "format": "lyrikstore-decisions/1",
        "queue": str(Digest.of(FILES[1])),
        "reviewer": REVIEWER.did,
        "decisions": [{"item": 1, "decision": "accept", "ms": 1}],
    }
    page = opened(open_page, written(FILES, tmp_path)).page
    file = tmp_path / "saved.json"
    file.write_text(json.dumps(good | change))
    page.set_input_files("#review-load", file)
    page.wait_for_selector("#review-load-problem:not(:empty)")
    assert "0 of 2" in page.text_content("#review-progress")
