"""Reports: one JSON form, every check defined in the specification, safe to print."""

import json
import re
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
from lyrikstore.publish.cards.check import CARD_CHECKS
from lyrikstore.publish.cards.offline import ALONE_CHECKS
from lyrikstore.verify.credential.attestation import ATTESTATION_CHECKS
from lyrikstore.verify.credential.grant import GRANT_CHECKS
from lyrikstore.verify.delivery.delivery import DELIVERY_CHECKS
from lyrikstore.verify.report import (
    SPEC_OF,
    W3C_SPEC_OF,
    Check,
    CheckState,
    Report,
    Verdict,
    decide,
    not_applicable,
    passed,
    unchecked,
)
from lyrikstore.verify.store.object import OBJECT_CHECKS
from lyrikstore.verify.store.store import STORE_CHECKS
from lyrikstore.verify.w3c.enveloped import ENVELOPE_CHECKS
from lyrikstore.verify.w3c.presentation import PRESENTATION_CHECKS
from lyrikstore.verify.w3c.verify import W3C_CHECKS

ROOT = Path(__file__).resolve().parents[2]
ORDER = ["invalid", "incomplete", "valid", "trusted"]


def test_every_check_has_its_place_in_the_specification() -> None:
    for check, place in (*SPEC_OF.items(), *W3C_SPEC_OF.items()):
        path, _, anchor = place.partition("#")
        headings = re.findall(r"^#+ (.*)$", (ROOT / path).read_text("utf-8"), re.MULTILINE)
        anchors = [re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-") for h in headings]
        assert anchor in anchors, f"{check}: no {place}"


def test_every_check_is_in_the_table_of_the_specification() -> None:
    for places in (SPEC_OF, W3C_SPEC_OF):
        for check, place in places.items():
            chapter = place.partition("#")[0].replace("10-credentials", "11-verification")
            assert f"`{check}`" in (ROOT / chapter).read_text("utf-8"), check


def test_procedures_use_defined_checks() -> None:
    foreign = {*W3C_CHECKS, *PRESENTATION_CHECKS, *ENVELOPE_CHECKS}
    procedures = (
        DELIVERY_CHECKS,
        ATTESTATION_CHECKS,
        GRANT_CHECKS,
        STORE_CHECKS,
        OBJECT_CHECKS,
        CARD_CHECKS,
        ALONE_CHECKS,
    )
    ours = {check for procedure in procedures for check in procedure}
    assert ours | foreign == set(SPEC_OF)
    assert foreign >= {check for check in SPEC_OF if W3C_SPEC_OF[check] != SPEC_OF[check]}


@given(
    st.dictionaries(st.sampled_from(sorted(SPEC_OF)), st.sampled_from(list(CheckState))),
    st.sets(st.sampled_from(sorted(SPEC_OF))),
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


def test_unchecked_is_never_a_success() -> None:
    assert decide([unchecked("format", "x", "y")], ["format"]) is Verdict.INCOMPLETE
