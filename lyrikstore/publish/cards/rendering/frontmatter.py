"""The YAML block of a card, for model hubs (spec §14.4.7).

Names in a store are not names on a hub: ``base_model`` and ``datasets`` would link to unrelated
objects with that name, so they are omitted, and the card's text names the objects by id.
``license`` is present only if a person attested it: no signed object decides which licence a
derived model has.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from lyrikstore.publish.cards.gathering.form import CardForm
from lyrikstore.publish.markdown import quoted
from lyrikstore.verify.evaluation.tasks import TEXT, find_rules
from lyrikstore.verify.evaluation.words import METRICS

_PIPELINE = "text-classification"
"""The pipeline of transformers for models that label texts."""
_LIBRARIES = {
    **dict.fromkeys(("peft", "peft-lora"), "peft"),
    **dict.fromkeys(("blend", "embeddings", "external", "files", "tfidf"), ""),
}
"""Format → the library of the hub that loads it; empty: none. Of other formats, transformers."""

_METRICS = {
    METRICS["accuracy"]: ("accuracy", "Accuracy"),
    METRICS["subsetAccuracy"]: ("accuracy", "Subset accuracy"),
    METRICS["microF1"]: ("f1", "Micro F1"),
    METRICS["macroF1"]: ("f1", "Macro F1"),
    METRICS["tokenF1"]: ("f1", "Token F1"),
    METRICS["exactMatch"]: ("exact_match", "Exact match"),
    METRICS["refusals"]: ("refusals", "Refusals"),
    METRICS["cutOff"]: ("cut_off", "Answers cut off"),
    METRICS["meanTokens"]: ("tokens", "Mean tokens of an answer"),
}
"""Title of a statement → the hub's name of the metric, and its own name before ``card/4``."""


def front_matter(card: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the block, delimiters included. Foreign text is always quoted."""
    yield "---"
    yield from _of_dataset(card) if card["subject"]["kind"] == "dataset" else _of_model(card)
    yield "---"


def _of_dataset(card: Mapping[str, Any]) -> Iterator[str]:
    yield f"pretty_name: {quoted(card['subject']['name'].partition('/')[2])}"
    licences = [one for one in card["statements"] if one["id"].startswith("data.licence:")]
    said = {one["text"] if one["state"] == "stated" else "" for one in licences}
    if len(said) == 1 and "" not in said:
        yield "license: other"
        yield f"license_name: {quoted(said.pop())}"
    yield "tags:"
    yield "- lyrikstore"
    yield "- provenance"


def _of_model(card: Mapping[str, Any]) -> Iterator[str]:
    facts = {one["id"]: one for one in card["statements"]}
    form = str(facts["model.format"]["value"])
    library = _LIBRARIES.get(form.partition("/")[0], "transformers")
    if library:
        yield f"library_name: {library}"
    task = facts.get("model.task", {}).get("value")
    rules = find_rules(task)
    if rules is not None and rules.answers != TEXT:
        yield f"pipeline_tag: {_PIPELINE}"
    licence = [one for one in card["statements"] if one["id"].startswith("answer.model-licence:")]
    named = {one["text"] for one in licence if one["state"] == "attested"}
    if len(named) == 1:  # ATTACK: somebody else's answer, before the expert's other one
        yield "license: other"
        yield f"license_name: {quoted(named.pop())}"
    yield "tags:"
    yield "- lyrikstore"
    yield "- provenance"
    evaluations = [
        one
        for one in card["statements"]
        if one["id"].startswith("evaluation.data:") and one["state"] == "measured"
    ]
    if evaluations:
        yield "model-index:"
        yield f"- name: {quoted(card['subject']['name'].partition('/')[2])}"
        yield "  results:"
        for one in evaluations:
            yield from _result(card, one, task)


def _result(card: Mapping[str, Any], evaluation: Mapping[str, Any], task: Any) -> Iterator[str]:
    itself, test = evaluation["evidence"][:2]
    called = next(
        (
            one["text"].partition(",")[0]
            for one in card["statements"]
            if one["id"].startswith("data.parts:") and test in one["evidence"]
        ),
        test,
    )
    yield "  - task:"
    yield f"      type: {quoted(task if isinstance(task, str) else _PIPELINE)}"
    yield "    dataset:"
    yield "      type: lyrikstore"
    yield f"      name: {quoted(called)}"
    yield "      split: test"
    yield f"      revision: {quoted(test.rpartition(':')[2])}"
    yield "    metrics:"
    for one in card["statements"]:
        # Two evaluations can have one name: a version each.
        if one["id"].startswith("evaluation.metric:") and one["evidence"] == [itself]:
            title = one["title"]
            kind, called = _METRICS.get(title, ("score", title))
            if not CardForm(card["format"]).claims_what_is_shown:
                title = called
            yield f"    - type: {kind}"
            yield f"      value: {Decimal(one['value']['model']['value']):f}"
            yield f"      name: {quoted(title)}"
