"""How answers of a model show: one at length, many in a line each; and as lines of a file."""

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
    """Return a prediction as a line."""
    known = prediction.asked.problem is None and not prediction.is_text
    sure = f"{prediction.confidence / 1_000_000:.3f}" if known else "–"
    return f"{sure:>5}  {escape_control(prediction.words)}  {place(prediction)}"


def place(prediction: "Prediction") -> str:
    """Return where a record stands."""
    asked = prediction.asked
    shown = escape_control(asked.path)
    return shown if asked.line is None else f"{shown}:{asked.line}"


def candidate_lines(prediction: "Prediction") -> Iterator[str]:
    """Yield the likeliest labels with their probabilities."""
    for one in prediction.to_json()["candidates"]:
        yield f"{one['probability']:>8}  {escape_control(one['label'])}"


def confidence_line(prediction: "Prediction", decision: Mapping[str, Any]) -> str:
    """Return how sure an answer is as a whole, and what its checkpoint asks for.

    Args:
        prediction: The answer.
        decision: Of the checkpoint's manifest.
    """
    sure = f"confidence {prediction.confidence / 1_000_000:.6f}"
    if "threshold" in decision:
        sure += " that these labels and no other are right"
    limits = []
    if float(decision.get("abstainBelow", 0)):
        limits.append(f"no answer below {decision['abstainBelow']}")
    if "threshold" in decision:
        limits.append(f"a label is given from {decision['threshold']} on")
    return f"{sure} ({'; '.join(limits) or 'it always answers'})"


def explanation_lines(prediction: "Prediction") -> Iterator[str]:
    """Yield what speaks for an answer, and which training records are like it."""
    for one in prediction.explanation or ():
        weight = "" if one["weight"] == "1.0" else f" (weight {one['weight']})"
        label = escape_control(str(one["label"]))
        if one["method"] == "contributions":
            yield f"what adds up to {label} {one['logit']}{weight}, {one['bias']} of it always:"
            for term in one["terms"][:_MOST_PIECES]:
                yield f"  {term['contribution']:>10}  {_cut(term['term'])}"
            shown = one["terms"][_MOST_PIECES:]
            if others := len(shown) + one["otherTerms"]:
                yield f"  {'…':>10}  and {pluralize(others, 'term')}: --json has the largest"
        else:
            yield f"{label} {one['probability']}{weight}, and without each sentence:"
            for piece in one["sentences"][:_MOST_PIECES]:
                yield f"  {piece['without']:>10}  {_cut(piece['text'])}"
            others = len(one["sentences"]) - _MOST_PIECES
            if others > 0:
                yield f"  {'…':>10}  and {pluralize(others, 'sentence')} that matter less"
    if prediction.similar:
        yield "similar, not cause: training records that are most like it"
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
            said += f", to be named as {_cut(one['attribution'])}"
        if one["withdrawn"]:
            said += f", ! {one['withdrawn']} since"
        words.append(said)
    return f": {'; '.join(words)}" if words else ": no right recorded"


def _cut(text: str) -> str:
    shown = escape_control(" ".join(text.split()))
    return shown if len(shown) <= _WIDEST else f"{shown[: _WIDEST - 1]}…"
