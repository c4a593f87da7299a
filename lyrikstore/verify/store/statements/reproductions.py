"""Checks that the verdict of a reproduction follows from its comparisons (spec §13.14)."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.verify.evaluation.choice.candidates import deciding_metrics
from lyrikstore.verify.evaluation.choice.unlike import UNLIKE
from lyrikstore.verify.evaluation.tasks import find_rules
from lyrikstore.verify.store.statements.segments import SegmentList, draw_segments, miss_chance

MATCH = "match"
WITHIN = "within-tolerance"
MISMATCH = "mismatch"
INCONCLUSIVE = "inconclusive"

WORDS: Mapping[str, str] = {
    MATCH: "MATCH",
    WITHIN: "WITHIN TOLERANCE",
    MISMATCH: "MISMATCH",
    INCONCLUSIVE: "INCONCLUSIVE",
}
"""Verdict → its name for people."""

WHOLE_RUN, SEGMENTS = "whole-run/1", "segments/1"

OTHER_ENVIRONMENT, OTHER_CODE = "other-environment", "other-code"
INPUT_MISSING, NOT_KEPT = "input-missing", "not-kept"

_BLEND = "blend/1"

_DIFFERENCES = frozenset({"files", "differs", "metrics"})
_FOLLOWING = frozenset({"decision", "chosen", "history", UNLIKE})
"""Members that follow from weights, and may differ if weights do."""


def is_repeatable(run: Mapping[str, Any]) -> bool:
    """Return whether a run records enough to be repeated, and was made by this engine.

    Args:
        run: Its body.
    """
    rules = find_rules(run.get("task"))
    if rules is None or "candidates" not in run or "execution" in run:
        return False
    order = run["order"]["function"], run["order"].get("packing")
    # ATTACK: tolerances for a metric that no checkpoint has, which every model is within.
    if rules.names_tolerances or "tolerances" in run:
        limits = run.get("tolerances", {}).get("differences", {})
        if limits.keys() != set(deciding_metrics(rules.metric, by_folds="folds" in run)):
            return False
    return order == rules.order


def reasons_of(run: Mapping[str, Any], body: Mapping[str, Any]) -> list[str]:
    """Return why a difference would prove nothing: environment or code differ from the run's.

    Args:
        run: Body of the run.
        body: ``environment`` and ``code`` of the reproduction.
    """
    found = []
    if environment_differences(run["environment"], body["environment"]):
        found.append(OTHER_ENVIRONMENT)
    if run["code"] != body["code"]:
        found.append(OTHER_CODE)
    return found


def environment_differences(
    then: Mapping[str, Any], now: Mapping[str, Any]
) -> list[tuple[str, str, str]]:
    """Return the differences that can change a number: name, value of the run, value now.

    Args:
        then: ``environment`` of the run.
        now: That of the reproduction.
    """
    return [
        (name, one, other)
        for name in sorted(_parts(then).keys() | _parts(now).keys())
        if (one := _parts(then).get(name, "")) != (other := _parts(now).get(name, ""))
    ]


def _parts(environment: Mapping[str, Any]) -> dict[str, str]:
    # The kernel before the processor does not compute.
    found = {"processor": str(environment["platform"]).rpartition("; ")[2]}
    found |= {f"package {name}": str(one) for name, one in environment.get("packages", {}).items()}
    rest = environment.keys() - {"packages", "platform"}
    return found | {name: str(environment[name]) for name in rest}


def verdict_of(body: Mapping[str, Any], tolerances: Mapping[str, Any] | None) -> str:
    """Return the verdict that follows from the comparisons.

    Args:
        body: Of a reproduction, its verdict aside.
        tolerances: Those of its run; None: it fixed none, so nothing but equal bytes is enough.
    """
    compared = body.get("compared", ())
    if body["method"] == SEGMENTS:
        return _verdict_of_segments(body)
    if compared and all("tree" in one and not _DIFFERENCES & one.keys() for one in compared):
        return MATCH
    if compared and tolerances and all(_is_within(one, tolerances) for one in compared):
        return WITHIN
    if body.get("reasons") or not compared:
        return INCONCLUSIVE
    return MISMATCH


def _verdict_of_segments(body: Mapping[str, Any]) -> str:
    listed, compared = body["segments"], body.get("compared", ())
    states = [*listed.get("replayed", ()), *([listed["start"]] if "start" in listed else ())]
    differs = any(one["expected"] != one["found"] for one in states)
    differs = differs or any(_DIFFERENCES & one.keys() for one in compared)
    replayed = [one["number"] for one in listed.get("replayed", ())]
    # ATTACK: states that come again, and a model that nobody held against any of them.
    held = bool(compared) and all("tree" in one for one in compared)
    if not differs and held and "start" in listed and replayed == listed["drawn"]:
        return MATCH
    # ATTACK: one that differs, and others that were conveniently not kept.
    excused = {OTHER_ENVIRONMENT, OTHER_CODE} & set(body.get("reasons", ()))
    return MISMATCH if differs and not excused else INCONCLUSIVE


def _is_within(one: Mapping[str, Any], tolerances: Mapping[str, Any]) -> bool:
    if "tree" in one and not _DIFFERENCES & one.keys():
        return True
    # ATTACK: the very weights, and figures that are not theirs.
    if "files" not in one or "weights" not in one or set(one.get("differs", ())) - _FOLLOWING:
        return False
    # A metric that is not there is one that both have, and that is equal: `find_fault`.
    weights, metrics = one["weights"], one.get("metrics", {})
    limits = [
        (weights["absolute"], tolerances.get("weightsAbsolute")),
        (weights["relative"], tolerances.get("weightsRelative")),
        *(
            (metrics.get(name, "0"), most)
            for name, most in tolerances.get("differences", {}).items()
        ),
    ]
    return all(most is not None and Decimal(found) <= Decimal(most) for found, most in limits)


def find_fault(
    reproduction: Manifest,
    run: Manifest,
    checkpoints: Collection[Manifest],
    signed: SegmentList | None = None,
) -> str:
    """Return why the statements of a reproduction are impossible, or an empty text.

    Args:
        reproduction: The manifest.
        run: Its run.
        checkpoints: Its checkpoints.
        signed: What the checkpoint of a replay lists of its segments.
    """
    body = reproduction.body
    # ATTACK A58: called equal, what some other program did.
    if not is_repeatable(run.body):
        return "its run cannot be done again"
    listed = body.get("reasons", [])
    follows = reasons_of(run.body, body)
    # ATTACK A57: a difference that is explained by another machine, which there was not.
    if any((name in listed) != (name in follows) for name in (OTHER_ENVIRONMENT, OTHER_CODE)):
        return "its reasons are not those that follow from its environment and code"
    if body["verdict"] != verdict_of(body, run.body.get("tolerances")):
        return "its verdict does not follow from what it compared"
    known = {one.id: one for one in checkpoints}
    if body["method"] == SEGMENTS and (fault := fault_of_segments(body, signed)):
        return fault
    limits = run.body.get("tolerances", {}).get("differences", {})
    # ATTACK: a model whose author kept quiet about the metric that would be too far off.
    if body["verdict"] == WITHIN and not all(
        limits.keys() & one.body.get("metrics", {}).keys() for one in known.values()
    ):
        return "a checkpoint lacks a metric that it is said to be within tolerance of"
    if any(run.id not in {item.id for item in one.inputs_in("run")} for one in known.values()):
        return "it names a checkpoint of another run"
    if "compared" in body:
        compared = [one["checkpoint"] for one in body["compared"]]
        if sorted(compared) != sorted(map(str, known)):
            return "what it compared are not its checkpoints"
        trees = {str(one.id): str(one.tree) for one in known.values()}
        # ATTACK: called equal, with another tree.
        if any(
            ("files" in one) == (one.get("tree") == trees[one["checkpoint"]])
            for one in body["compared"]
            if "tree" in one
        ):
            return "the trees that it compared are not as it says"
        # ATTACK A63: a blend called equal, of which only one model was done again.
        if body["method"] == SEGMENTS and any(
            known[Digest.parse(one["checkpoint"])].body["format"] == _BLEND
            for one in body["compared"]
            if "tree" in one and "notRedone" not in one
        ):
            return "it does not say what of a blend it did not do again"
        # ATTACK: an epoch that nobody uses comes again, and the model does not.
        if not any(one.body.get("final") for one in known.values()):
            return "it compared no final checkpoint"
    return ""


def fault_of_segments(body: Mapping[str, Any], signed: SegmentList | None) -> str:
    """Return why a replay cannot be of its stated segments, or an empty text.

    Args:
        body: Of the reproduction.
        signed: What its checkpoint lists of its segments.
    """
    listed = body["segments"]
    if signed is None:
        return "no checkpoint of it signed segments"
    head, nonce = listed["head"], bytes.fromhex(listed["nonce"])
    drawn = draw_segments(
        signed.count,
        len(listed["drawn"]),
        nonce=nonce,
        size=head["size"],
        root=bytes.fromhex(head["root"]),
    )
    # ATTACK A60: segments that somebody chose, called drawn.
    if listed["count"] != signed.count or listed["drawn"] != drawn:
        return "its segments are not those that its nonce draws"
    if listed["missChance"] != miss_chance(signed.count, len(drawn)):
        return "its chance to miss a segment does not follow"
    states = [one.state for one in signed.states]
    for one in listed.get("replayed", ()):
        # A point that is not its signed state is held against where the segment begins.
        number = one["number"]
        if number not in drawn or one["expected"] not in states[number : number + 2]:
            return "it replayed other segments than were signed"
        if one["expected"] == one["found"] and one["expected"] != states[number + 1]:
            return "it replayed other segments than were signed"
    if "start" in listed and listed["start"]["expected"] != states[0]:
        return "its start is not that which was signed"
    return ""
