"""Reports: one JSON form, every check defined in the specification, safe to print."""

import json
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import encode
from lyrikstore.canon.quoting import listed, name_some, quote
from lyrikstore.canon.schemas import check_schema
from lyrikstore.verify.checks import CHECKS
from lyrikstore.verify.report import (
    Check,
    CheckState,
    Report,
    Verdict,
    complete,
    decide,
    is_left_out,
    not_applicable,
    passed,
    unchecked,
)

ORDER = ["invalid", "incomplete", "valid", "trusted"]
LEFT_OUT: Any = ("-", {"reason": "not-fetched"})


@given(
    st.dictionaries(st.sampled_from(sorted(CHECKS)), st.sampled_from(list(CheckState))),
    st.sets(st.sampled_from(sorted(CHECKS))),
)
def test_no_state_getting_worse_improves_a_verdict(
    states: dict[str, CheckState], required: set[str]
) -> None:
    checks = [Check(name, state, ("-", {})) for name, state in states.items()]
    verdict = decide(checks, required)
    for i, check in enumerate(checks):
        for worse in (CheckState.UNCHECKED, CheckState.FAIL):
            changed = [*checks[:i], Check(check.id, worse, ("-", {})), *checks[i + 1 :]]
            if check.state is CheckState.FAIL and worse is not CheckState.FAIL:
                continue
            assert ORDER.index(decide(changed, required)) <= ORDER.index(verdict)


@given(
    st.dictionaries(
        st.sampled_from(sorted(CHECKS)), st.tuples(st.sampled_from(list(CheckState)), st.booleans())
    ),
    st.sets(st.sampled_from(sorted(CHECKS))),
)
def test_what_is_left_out_is_never_better_than_if_it_held(
    states: dict[str, tuple[CheckState, bool]], required: set[str]
) -> None:
    checks = [Check(name, state, LEFT_OUT if out else ("-", {"reason": "lost"}))
              for name, (state, out) in states.items()]  # fmt: skip
    held = [Check(one.id, CheckState.PASS, one.words) if is_left_out(one) else one
            for one in checks]  # fmt: skip
    ordinary, without = decide(checks, required), decide(checks, required, without_data=True)
    assert not ordinary.is_without_data
    assert without.with_data == decide(held, required)
    assert without.is_without_data == (without.is_sound and any(map(is_left_out, checks)))
    if not any(map(is_left_out, checks)):
        assert without is ordinary


def test_json_form() -> None:
    checks = (passed("format", "fine", bytes=3), not_applicable("status", "none"))
    report = Report(
        Verdict.TRUSTED, checks, "urn:blake3:x", None, "2026-11-24T12:00:00Z", ("much",)
    )
    document = report.to_json()
    check_schema(document, "report")
    encode(document)
    assert "issuer" not in document
    assert document["checks"][0]["spec"].startswith("spec/10")
    with pytest.raises(KeyError):
        report.check("blobs")
    with pytest.raises(FormatError):
        check_schema({**document, "verdict": "fine"}, "report")


@given(st.text())
def test_quoted_text_is_one_printable_line(text: str) -> None:
    assert quote(text).isprintable()
    assert len(quote(text)) <= 83 * 10


QUOTED = Path(__file__).parents[2] / "spec" / "vectors" / "quoting" / "quoted.json"


@pytest.mark.parametrize(
    "case", json.loads(QUOTED.read_text("ascii"))["cases"], ids=itemgetter("id")
)
def test_text_of_others_is_spelt_as_the_vectors_say(case: dict[str, Any]) -> None:
    assert quote(case["text"], case["limit"]) == case["quoted"]


def test_lists_are_bounded() -> None:
    assert name_some(["a", "b", "c", "d", "e"]) == "'a', 'b', 'c' and 2 more"
    assert len(listed(["x"] * 20_000)) == 10_000
    assert listed(["\udcff"]) == ["\\udcff"]


def test_what_was_not_made_is_unchecked_in_its_place() -> None:
    checks = complete("envelope", [passed("format", "fine")])
    assert [(check.id, check.detail.get("reason")) for check in checks] == [
        ("format", None),
        ("envelope", "malformed"),
    ]
    with pytest.raises(ValueError, match="not of envelope"):
        complete("envelope", [passed("blobs", "fine")])


def test_unchecked_is_never_a_success() -> None:
    assert decide([unchecked("format", "x", "y")], ["format"]) is Verdict.INCOMPLETE
