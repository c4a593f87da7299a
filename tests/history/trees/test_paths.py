"""The path grammar, one attack at a time, and its independence of order."""

import json
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.errors import FormatError
from lyrikstore.history.trees import paths as paths_module
from lyrikstore.history.trees.paths import (
    CaseFoldIndex,
    TreePaths,
    are_distinct,
    check_path,
    fold,
    offenders,
    path_offence,
)
from lyrikstore.history.trees.unicode14 import is_assigned

VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors" / "paths"


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


NAMES = st.lists(
    st.sampled_from(["a", "B", "con", "COM1", "lpt9.x", "nul ", "aux.", "prn", "contract", ".git"])
    | st.sampled_from(["git~1", "x.", " x", "a b", "", ".", "..", "x:y", "a\\b", "clock$", "é"])
    | st.text(alphabet="cCoOnN1. ~_-$", max_size=6),
    min_size=1,
    max_size=3,
).map("/".join)


@given(NAMES | st.sampled_from([*GOOD, *BAD]) | st.text(max_size=12))
def test_the_short_cut_for_plain_paths_accepts_nothing_else(path):
    if paths_module._plain(path) and len(path) <= paths_module.MAX_PATH_BYTES:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(paths_module, "_plain", lambda _: None)
            assert path_offence(path) is None


def test_usual_names_take_the_short_cut():
    for path in (
        "docs/contract_1.txt",
        "000/case_000123.txt",
        "Compliance (2).pdf",
        "a",
        "x.tar.gz",
    ):
        assert paths_module._plain(path)
    assert not paths_module._plain("a" * 255 + "a")


def one_by_one(paths):
    twins = CaseFoldIndex()
    return paths == sorted(set(paths)) and not [path for path in paths if twins.add(path)]


@given(st.lists(st.text(alphabet="aAéÉß/\u017f", min_size=1, max_size=5), max_size=8).map(sorted))
def test_twins_are_looked_for_all_at_once(paths):
    assert are_distinct(paths) == one_by_one(paths)


@given(st.lists(st.text(alphabet="aAbé/", min_size=1, max_size=4), max_size=6))
def test_paths_hold_what_can_stand_in_one_tree(paths):
    good = one_by_one(paths) and not any(map(path_offence, paths))
    if good:
        assert list(TreePaths(paths)) == paths
    else:
        with pytest.raises(FormatError) as caught:
            TreePaths(paths)
        assert caught.value.kind in {"bad-path", "bad-tree"}


def test_twins_keeps_working_after_a_collision():
    twins = CaseFoldIndex()
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


def test_the_table_folds_case_as_python_does():
    table = json.loads((VECTORS.parents[1] / "unicode-14.json").read_text("ascii"))["folds"]
    letters = [chr(code) for code in range(sys.maxunicode + 1) if is_assigned(chr(code))]
    assert table == {one: one.casefold() for one in letters if one.casefold() != one}
