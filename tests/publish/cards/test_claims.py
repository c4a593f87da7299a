"""What cards say of figures: the same on both pages, and nothing that no interval shows."""

from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.canon.json import encode, parse
from lyrikstore.publish.cards.document import build_card
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.cards.gathering.form import CardForm
from lyrikstore.publish.cards.profiles.profile import load_profile
from lyrikstore.publish.cards.rendering.renderings import render
from lyrikstore.verify.evaluation.choice.baselines import NEAREST, WORD_COUNTS


@pytest.fixture
def facts(chain: Any) -> Any:
    """Facts of a model whose evaluation has six groups, few records of a label, and a slice."""
    found = gather(chain.repository, chain.made["checkpoint"])
    (evaluation,) = found.evaluations
    model = {"accuracy": {"value": "1.0000"}, "macroF1": {"value": "1.0000"}}
    label = {"precision": "1.0000", "recall": "1.0000", "f1": "1.0000"}
    body: dict[str, Any] = {
        **evaluation.body,
        "count": 58,
        "confidence": {
            "method": "bootstrap", "level": "0.95", "resamples": 1000, "seed": 1,
            "groups": {"field": "client", "count": 6},
        },
        "model": {
            **model,
            "latencyMs": {"p50": "9.10", "p95": "9.90"},
            "perClass": {"a": {**label, "support": 7}, "b": {**label, "support": 51}},
        },
        "baseline": {**model, "method": WORD_COUNTS, "latencyMs": {"p50": "0.40", "p95": "0.50"}},
        "slices": [{"field": "court", "value": "north", "count": 25, "measures": model}],
        "comparisons": [
            {"baseline": WORD_COUNTS, "metric": "macroF1", "difference": {"value": "0.2241"},
             "verdict": "no-difference-shown"},
        ],
    }  # fmt: skip
    return replace(found, evaluations=(replace(evaluation, body=body),))


def statements(facts: Any, form: str) -> dict[str, list[Any]]:
    made = build_card(facts, (), [load_profile("huggingface")], CardForm(form))
    found: dict[str, list[Any]] = {}
    for one in made.content["statements"]:
        found.setdefault(one["id"].partition(":")[0], []).append(one)
    return found


def test_a_card_claims_no_interval_where_there_is_none(facts: Any) -> None:
    said = statements(facts, "card/4")
    (verdict,), (cheaper,) = said["evaluation.verdict"], said["evaluation.cheaper"]
    assert (verdict["value"], verdict["state"]) == ("too-few-groups", "measured")
    assert cheaper["state"] == "stated"  # times follow from nothing
    assert ("9.10" in cheaper["text"], "0.40" in cheaper["text"]) == (True, True)
    (tested,) = said["evaluation.data"]
    assert "(6)" in tested["text"]
    assert "bootstrap" not in tested["text"]


def test_small_labels_and_slices_are_judged_by_one_rule(facts: Any) -> None:
    said = statements(facts, "card/4")
    few, enough = said["evaluation.class"]
    assert ("too few" in few["text"], "too few" in enough["text"]) == (True, False)
    assert said["evaluation.worst-class"][0]["value"] == "b"
    (part,), (worst,) = said["evaluation.slice"], said["evaluation.worst-slice"]
    # The same metric, by the same name, with the same figure on both pages.
    measured = part["text"].partition(",")[0]
    assert measured == "accuracy 1.0000"
    assert measured in worst["text"]


