"""The names of a store."""

from tests.explorer.browsing import content_of, rows_of


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
