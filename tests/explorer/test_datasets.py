"""A dataset: statistics, rows, files, and two versions side by side."""

import time

import duckdb
import pytest

from lyrikstore.api.purge import explorer_folder
from lyrikstore.canon.errors import StorageError
from lyrikstore.curate import row_index
from lyrikstore.curate.row_index import RowIndex
from lyrikstore.explorer.views import comparison
from lyrikstore.testing.keys import signer_for
from tests.explorer.browsing import Browser, content_of, copy_of, links_of, rows_of
from tests.explorer.conftest import ROWS


def done(browser, where: str, /, **query: str):
    """Return a page once the work behind it is done."""
    for _ in range(600):
        page = browser.page(where, **query)
        if page.find(".//meta[@http-equiv='refresh']") is None:
            return page
        time.sleep(0.05)
    raise AssertionError("it never ends")


def version(browser, ref: str) -> str:
    browser.explorer.refresh()
    return browser.explorer.store.resolve(ref).id.hex


@pytest.fixture
def own(made, tmp_path):
    opened = Browser(copy_of(made, tmp_path / "own"))
    yield opened
    opened.close()


def test_a_dataset_with_fields_labels_licences_and_terms(browser_in) -> None:
    identity = version(browser_in, "acme/clauses")
    done(browser_in, "/rows", id=identity)
    words = browser_in.text("/dataset", id=identity)
    for said in ("licence", "CC0-1.0", "Apache-2.0", "grant", "jsonl/1", "train"):
        assert said in words, said
    page = done(browser_in, "/dataset", id=identity, profile="1")
    assert "Texts that occur before" in page.text_content()
    assert "CC0-1.0" in browser_in.text("/dataset", id=version(browser_in, "acme/letters"))


def test_rows_are_paged(browser_in) -> None:
    identity = version(browser_in, "acme/clauses")
    page = done(browser_in, "/rows", id=identity)
    rows = rows_of(page)
    assert [row[0] for row in rows] == [str(at) for at in range(1, 51)]
    assert rows[3][1:3] == ["r3", "Clause 3 on Straße and delivery"]
    last = rows_of(browser_in.page("/rows", id=identity, page="5"))
    assert last[-1][1] == f"r{ROWS - 1}"
    beyond = rows_of(browser_in.page("/rows", id=identity, page="99999999999"))
    assert beyond == last


def test_work_that_fails_ends_and_says_so(browser_in, monkeypatch) -> None:
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(comparison, "_compared", fail)
    old, new = (version(browser_in, ref) for ref in ("acme/clauses~1", "acme/letters"))
    monkeypatch.setattr(browser_in.client._transport, "raise_server_exceptions", False)
    for _ in range(600):
        answer = browser_in.client.get("/compare", params={"a": old, "b": new})
        if answer.status_code == 500:
            break
        time.sleep(0.05)
    assert answer.status_code == 500
    assert "ZeroDivisionError" not in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_rows_are_searched_whatever_their_case_and_beyond_a_cut(browser_in) -> None:
    identity = version(browser_in, "acme/clauses")
    done(browser_in, "/rows", id=identity)
    found = rows_of(browser_in.page("/rows", id=identity, q="clause 33 ON STRASSE"))
    assert [row[1] for row in found] == ["r33"]
    assert [row[1] for row in rows_of(browser_in.page("/rows", id=identity, q="x" * 400))] == ["r7"]
    assert rows_of(browser_in.page("/rows", id=identity, q="nowhere")) == []
    page = browser_in.page("/rows", id=identity, q="clause")
    assert len(rows_of(page)) == 50
    after = rows_of(browser_in.client_page(links_of(page)["Search on"]))
    assert after[0][1] == "r51"  # r7 is the hostile one


@pytest.mark.parametrize(
    ("name", "data", "titles", "first"),
    [
        ("a.csv", b'id,te"xt,__proto__\n1,H <b>,x\n', ["__proto__", "id", 'te"xt'], "x 1 H <b>"),
        ("a.jsonl", b'{"a":"x\\u0000y","b":[1,2.5,null],"":1,"A":true}\n', ["a", "b", "", "A"],
         "x\\x00y [1,2.5,null] 1 true"),
        ("a.jsonl", b'{"' + b"n" * 5000 + b'":1,"a":2}\n', ["a"], "2"),
    ],
)  # fmt: skip
def test_rows_of_other_formats_and_without_roles(own, name, data, titles, first) -> None:
    folder = own.folder / "other"
    folder.mkdir()
    (folder / name).write_bytes(data)
    own.commit("other", "acme/other")
    identity = version(own, "acme/other")
    page = done(own, "/rows", id=identity)
    assert [one.text_content() for one in page.iterfind(".//thead//th")] == ["Row", *titles]
    assert " ".join(rows_of(page)[0][1:]) == first
    own.page("/row", id=identity, n="0")
    own.page("/dataset", id=identity)


def test_a_hostile_row_stays_text(browser_in) -> None:
    identity = version(browser_in, "acme/clauses")
    page = done(browser_in, "/rows", id=identity)
    assert page.findall(".//script") == []
    cell = rows_of(page)[7][2]
    assert cell.startswith("<script>")
    assert len(cell) <= 300  # cut
    whole = browser_in.page("/row", id=identity, n="7")
    assert whole.findall(".//script") == []
    shown = whole.text_content()
    assert "x" * 10_000 in shown
    assert "\u202e" not in shown
    assert "\\u202e" in shown
    browser_in.page("/row", status=404, id=identity, n=str(ROWS))


