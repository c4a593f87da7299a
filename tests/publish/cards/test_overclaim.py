"""Items are answered by evidence of the kind that their profile names, and by nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.publish.cards.answer import GivenAnswer, closing_answers
from lyrikstore.publish.cards.answerers import unknown_answers
from lyrikstore.publish.cards.profiles.profile import (
    EARLIER,
    Profile,
    is_as_shipped,
    load_profile,
    shipped_profiles,
)
from tests.publish.cards.making import PICKS, answered, draft, trusting
from tests.publish.cards.shipped import SHIPPED

VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors" / "cards" / "closing.json"
HEAD = b"""
profile = "ours/1"
title = "Ours"
about = "checkpoint"
asOf = "2026-11-28"
reviewedBy = ""
"""
ITEM = b"""
[[items]]
id = "1"
clause = "1"
asks = "a"
"""


def items(chain: Any, text: bytes) -> list[Any]:
    content: Any = draft(chain, profiles=[Profile.parse(HEAD + ITEM + text)]).content
    return list(content["profiles"][0]["items"])


@pytest.mark.parametrize(
    "case", json.loads(VECTORS.read_text())["cases"], ids=lambda one: one["id"]
)
def test_answers_that_close(case: Any) -> None:
    given = (
        GivenAnswer(str(at), one["state"], one.get("own", False))
        for at, one in enumerate(case["answers"])
    )
    assert sorted(map(int, closing_answers(given))) == case["closing"]


def test_the_developer_answers_beside_an_expert_who_does_not_know(chain: Any) -> None:
    """ATTACK A201."""
    says = {"personal-data": {"choice": "some", "text": "x"}}
    answered(chain, says, "owner", profiles=[PICKS])

    def found() -> tuple[bool, list[bool]]:
        content: Any = draft(chain, profiles=[PICKS]).content
        own = [one.get("own", False) for one in content["statements"] if one.get("by")]
        return content["profiles"][0]["items"][0]["open"], [one for one in own if one]

    assert found() == (False, [True])
    answered(chain, {"personal-data": {"state": "unknown", "text": "?"}}, profiles=[PICKS])
    assert found() == (True, [True])
    answered(chain, says, "validator", profiles=[PICKS])
    assert found() == (False, [True])


def test_a_stranger_does_not_help_the_developer(chain: Any) -> None:
    """ATTACK A201: for whom a trust file names the expert, but not the stranger who agrees."""
    says = {"personal-data": {"choice": "some", "text": "x"}}
    answered(chain, says, "owner", profiles=[PICKS])
    answered(chain, {"personal-data": {"state": "unknown", "text": "?"}}, profiles=[PICKS])
    answered(chain, says, "stranger", profiles=[PICKS])
    content: Any = draft(chain, profiles=[PICKS]).content
    assert not content["profiles"][0]["items"][0]["open"]
    found = unknown_answers(chain.repository, content, trusting(chain, "expert"), chain.clock())
    assert found.items == ("picks/1 1",)


def test_evidence_of_another_kind_answers_nothing(chain: Any) -> None:
    """ATTACK A202."""
    (item,) = items(chain, b'fill = ["subject.signer"]')
    assert not item["open"]
    (item,) = items(chain, b'fill = ["subject.signer"]\nansweredBy = ["attested"]')
    assert (item["open"], item["answeredBy"]) == (True, ["attested"])
    # One of the datasets states no licence.
    assert not items(chain, b'fill = ["data.licence"]')[0]["open"]
    assert items(chain, b'fill = ["data.licence"]\nansweredBy = ["stated"]')[0]["open"]


def test_facts_answer_no_question_to_a_person() -> None:
    asks = b'question = "q"\nansweredBy = ["measured"]\n[questions.q]\nasks = "Q?"\n'
    with pytest.raises(InvalidInputError) as refused:
        Profile.parse(HEAD + ITEM + asks)
    assert refused.value.kind == "bad-profile"


def test_a_profile_under_an_earlier_id_has_other_bytes(tmp_path: Path) -> None:
    """ATTACK A200: an easier profile under an id that an earlier version shipped."""
    assert EARLIER.keys().isdisjoint(one.id for one in shipped_profiles().values())
    for name in EARLIER:
        easy = HEAD.replace(b"ours/1", name.encode()) + ITEM + b'fill = ["subject.name"]\n'
        file = tmp_path / "easy.toml"
        file.write_bytes(easy)
        assert not is_as_shipped(Profile.parse(easy))
        with pytest.raises(InvalidInputError) as refused:
            load_profile(str(file))
        assert refused.value.kind == "bad-profile"


def test_what_the_shipped_profiles_do_not_pass_off_as_answers() -> None:
    fills = {
        (name, item.id): ({*item.fill}, item.question, item.answered_by)
        for name, profile in SHIPPED.items()
        for item in profile.items
    }
    for name, item in (
        ("eu-ai-act", "1a-provider"),
        ("us-health", "hti-1"),
        ("eu-gpai-53", "s1.1"),
    ):
        assert fills[name, item] == (set(), "provider", ("attested",))
    assert fills["eu-ai-act", "2c"][0] == {"model.architecture"}
    assert fills["us-health", "pccp-protocol"][:2] == (set(), "change-protocol")
    assert "data.identifiers" in fills["us-health", "hipaa-identifiers"][0]
    assert "rights.attested" not in fills["eu-ai-act", "2d-labels"][0]
    for number in (12, 17, 18, 19, 20, 23, 24, 27, 29):
        assert fills["us-health", f"hti-{number}"][0] == set()
    assert not any(
        "run.config" in fill for (name, item), (fill, *_) in fills.items() if name != "us-mrm"
    )
