"""`page --with`: what a page carries, that it stays data, and that a copy is told from a lie."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.web import Carried, carried_by, verification_page

SCRIPT = "</script><script>alert(1)</script><!--"


@pytest.mark.web
def test_a_page_opens_with_the_report(open_page, publisher, tmp_path, delivery, did) -> None:
    publisher.ok("trust", "add", did, "--name", "Acme")
    (delivery / f"{SCRIPT.replace('/', '_')}.txt").write_text(SCRIPT)
    trust = publisher.home / ".config" / "lyrikstore" / "trust.toml"
    publisher.ok("page", "--with", delivery, "--trust", trust, "-o", tmp_path / "acme.html")
    window = open_page(path=tmp_path / "acme.html")
    window.page.wait_for_selector("#answer:not([hidden])")
    assert window.page.get_attribute("#verdict", "class") == "incomplete"
    checks = {check["id"]: check["state"] for check in window.report["checks"]}
    assert checks["data.files"] == "unchecked"
    assert checks["trust.issuer"] == checks["log.inclusion"] == "pass"
    assert "fail" not in checks.values()
    assert "whoever made the page" in window.page.text_content("#believed")
    window.give(delivery / "data")
    assert window.verify() == "trusted"
    # Somebody's own trust replaces the one that came with the page.
    window.page.fill("#did", "did:key:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd")
    assert window.verify() == "valid"
    checked = publisher.ok("page", "--compare", tmp_path / "acme.html", "--json").json
    assert checked["same"]
    assert checked["trust"]
    assert "credential.json" in checked["carries"]


@pytest.mark.web
def test_a_delivery_given_later_replaces_what_is_inside(
    open_page, publisher, tmp_path, delivery
) -> None:
    publisher.ok("page", "--with", delivery / "credential.json", "-o", tmp_path / "acme.html")
    window = open_page(path=tmp_path / "acme.html")
    window.page.wait_for_selector("#answer:not([hidden])")
    assert window.page.get_attribute("#verdict", "class") == "incomplete"
    window.give(delivery)
    assert window.verify() == "valid"


def test_the_command_line_checks_what_it_writes(publisher, tmp_path) -> None:
    publisher.ok("page", "-o", tmp_path / "own.html")
    assert publisher.ok("page", "--compare", tmp_path / "own.html", "--json").json["carries"] == []
    html = (tmp_path / "own.html").read_bytes()
    for lie in (html[:-1], html + b" ", html.replace(b"Not proven", b"Well proven", 1)):
        (tmp_path / "lie.html").write_bytes(lie)
        assert publisher.run("page", "--compare", tmp_path / "lie.html").code == 3
    assert (
        publisher.run("page", "--trust", tmp_path / "own.html", "-o", tmp_path / "x.html").code == 2
    )
    assert publisher.run("page", "--with", "absent", "-o", tmp_path / "x.html").code == 1
    assert publisher.run("page", "-o", tmp_path / "own.html").code == 15


@given(st.dictionaries(st.text(max_size=40), st.binary(max_size=9), max_size=4))
def test_whatever_is_carried_comes_back(files: dict[str, bytes]) -> None:
    made = verification_page(Carried(files, b"version = 1"))
    assert carried_by(made) == Carried(files, b"version = 1")
    assert made.count(b"<script") == verification_page().count(b"<script")
    assert made.count(b"</script") == verification_page().count(b"</script")


@pytest.mark.parametrize(
    "inside",
    [
        b"null</script><script>alert(1)</script>",
        b'{"files":{}} ',
        b'{"files":{"a":"YQ=="},"files":{}}',
        b'{"files":{"<":""}}',
        b'{"files":{"a":"!"}}',
        b"[" * 100_000,
        b"1",
        b"",
    ],
)
def test_a_page_with_anything_else_is_no_copy(inside: bytes) -> None:
    before, _, after = verification_page().partition(b'application/json">null')
    assert carried_by(before + b'application/json">' + inside + after) is None


def test_a_copy_that_says_it_is_empty_is_the_page() -> None:
    assert carried_by(verification_page()) == Carried({})
    assert json.loads(b"null") is None
