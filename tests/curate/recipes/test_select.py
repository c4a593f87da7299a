"""Filters that choose: samples and balances nobody can steer, licences and opt-outs by rule."""

import pytest
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.recipes.filters.contract import Drop, Keep
from tests.curate.tried import decided, judged, row, step
from tests.kinds import refused


def kept(toml, rows):
    return [at for at, said in enumerate(judged(step(toml), rows)) if said is None]


def test_a_sample_has_its_size_and_does_not_depend_on_the_rest() -> None:
    rows = [row(n, text=str(n)) for n in range(200)]
    drawn = kept('use = "sample/1"\nrecords = 20', rows)
    assert len(drawn) == 20
    assert drawn != kept('use = "sample/1"\nrecords = 20\nseed = 1', rows)
    assert len(kept('use = "sample/1"\nshare = 0.25', rows)) == 50
    backwards = kept('use = "sample/1"\nrecords = 20', rows[::-1])
    assert {199 - at for at in backwards} == set(drawn)
    assert kept('use = "sample/1"\nrecords = 500', rows) == list(range(200))
    assert kept('use = "sample/1"\nrecords = 3', []) == []
    for wrong in ("", "records = 1\nshare = 0.1"):
        with pytest.raises(InvalidInputError):
            step(f'use = "sample/1"\n{wrong}')


def test_a_balance_has_no_more_of_one_label_than_of_another() -> None:
    labels = ["a"] * 50 + ["b"] * 7 + ["c"] * 20
    rows = [row(n, text=str(n), label=label) for n, label in enumerate(labels)]
    count = [labels[at] for at in kept('use = "balance/1"', rows)]
    assert {one: count.count(one) for one in "abc"} == {"a": 7, "b": 7, "c": 7}
    count = [labels[at] for at in kept('use = "balance/1"\nby = "label"\nmost = 10', rows)]
    assert {one: count.count(one) for one in "abc"} == {"a": 10, "b": 7, "c": 10}
    lists = [row(n, text=str(n), label=["x", "y"] if n else ["y", "x"]) for n in range(3)]
    assert len(kept('use = "balance/1"\nmost = 1', lists)) == 1
    with pytest.raises(InvalidInputError) as caught:
        step('use = "balance/1"\nmost = 0')
    assert caught.value.kind == "bad-recipe"


def test_licences_are_judged_as_expressions() -> None:
    allowed = step('use = "licence/1"\nallow = ["MIT", "cc-by-4.0"]\nfield = "l"')
    cases = {
        "MIT": None,
        "mit": None,
        "CC-BY-4.0 AND MIT": None,
        "GPL-3.0-only OR MIT": None,
        "GPL-3.0-only": "licence-not-allowed",
        "GPL-3.0-only AND MIT": "licence-not-allowed",
        "free": "licence-unknown",
        "": "licence-unknown",
        "MIT OR": "licence-unknown",
        "(" * 64 + "MIT" + ")" * 64: None,
        "(MIT AND (MIT OR " * 300 + "MIT" + "))" * 300: "licence-unknown",
        "MIT OR MIT AND " * 500 + "MIT": None,
    }
    for text, reason in cases.items():
        (outcome,) = decided(allowed, row(text="x", l=text))
        assert outcome == Keep() if reason is None else outcome.reason == reason, text
    with pytest.raises(InvalidInputError):
        step('use = "licence/1"\nallow = ["MITT"]')


@pytest.mark.parametrize("toml", ['use = "licence/1"\nallow = ["MIT"]', 'use = "partition/1"'])
def test_without_a_field_of_licences(toml: str) -> None:
    with refused("no-licence-field"):
        decided(step(toml), row(text="x"))


def test_opt_outs_by_list() -> None:
    filter_ = step('use = "opt-out/1"\nagainst = ["acme/out"]\nurl = "u"')
    made = Digest.of(b"a document that a row was made of")
    listed = [
        row(url="http://A.example/x/", domain=["bad.example"], id="7"),
        row(hash=[f"blake3:{row(text='b').id.hex}", made.hex]),
        row(domain=".bücher.example"),
    ]
    ready = filter_.bind(filter_.prepare(listed))
    roles = FieldRoles(("text",), id="id")
    records = {
        "opted-out-url": [row(text="x", u="https://a.example/x#top")],
        "opted-out-domain": [
            row(text="x", u="https://www.bad.example/anything"),
            row(text="x", u="bad.example/r?u=http://good.example"),
            row(text="x", u="bad.example//a"),
            row(text="x", u="https://www.xn--bcher-kva.example/"),
            row(text="x", u="https://BÜCHER.example"),
        ],
        "opted-out-id": [row(text="a", id="7")],
        "opted-out-hash": [row(text="b"), replace(row(text="chunk"), origin=made)],
        "address-unreadable": [row(text="x", u="http://[bad"), row(text="x", u="/a/path")],
        None: [row(text="x", u="https://notbad.example/x"), row(text="x")],
    }
    for reason, those in records.items():
        for record in those:
            (outcome,) = decided(ready, replace(record, roles=roles))
            assert outcome.reason == reason if reason else outcome == Keep(), record


def test_opt_outs_that_nothing_is_compared_with_are_refused() -> None:
    known = step('use = "opt-out/1"\nagainst = ["acme/out"]\nurl = "u"')
    blind = step('use = "opt-out/1"\nagainst = ["acme/out"]')
    for filter_, listed, kind in (
        (known, [row(URL="http://a.example")], "no-names"),
        (known, [row(url="http://a.example"), row(url="")], "no-names"),
        (blind, [row(url="http://a.example")], "not-looked-at"),
        (blind, [row(domain="a.example")], "not-looked-at"),
    ):
        with pytest.raises(InvalidInputError) as caught:
            filter_.prepare(listed)
        assert caught.value.kind == kind
    with pytest.raises(InvalidInputError) as caught:
        decided(blind.bind(blind.prepare([row(id="7")])), row(text="x", id="7"))
    assert caught.value.kind == "not-looked-at"


def test_opt_outs_by_statement() -> None:
    filter_ = step('use = "opt-out/1"\nstatement = "s"')
    cases = {
        "train-ai=n": "preference-against",
        "train-ai=y, bots=n": None,
        "bots=n": "preference-against",
        "Train-AI=N": "preference-against",
        "train-ai=maybe": "preference-unknown",
        "no": "preference-unknown",
        "": None,
    }
    for text, reason in cases.items():
        (outcome,) = decided(filter_, row(text="x", s=text))
        assert outcome == Keep() if reason is None else outcome.reason == reason, text
    with pytest.raises(InvalidInputError):
        step('use = "opt-out/1"')


def test_what_is_dropped_has_its_reason() -> None:
    dropped = Drop("licence-unknown", "no licence")
    allowed = step('use = "licence/1"\nallow = ["MIT"]\nfield = "l"')
    assert decided(allowed, row(text="x")) == [dropped]
