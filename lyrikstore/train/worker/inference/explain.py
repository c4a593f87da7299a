"""Explanations of predictions: the terms of a sum, or the sentences whose removal changes it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from msgspec.structs import replace

from lyrikstore.train.worker.examples import Example
from lyrikstore.train.worker.metrics import decimal
from lyrikstore.train.worker.models.model import Model
from lyrikstore.verify.evaluation.choice.task import AnswerRule, LabellingRules

MOST_TERMS = 20
"""Terms that are listed; the others are summed."""

MOST_SENTENCES = 64
"""Most pieces of a text; in a longer text, neighbouring sentences form one piece."""

MOST_LABELS = 5
"""Most labels of a record that are explained."""

_LETTERS = 200
"""Most characters of a text per token that a model reads; the rest is not explained."""

_END = re.compile(r"(?<=[.!?;:])\s+|(?<=[\u3002\uff01\uff1f])|\n+")


def explain(
    model: Model, task: LabellingRules, rule: AnswerRule, example: Example, labels: Sequence[int]
) -> list[Mapping[str, Any]]:
    """Return an explanation of labels of a record, for each model of a blend.

    Args:
        model: The model.
        task: The rules of its task.
        rule: The answer rule with its temperature.
        example: The record.
        labels: Indices of the labels.

    Returns:
        For each label and model an object: ``method`` ``contributions`` or ``occlusion``, with the
        members that the schema of ``predict`` has for the method.

    Cost: for contributions little; for an encoder one more inference for each sentence, at most
    :data:`MOST_SENTENCES`.
    """
    found: list[Mapping[str, Any]] = []
    for part in model.parts(rule.temperature):
        pieces = None
        for label in labels[:MOST_LABELS]:
            about = {"label": model.labels[label], "weight": decimal(part.weight, 1)}
            terms = _terms(part.model, example, label)
            if terms is not None:
                found.append({"method": "contributions", **about, **terms})
                continue
            if pieces is None:
                pieces = _without_each(part.model, task, part.temperature, example)
            found.append({"method": "occlusion", **about, **_sentences(pieces, example, label)})
    return found


def sentences(text: str) -> list[tuple[int, int]]:
    """Return the start and end of each sentence of a text, in code points.

    Lines and the text before a stop count as sentences, for any language.
    """
    found, start = [], 0
    for end in _END.finditer(text):
        if text[start : end.start()].strip():
            found.append((start, end.start()))
        start = end.end()
    if text[start:].strip():
        found.append((start, len(text)))
    if len(found) <= MOST_SENTENCES:
        return found
    edges = [at * len(found) // MOST_SENTENCES for at in range(MOST_SENTENCES + 1)]
    return [(found[first][0], found[last - 1][1]) for first, last in pairwise(edges)]


def _terms(model: Model, example: Example, label: int) -> dict[str, Any] | None:
    found = model.contributions(example, label)
    if found is None:
        return None
    terms, bias = found
    ranked = sorted(terms, key=lambda one: (-abs(one[1]), one[0]))
    rest = ranked[MOST_TERMS:]
    return {
        "terms": [
            {"term": name, "contribution": _written(value)} for name, value in ranked[:MOST_TERMS]
        ],
        "otherTerms": len(rest),
        "otherContribution": _written(sum(value for _, value in rest)),
        "bias": _written(bias),
        "logit": _written(bias + sum(value for _, value in terms)),
    }


class _Pieces:
    """Probabilities of a text, and of the text without each of its sentences."""

    def __init__(self, places: Sequence[tuple[int, int]], found: Any) -> None:
        self.places, self.whole, self.without = places, found[0], found[1:]


def _without_each(
    model: Model, task: LabellingRules, temperature: float, example: Example
) -> _Pieces:
    # ATTACK: 64 MiB of text, once for each of its sentences.
    _, most = model.tokens(replace(example, text=""))
    example = replace(example, text=example.text[: _LETTERS * most] if most else example.text)
    places = sentences(example.text)
    tried = [example, *_shortened(example, places)]
    return _Pieces(places, task.probabilities(model.logits(tried), temperature))


def _shortened(example: Example, places: Sequence[tuple[int, int]]) -> Iterator[Example]:
    for start, end in places:
        yield replace(example, text=example.text[:start] + example.text[end:])


def _sentences(pieces: _Pieces, example: Example, label: int) -> dict[str, Any]:
    whole = float(pieces.whole[label])
    found = [
        (start, end, float(row[label]))
        for (start, end), row in zip(pieces.places, pieces.without, strict=True)
    ]
    found.sort(key=lambda one: (one[2], one[0]))  # least likely without it: most important
    return {
        "probability": _written(whole),
        "sentences": [
            {
                "begins": start,
                "ends": end,
                "text": example.text[start:end][:200],
                "without": _written(without),
            }
            for start, end, without in found
        ],
    }


def _written(value: float) -> str:
    return decimal(value, 6)
