"""What is made for outsiders hands over no cell, path or file name of a source unasked (A77)."""

from fnmatch import fnmatch
from typing import Any

import pytest

from tests.cli.outsiders import DELIVERED, MODEL, ROWS, disclosed, hand_over, make_store, present
from tests.conftest import Person

pytestmark = pytest.mark.train

ALLOWED = {
    "delivery/data/*": DELIVERED,
    "delivery/tree.jsonl": DELIVERED,
    "delivery/manifest.json": {"suffix"},  # of the version that is delivered
    "delivery/credential.json": {"suffix", "licence", "folder"},  # and what terms select
    "delivery/README.md": {"licence", "folder"},
    "attestation.json": {"document"},  # the report that it names for whoever gets both
    "page.html": DELIVERED,  # carries the delivery, as it was told to
}
"""Output → canaries that may stand in it; in any other none."""


@pytest.fixture
def store(publisher: Person, once: Any) -> Person:
    once(publisher, make_store)
    return publisher


def test_nothing_is_handed_over_unasked(store: Person) -> None:
    made = hand_over(store)
    assert len([name for name in made if name.startswith("cards/")]) >= 16
    found = {name: disclosed(data) for name, data in made.items()}
    for name, canaries in found.items():
        allowed = next((some for one, some in ALLOWED.items() if fnmatch(name, one)), set())
        assert canaries <= allowed, name
    # What is looked for can be found: a delivery holds the version that was licensed.
    assert found["delivery/tree.jsonl"] == DELIVERED - {"text"}
    assert found["page.html"] >= {"cell", "file", "folder"}


def test_a_flag_asks_for_it_and_the_output_says_so(store: Person) -> None:
    card = store.ok("card", ROWS, "--with-values", "-o", "rows.html", "--json").json
    assert card["withData"] == ["values"]
    page = (store.folder / "rows.html").read_bytes()
    assert disclosed(page) == {"label"}
    assert b"it holds values of the data" in page
    verified = store.run("verify", "rows.html", "--json")
    assert verified.check("card.sources")["state"] == "pass"
    assert store.ok("card", ROWS, "--json").json["withData"] == []

    flags = ("--with-values", "--with-paths")
    profile = store.ok("profile", ROWS, *flags, "--html", "rows-profile.html", "--json").json
    assert profile["withData"] == ["values", "paths"]
    page = (store.folder / "rows-profile.html").read_bytes()
    assert disclosed(page) == {"label", "permission", "shard"}
    assert b'id="holds"' in page
    assert store.fails(2, "profile", ROWS, "--with-paths").code == 2

    report = ("evaluate", "evaluations/acme/m", "--html", "texts.html", "--with-texts")
    assert store.ok(*report, "--json").json["withData"] == ["texts"]
    page = (store.folder / "texts.html").read_bytes()
    assert disclosed(page) == {"text"}
    assert b'id="holds"' in page

    store.ok("card", MODEL, "--with-values")
    assert store.ok("deploy", MODEL, "--to", "onnx", "-o", "package", "--json").json[
        "withData"
    ] == ["values"]

    store.ok("issue", "acme/clean.train", "-o", "delivery", "--permit", "train")
    grant = ("grant", "delivery", "--to", store.did(), "--permit", "train", "--until", "2d")
    store.ok(*grant, "-o", "delivery/grant.json")
    shown = store.ok(*present(store, "without.json"), "--json").json
    assert (len(shown["credentials"]), shown["withData"]) == (1, [])
    shown = store.ok(*present(store, "with.json", "--with-values"), "--json").json
    assert (len(shown["credentials"]), shown["withData"]) == (2, ["values"])
