"""The names of a store."""

import threading

from lyrikstore.explorer import explorer, server
from tests.explorer.browsing import Browser, content_of, copy_of, rows_of


def test_names_with_kind_versions_author_and_verdict(browser_in) -> None:
    found = {row[1]: row for row in rows_of(browser_in.page("/"))}
    assert found["datasets/acme/clauses"][0] == "dataset"
    assert found["datasets/acme/clauses"][2] == "2"


def test_names_by_kind_and_search(browser_in) -> None:
    assert {row[0] for row in rows_of(browser_in.page("/", kind="dataset"))} == {"dataset"}
    named = [row[1] for row in rows_of(browser_in.page("/", q="LETTERS"))]
    assert named == ["datasets/acme/letters"]


def test_an_error_is_a_page_with_its_kind(browser_in) -> None:
    page = browser_in.page("/", status=400, q="x" * 501)
    assert page.find(".//main").get("data-kind") == "too-large"


def test_nothing_is_written(browser_in, made) -> None:
    before = content_of(made / "store")
    browser_in.page("/")
    assert content_of(made / "store") == before


def test_a_page_says_that_it_waits_for_a_long_log(made, monkeypatch) -> None:
    go_on = threading.Event()
    read = explorer._read_all
    monkeypatch.setattr(explorer, "_read_all", lambda store: go_on.wait(60) and read(store))
    monkeypatch.setattr(server, "READ_SECONDS", 0.01)
    browser = Browser(made, opened=False)
    browser.client.get(browser.server.url)
    page = browser.page("/")
    assert page.find(".//progress") is not None
    assert page.find(".//meta[@http-equiv='refresh']") is not None
    go_on.set()
    assert browser.explorer.wait_until_read(60) is None
    assert "datasets/acme/clauses" in browser.text("/")
    browser.close()


def test_a_log_that_grows_is_shown(made, tmp_path) -> None:
    browser = Browser(copy_of(made, tmp_path / "own"))
    assert "acme/later" not in browser.text("/")
    browser.commit("letters", "acme/later")
    assert "acme/later" in browser.text("/")
    browser.close()
