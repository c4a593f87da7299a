"""Versions of a name, one object, and the log."""

import time

import pytest

from tests.explorer.browsing import links_of, rows_of


def await_verdicts(browser, identity: str = "") -> None:
    """Wait until the store, or an object, is verified."""
    for _ in range(600):
        verdicts = browser.explorer.verdicts
        if verdicts.known.store is not None and identity not in verdicts.waiting:
            return
        time.sleep(0.05)
    raise AssertionError(verdicts.failed)


def test_versions_newest_first_each_beside_the_one_before(browser_in) -> None:
    page = browser_in.page("/name", name="datasets/acme/clauses")
    rows = rows_of(page)
    assert [row[0] for row in rows] == ["2", "1"]
    store = browser_in.explorer.store
    assert rows[0][1] == store.resolve("acme/clauses").id.short
    assert browser_in.page("/name", status=404, name="datasets/acme/none") is not None


def test_an_object_with_its_inputs_users_and_entry(browser_in) -> None:
    newest = browser_in.explorer.store.resolve("acme/clauses")
    page = browser_in.page(f"/object/{newest.id.hex}")
    assert newest.name in page.find(".//h1").text_content()
    links = links_of(page)
    assert links["Dataset"] == f"/dataset?id={newest.id.hex}"
    entry = browser_in.explorer.store.log_index(newest.id)
    assert links[str(entry)] == f"/log?q={entry}"
    assert rows_of(browser_in.page("/log", q=str(entry)))[0][2].split()[0] == newest.name


def test_each_way_from_an_object_leads_to_a_page(browser_in) -> None:
    """Policies and retentions have no lineage, so their pages lead to none."""
    found = browser_in.explorer.facts.names
    for identity in (*found["policies/store/main"], *found["datasets/acme/clauses"]):
        links = links_of(browser_in.page(f"/object/{identity.removeprefix('blake3:')}"))
        ways = [way for way in links.values() if "verify=" not in way]
        assert any("/lineage/" in way for way in ways) == (
            identity not in found["policies/store/main"]
        )
        assert [browser_in.client.get(way).status_code for way in ways] == [200] * len(ways)


@pytest.mark.parametrize("given", ["ffffffffffffffff", "f" * 64, "no such", "x" * 600])
def test_an_id_that_is_none(browser_in, given) -> None:
    status = 404 if set(given) == {"f"} else 400
    browser_in.page(f"/object/{given}", status=status)


def test_nothing_is_called_verified_before_it_is(browser_in) -> None:
    newest = browser_in.explorer.store.resolve("acme/clauses")
    verdicts = browser_in.explorer.verdicts
    await_verdicts(browser_in)
    assert verdicts.judgement_of(str(newest.id)).state == "pass"  # its data was not read
    verdicts.known = type(verdicts.known)(verdicts.known.key)  # as before
    assert verdicts.judgement_of(str(newest.id)).state == "unverified"
    rows = rows_of(browser_in.page("/"))
    assert rows
    assert {row[5] for row in rows} == {"not verified yet"}
    assert browser_in.page("/").find(".//header/p").get("class") == "lead unverified"


def test_an_object_is_verified_with_its_data_when_asked(browser_in) -> None:
    newest = browser_in.explorer.store.resolve("acme/clauses")
    await_verdicts(browser_in)
    browser_in.page(f"/object/{newest.id.hex}", verify="1")
    await_verdicts(browser_in, str(newest.id))
    page = browser_in.page(f"/object/{newest.id.hex}")
    report = browser_in.open_store().verify("acme/clauses", recompute=False)
    listed = page.findall(".//li[@data-check]")
    assert {one.get("data-check"): one.get("data-state") for one in listed} == {
        check.id: str(check.state) for check in report.checks if check.state != "n/a"
    }
    assert browser_in.explorer.judgement_of(str(newest.id)).state == str(report.verdict)


def test_the_log_is_searched(browser_in) -> None:
    named = rows_of(browser_in.page("/log", q="letters"))
    assert {row[1] for row in named} == {"dataset"}
    newest = browser_in.explorer.store.resolve("acme/letters")
    assert len(rows_of(browser_in.page("/log", q=newest.id.short))) == 1
    assert len(rows_of(browser_in.page("/log", q="the first"))) == 2  # messages
    kinds = {row[1] for row in rows_of(browser_in.page("/log", kind="transaction"))}
    assert kinds == {"transaction"}
    every = rows_of(browser_in.page("/log"))
    assert "transaction" not in {row[1] for row in every}
    assert int(every[0][0]) > int(every[-1][0])
