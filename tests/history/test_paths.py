"""The path grammar, one attack at a time, and its independence of order."""

import json
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.errors import FormatError
from lyrikstore.history.assigned import is_assigned
from lyrikstore.history.paths import (
    Twins,
    check_path,
    fold,
    offenders,
    path_offence,
    show,
)

VECTORS = Path(__file__).resolve().parents[2] / "spec" / "vectors" / "paths"


def cases(name):
    return json.loads((VECTORS / f"{name}.json").read_text("ascii"))["cases"]


GOOD = [case["path"] for case in cases("good")]
BAD = {case["path"]: case["offence"] for case in cases("refused")}
TOGETHER = [(case["paths"], case.get("offence")) for case in cases("together")]


@pytest.mark.parametrize("path", GOOD, ids=range(len(GOOD)))
def test_good_paths(path):
    check_path(path)


@pytest.mark.parametrize(
    ("path", "kind"), BAD.items(), ids=[f"{k}-{i}" for i, k in enumerate(BAD.values())]
)
def test_bad_paths_are_refused_with_the_reason(path, kind):
    offence = path_offence(path)
    assert offence is not None
    assert offence.kind == kind
    with pytest.raises(FormatError) as caught:
        check_path(path)
    assert caught.value.kind == "bad-path"
    assert "\n" not in caught.value.message
    caught.value.message.encode("utf-8")


@pytest.mark.parametrize(("paths", "kind"), TOGETHER)
def test_twins_are_found_in_any_order(paths, kind):
    for order in (paths, list(reversed(paths))):
        assert [o.kind for o in offenders(order)] == ([] if kind is None else [kind])


def test_offenders_name_both_sides_and_never_break_a_terminal():
    found = offenders(["b", "bad\x1b[31m\u202e", "B", "\udcff"])
    assert [(o.kind, o.other) for o in found] == [
        ("twin", "B"),
        ("control", None),
        ("not-text", None),
    ]
    for offence in found:
        text = f"{offence.shown}: {offence.reason}"
        assert text.isprintable()
    assert show("a\nb\u202e\udc80é") == "a\\nb\\u202e\\udc80é"


@given(
    st.lists(st.text(alphabet="aA/.é\u0301 ", min_size=1, max_size=6), max_size=8).flatmap(
        lambda paths: st.tuples(st.just(paths), st.permutations(paths))
    )
)
def test_offenders_do_not_depend_on_order(pair):
    paths, shuffled = pair
    assert offenders(paths) == offenders(shuffled)


@given(st.text(max_size=40))
def test_whatever_is_accepted_is_safe(path):
    if path_offence(path) is not None:
        return
    assert unicodedata.is_normalized("NFC", path)
    for component in path.split("/"):
        assert component not in {"", ".", ".."}
        assert not set(component) & set("\\:\0\n\r")
        assert component == component.rstrip(". ")
        assert unicodedata.normalize("NFKC", component).casefold() not in {".git", ".lyrikstore"}


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30))
def test_fold_joins_what_caseless_or_normalising_file_systems_join(text):
    assert fold(text) == fold(unicodedata.normalize("NFD", text))
    assert fold(text) == fold(unicodedata.normalize("NFC", text))
    if text.isascii():
        assert fold(text) == fold(text.upper()) == fold(text.lower())


def test_twins_keeps_working_after_a_collision():
    twins = Twins()
    assert twins.add("a/x") is None
    assert twins.add("A/y").kind == "twin"
    assert twins.add("a/y") is None
    assert twins.add("a/y").kind == "duplicate"


@pytest.mark.skipif(
    unicodedata.unidata_version != "14.0.0", reason="this Python has another Unicode"
)
def test_the_table_of_assigned_characters_is_unicode_14():
    wrong = [
        code
        for code in range(sys.maxunicode + 1)
        if is_assigned(chr(code)) != (unicodedata.category(chr(code)) != "Cn")
    ]
    assert wrong == []