def test_documents_have_files_with_texts(browser_in) -> None:
    identity = version(browser_in, "acme/letters")
    browser_in.page("/rows", status=400, id=identity)
    assert [row[0] for row in rows_of(browser_in.page("/files", id=identity))] == [
        "one.txt",
        "two.txt",
    ]
    assert [row[0] for row in rows_of(browser_in.page("/files", id=identity, q="TWO"))] == [
        "two.txt"
    ]
    page = done(browser_in, "/file", id=identity, path="one.txt")
    assert page.find(".//pre").text == "Dear one,\n\n<b>kind regards</b>\n"
    for path in ("../one.txt", "none", "/etc/passwd", ""):
        browser_in.page("/file", status=404, id=identity, path=path)


def test_two_versions_side_by_side(own) -> None:
    rows = own.folder / "in" / "rows.jsonl"
    text = rows.read_text("utf-8").replace("Clause 3 on", "Clause three on")
    rows.write_text(text.replace('r9"', 'r900"'), "utf-8")
    own.commit("in", "acme/clauses")
    old, new = (version(own, ref) for ref in ("acme/clauses~1", "acme/clauses"))
    page = done(own, "/compare", a=old, b=new)
    counts = {row[0]: row[1] for row in rows_of(page)}
    assert (counts["Changed rows"], counts["Added rows"], counts["Removed rows"]) == ("1", "1", "1")
    values = rows_of(done(own, "/compare", a=old, b=new, values="1"))
    assert ["4", "text", "Clause 3 on Straße and delivery",
            "Clause three on Straße and delivery"] in values  # fmt: skip
    assert "r900" in {row[1] for row in values}
    own.page("/compare")
    own.page(
        "/compare", status=400, a=old, b=own.explorer.store.resolve("policies/store/main").id.hex
    )


def test_rows_are_kept_for_this_user_alone_and_only_as_they_were_built(own) -> None:
    identity = version(own, "acme/clauses")
    done(own, "/rows", id=identity)
    folder = explorer_folder(own.explorer.cache)
    files = [one for one in folder.iterdir() if identity in one.name]
    assert len(files) == 2
    for one in (folder, *files):
        assert one.stat().st_mode & 0o077 == 0
    data = next(one for one in files if one.suffix == ".duckdb")
    changed = bytearray(data.read_bytes())
    changed[len(changed) // 2] ^= 1
    data.write_bytes(changed)
    assert RowIndex.open(folder, own.explorer.store.resolve("acme/clauses").id) is None
    assert len(rows_of(done(own, "/rows", id=identity))) == 50  # built again
    next(one for one in files if one.suffix == ".json").write_bytes(b"{")
    assert len(rows_of(done(own, "/rows", id=identity))) == 50


def kept(browser, word: bytes) -> list[str]:
    """Return the files in which a word of a row is found."""
    return [name for name, data in content_of(browser.folder / "cache").items() if word in data]


def test_no_row_outlives_its_version(own) -> None:
    # A212: retired by another process while the explorer runs; then purged.
    old, new = (version(own, ref) for ref in ("acme/clauses~1", "acme/clauses"))
    for identity in (old, new):
        done(own, "/rows", id=identity)
    writer = own.open_store(signer=signer_for("owner"))
    writer.datasets.gc(keep=("acme/clauses", 1))
    folder = explorer_folder(own.explorer.cache)
    assert not [one for one in folder.iterdir() if old in one.name]
    assert [one for one in folder.iterdir() if new in one.name]
    for path in ("/rows", "/dataset", "/row", "/files"):
        own.page(path, status=410, id=old)
    assert own.page("/rows", id=new) is not None
    (folder / f"{old}.rows.duckdb").write_bytes(b"as another user's explorer left it")
    own.page("/rows", status=410, id=old)
    assert not (folder / f"{old}.rows.duckdb").exists()
    writer.datasets.gc(purge=True)
    assert not [*folder.glob("*rows*"), *folder.glob("verdicts*")]
    assert kept(own, b"Clause 3 on") == []


def test_a_version_that_is_retired_while_its_rows_are_read_leaves_none(own, monkeypatch) -> None:
    manifest = own.explorer.store.resolve("acme/clauses~1")
    store = own.open_store()
    filled = row_index._fill

    def fill(*given):
        own.open_store(signer=signer_for("owner")).datasets.gc(keep=("acme/clauses", 1))
        return filled(*given)

    monkeypatch.setattr(row_index, "_fill", fill)
    folder = explorer_folder(own.explorer.cache)
    with pytest.raises(Exception, match="retired"):
        row_index.build_rows(store.repository, manifest, folder)
    assert not list(folder.glob(f"{manifest.id.hex}*"))


def test_the_store_stays_as_it_was(browser_in, made) -> None:
    before = content_of(made / "store")
    identity = version(browser_in, "acme/clauses")
    done(browser_in, "/rows", id=identity)
    done(browser_in, "/dataset", id=identity, profile="1")
    done(browser_in, "/compare", a=version(browser_in, "acme/clauses~1"), b=identity, values="1")
    browser_in.page("/log")
    assert content_of(made / "store") == before


def test_rows_beyond_the_memory_of_the_index_are_an_error_of_ours(
    browser_in, tmp_path, monkeypatch
) -> None:
    def full(*_: object) -> None:
        raise duckdb.OutOfMemoryException("failed to pin block")

    monkeypatch.setattr(row_index, "_fill", full)
    store = browser_in.open_store()
    manifest = store.resolve("acme/clauses")
    with pytest.raises(StorageError, match="could not be kept") as found:
        row_index.build_rows(store.repository, manifest, tmp_path / "rows")
    assert found.value.kind == "io"
    assert not list((tmp_path / "rows").iterdir())
