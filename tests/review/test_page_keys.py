"""A reviewer at the page, by keys: one key does one thing, and what is saved can be signed."""

from pathlib import Path
from typing import Any

from lyrikstore.api import Store
from lyrikstore.canon.timestamps import now
from lyrikstore.review.asked import ReviewRequest
from lyrikstore.review.folder import open_folder
from lyrikstore.review.queue import request_review
from lyrikstore.review.sign import sign_decisions
from lyrikstore.verify.review.decision_file import parse_decisions
from tests.review.conftest import ANNA, commit_rows


def test_a_blind_answer_is_kept_only_when_asked(store: Store, tmp_path: Path, browser: Any) -> None:
    rows = [{"text": f"clause {n}", "label": f"type {n:02}"} for n in range(12)]
    asked = ReviewRequest((ANNA.did,), blind=True)
    name = commit_rows(store, tmp_path / "data", rows)
    folder = request_review(store, name, asked, tmp_path / "queue").folders[ANNA.did]
    context = browser.new_context(accept_downloads=True)
    try:
        page = context.new_page()
        page.goto((folder / "review.html").as_uri())
        progress = page.locator("#review-progress")
        number = page.inner_text("#review-record .record").split()[-1]
        other = (int(number) + 1) % 12
        # More labels than the keys 1 to 9 can choose: they are found by typing.
        for key in ("f", *f"type {other:02}", "Enter"):
            page.keyboard.press(key)
        assert progress.inner_text().startswith("0 of 12")
        assert f"type {int(number):02}" in page.inner_text("#review-candidate")
        page.keyboard.press("Enter")
        assert progress.inner_text().startswith("1 of 12")
        with page.expect_download() as download:
            page.click("#review-save")
        saved = parse_decisions(Path(download.value.path()).read_bytes())
    finally:
        context.close()
    (made,) = saved.decisions
    assert (made.decision, made.value, made.blind) == ("change", *[(f"type {other:02}",)] * 2)
    assert sign_decisions(open_folder(folder), saved, ANNA, now())
