"""Predictions as text: one in detail, many as one line each, or as lines of a file."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli.output.screen import json_text

if TYPE_CHECKING:
    from lyrikstore.api import Prediction

_MOST_PIECES = 8
_WIDEST = 120


def one_line(prediction: "Prediction") -> str:
    """Return one line for a prediction."""
    known = prediction.asked.problem is None and not prediction.is_text
    sure = f"{prediction.confidence / 1_000_000:.3f}" if known else "–"
    return f"{sure:>5}  {escape_control(prediction.words)}  {place(prediction)}"


def place(prediction: "Prediction") -> str:
    """Return the path of a record, with its line if it has one."""
    asked = prediction.asked
    shown = escape_control(asked.path)
    return shown if asked.line is None else f"{shown}:{asked.line}"


def candidate_lines(prediction: "Prediction") -> Iterator[str]:
    """Yield the most probable labels with their probabilities."""
    for one in prediction.to_json()["candidates"]:
        yield f"{one['probability']:>8}  {escape_control(one['label'])}"


def confidence_line(prediction: "Prediction", decision: Mapping[str, Any]) -> str:
    """Return the confidence of an answer, and the limits of its checkpoint.

    Args:
        prediction: The answer.
        decision: The decision rule in the checkpoint's manifest.
    """
    sure = f"confidence {prediction.confidence / 1_000_000:.6f}"
    if "threshold" in decision:
        sure += " that exactly these labels are right"
    limits = []
    if float(decision.get("abstainBelow", 0)):
        limits.append(f"no answer below {decision['abstainBelow']}")
    if "threshold" in decision:
        limits.append(f"a label is given from {decision['threshold']} on")
    return f"{sure} ({'; '.join(limits) or 'it always answers'})"


def explanation_lines(prediction: "Prediction") -> Iterator[str]:
    """Yield the explanation of an answer, and the most similar training records."""
    for one in prediction.explanation or ():
        weight = "" if one["weight"] == "1.0" else f" (weight {one['weight']})"
        label = escape_control(str(one["label"]))
        if one["method"] == "contributions":
            yield f"terms that sum to {label} {one['logit']}{weight}, with the bias {one['bias']}:"
            for term in one["terms"][:_MOST_PIECES]:
                yield f"  {term['contribution']:>10}  {_cut(term['term'])}"
            shown = one["terms"][_MOST_PIECES:]
            if others := len(shown) + one["otherTerms"]:
                yield f"  {'…':>10}  and {pluralize(others, 'term')}: --json has the largest"
        else:
            yield f"{label} {one['probability']}{weight}; without each sentence it would be:"
            for piece in one["sentences"][:_MOST_PIECES]:
                yield f"  {piece['without']:>10}  {_cut(piece['text'])}"
            others = len(one["sentences"]) - _MOST_PIECES
            if others > 0:
                yield f"  {'…':>10}  and {pluralize(others, 'sentence')} with less influence"
    if prediction.similar:
        yield "the most similar training records (similar, not the cause):"
    for near in prediction.similar or ():
        labels = escape_control(", ".join(near["labels"])) or "no label"
        yield f"  {near['likeness']:>10}  {labels}  {near['record'][:12]} in {near['dataset']}"
        yield f"  {'':>10}  {_cut(near['text'])}"
        for source in near["comesFrom"]:
            yield f"  {'':>10}  from {escape_control(source['name'])}{_rights(source)}"


def jsonl(predictions: Iterable["Prediction"]) -> Iterator[bytes]:
    """Yield a JSON object and a line end for each prediction."""
    for one in predictions:
        yield json_text(one.to_json()).encode() + b"\n"


def table(rows: Iterable[list[str]]) -> Iterator[bytes]:
    """Yield rows as CSV."""
    for row in rows:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(row)
        yield line.getvalue().encode()


def _rights(source: Mapping[str, Any]) -> str:
    words = []
    for one in source["reliedOn"]:
        licence = ", ".join(map(escape_control, one["spdxExpressions"])) or "no licence named"
        said = f"{licence}, by credential {one['credential'][7:19]}"
        if one["attribution"]:
            said += f", attribution {_cut(one['attribution'])}"
        if one["withdrawn"]:
            said += f", ! {one['withdrawn']} since"
        words.append(said)
    return f": {'; '.join(words)}" if words else ": no right recorded"


def _cut(text: str) -> str:
    shown = escape_control(" ".join(text.split()))
    return shown if len(shown) <= _WIDEST else f"{shown[: _WIDEST - 1]}…"
