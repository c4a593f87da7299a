"""The baseline of a model: the strongest of the cheap candidates (spec §13.7.1).

One rule, for whoever signs an evaluation and for whoever verifies one.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from lyrikstore.verify.evaluation.choice.candidates import STRENGTHS

WORD_COUNTS = "TF-IDF of words and characters, linear model, C by cross-validation"
EMBEDDINGS = "embeddings of the base model, linear model, C by cross-validation"
NEAREST = "nearest neighbour by TF-IDF of words and characters"
"""Methods of the baselines that are fitted: candidates that were not chosen, and simple rules."""

WORD_COUNTS_1 = "TF-IDF of word 1- and 2-grams, logistic regression"
NEAREST_1 = "nearest neighbour by TF-IDF of word 1- and 2-grams"
"""Methods in evaluations of earlier versions."""

_METHODS = {"tfidf": WORD_COUNTS, "embeddings": EMBEDDINGS}
_TASKS = frozenset({"text-classification", "multi-label"})
"""Tasks whose baselines are all known; tasks of other packages have their own."""


class Rival(Struct, frozen=True):
    """A candidate that was not chosen, as the baseline of the chosen one.

    Attributes:
        candidate: Its name.
        strength: C of its linear model, a decimal, as the checkpoint says it; empty: folds choose
            it anew.
    """

    candidate: str
    strength: str = ""

    @property
    def method(self) -> str:
        """Its name in evaluations."""
        return _METHODS[self.candidate]


def rival_of(checkpoint: Mapping[str, Any]) -> Rival | None:
    """Return the first baseline of a model with labels: tuned word counts.

    Args:
        checkpoint: Body of its manifest; empty: it is not in this store.

    Returns:
        Of word counts alone the runner-up that was tried and is cheap; None: there is none.
    """
    tried = dict[str, str]()
    for one in checkpoint.get("chosen", {}).get("candidates", ()):
        name, strength = _candidate(one["format"]), one.get("settings", {}).get("C", "")
        # ATTACK A163: a checkpoint says of its rival a C by which nobody learns anything.
        tried[name] = strength if strength in STRENGTHS.get(name, ()) else ""
    other = "embeddings" if _candidate(checkpoint.get("format", "")) == "tfidf" else "tfidf"
    if other == "tfidf" or other in tried:
        return Rival(other, tried.get(other, ""))
    return None


def has_rivals(checkpoint: Mapping[str, Any], run: Mapping[str, Any] | None) -> bool:
    """Return whether a model comes from a version in which baselines are candidates.

    Args:
        checkpoint: Its body.
        run: Body of its run; None: it is not here.
    """
    # ATTACK A163: no final checkpoint, or a final one that does not say what it chose.
    said = [checkpoint.get("chosen", {}), run or {}]
    forms = {each["format"] for one in said for each in one.get("candidates", ())}
    return "method" in said[0] or "folds" in said[1] or "tfidf/2" in forms


def baseline_fault(
    body: Mapping[str, Any], checkpoint: Mapping[str, Any], run: Mapping[str, Any] | None
) -> str:
    """Return why the baseline of an evaluation is weaker than required; empty if it is not.

    Args:
        body: Of the evaluation.
        checkpoint: Body of its checkpoint. Of one that was made before baselines were candidates
            nothing is asked.
        run: Body of its run; None: it is not here.
    """
    baseline = body.get("baseline")
    if baseline is None or not has_rivals(checkpoint, run):
        return ""
    if body.get("task") not in _TASKS:
        return ""
    rival = rival_of(checkpoint)
    # Of the nearest record nothing is said first, so that whoever lacks the base may be without.
    fine = {NEAREST} if _candidate(checkpoint["format"]) == "tfidf" else set()
    if rival is not None:
        fine.add(rival.method)
    # ATTACK A163: the nearest record, or word counts that nobody tuned, for what is to look better.
    if baseline.get("method") not in fine:
        return "its baseline is not the strongest cheap candidate that was not taken"
    stated = baseline.get("params", {}).get("C")
    if rival is not None and rival.strength and baseline["method"] == rival.method:
        return (
            "" if stated == rival.strength else "its baseline is tuned otherwise than its run did"
        )
    return ""


def _candidate(form: str) -> str:
    return form.partition("/")[0]