def test_a_card_says_what_was_passed_over_and_what_stands_beside(facts: Any) -> None:
    chosen = {
        "metric": "macroF1", "method": "folds", "reason": "embeddings: macroF1 0.6000 out of fold",
        "candidates": [
            {"format": "tfidf/2", "metrics": {"macroF1": "0.5500"}, "taken": False, "by": "folds",
             "difference": {"value": "-0.0500", "standardError": "0.0200"}},
            {"format": "embeddings/1", "metrics": {"macroF1": "0.6000"}, "taken": True},
        ],
    }  # fmt: skip
    checkpoint = replace(facts.checkpoint, body={**facts.checkpoint.body, "chosen": chosen})
    (one,) = facts.evaluations
    beside = {**one.body["baseline"], "method": NEAREST}
    evaluation = replace(one, body={**one.body, "baselines": [beside]})
    facts = replace(facts, subject=checkpoint, evaluations=(evaluation,))
    said = statements(facts, "card/5")
    (passed,) = said["run.passed-over"]
    assert (passed["about"], passed["state"]) == ("tfidf/2", "stated")
    shown = [each in passed["text"] for each in ("0.5500", "0.6000", "0.0500 worse", "0.0200")]
    assert shown == [True] * 4
    (passed,) = statements(facts, "card/4")["run.passed-over"]
    assert passed["text"] == (
        "tfidf/2: macro-F1 0.5500 out of fold, 0.0500 worse than what was taken (± 0.0200)"
    )
    assert "nearest record" in said["evaluation.metric"][0]["value"]
    by_validation = {name: one for name, one in chosen.items() if name != "method"}
    body = {**checkpoint.body, "chosen": by_validation}
    older = replace(facts, subject=replace(checkpoint, body=body))
    assert "run.passed-over" not in statements(older, "card/4")  # of before there were folds
    before = statements(facts, "card/3")
    assert "run.passed-over" not in before
    assert "nearest record" not in before["evaluation.metric"][0]["value"]


def test_cards_of_before_keep_their_words(facts: Any) -> None:
    said = statements(facts, "card/3")
    assert "evaluation.cheaper" not in said
    assert said["evaluation.verdict"][0]["value"] == "no-difference-shown"
    assert said["evaluation.worst-class"][0]["value"] == "a"
    assert "evaluation.worst-slice" not in said
    assert "intervals: bootstrap" in said["evaluation.data"][0]["text"]


@pytest.mark.parametrize("role", ["markdown", "html"])
def test_every_rendering_says_it(facts: Any, role: str) -> None:
    made = build_card(facts, (), [load_profile("huggingface")])
    text = render(parse(encode(made.content)), [role])[role].decode()
    assert "(6)" in text
    assert "bootstrap" not in text
    assert ("Macro F1" in text, "macro-F1" in text) == (False, True)


@pytest.mark.parametrize(
    ("method", "called"),
    [
        (WORD_COUNTS, "baseline (word counts)"),
        (NEAREST, "baseline (nearest training record)"),
        ("of another package", "baseline"),
    ],
)
def test_a_card_says_what_the_baseline_is(facts: Any, method: str, called: str) -> None:
    (one,) = facts.evaluations
    body = {**one.body, "baseline": {**one.body["baseline"], "method": method}}
    changed = replace(facts, evaluations=(replace(one, body=body),))
    for name in ("evaluation.metric", "evaluation.latency"):
        assert f"; {called} " in statements(changed, "card/5")[name][0]["text"]
        assert "; baseline " in statements(changed, "card/4")[name][0]["text"]
    # Whoever reads figures by program finds the systems by the same names.
    assert "baseline" in statements(changed, "card/5")["evaluation.metric"][0]["value"]


@pytest.mark.parametrize("by", ["folds", "validation"])
def test_a_card_says_by_which_records_texts_are_called_unlike(facts: Any, by: str) -> None:
    one = {"format": "tfidf/2", "metrics": {"macroF1": "0.6000"}, "taken": True, "by": by}
    chosen = {"metric": "macroF1", "method": "folds", "reason": "", "candidates": [one]}
    about = {"method": "unknown-words/1", "limit": "0.12"}
    decision = {"temperature": "1.000", "abstainBelow": "0.500000"}
    body = {**facts.checkpoint.body, "chosen": chosen, "decision": decision, "unlike": about}
    changed = replace(facts, subject=replace(facts.checkpoint, body=body))
    (before,), (now,) = (
        statements(changed, form)["model.decision"] for form in ("card/4", "card/5")
    )
    assert "at most 5 % of the" in now["text"]
    assert ("training and validation records" in now["text"]) == (by == "folds")
    held = "records that its folds had not learned from" if by == "folds" else "validation data"
    assert before["text"].endswith(f"(of the {held} that were 5 % at most)")
    assert now["value"] == before["value"]
