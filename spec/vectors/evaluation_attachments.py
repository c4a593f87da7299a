"""Predictions of some records, from which the vectors of evaluations are made (spec §13.9.1)."""

import json
from typing import Any

from blake3 import blake3

from evaluation_figures import Row


def record_id(name: str) -> str:
    """Return the id of a record that is called so."""
    return blake3(name.encode()).hexdigest()


def text_of(head: Row, lines: list[Row]) -> str:
    """Return an attachment; the hand-written rows hold nothing that JSON spells in two ways."""
    return "".join(
        json.dumps(one, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
        for one in (head, *lines)
    )


def head_of(task: str, labels: list[str], *answerers: Row, slices: Any = ()) -> Row:
    """Return a head."""
    return {"format": "predictions/1", "task": task, "labels": labels,
            "answerers": list(answerers), "slices": [list(one) for one in slices]}  # fmt: skip


def by_place(head: Row, lines: list[Row]) -> tuple[Row, list[Row]]:
    """Return head and lines of ``predictions/2``, whose lines are about the records in order."""
    bare = [{name: value for name, value in line.items() if name != "record"} for line in lines]
    return {**head, "format": "predictions/2"}, bare


def line_of(number: int, expected: list[int], *scores: list[int], **more: Any) -> Row:
    """Return a line; scores in hundredths."""
    rows = [[score * 10_000 for score in one] for one in scores]
    return {"record": record_id(f"record {number}"), "expected": expected, "scores": rows, **more}


def few() -> tuple[Row, list[Row], Row]:
    """Return too few records for intervals, with costs and thresholds."""
    head = head_of("text-classification", ["lease", "loan", "sale"],
                   {"name": "model", "abstainBelow": 550_000}, {"name": "tfidf"})  # fmt: skip
    lines = [
        line_of(0, [0], [90, 5, 5], [60, 20, 20]),
        line_of(1, [1], [10, 80, 10], [50, 40, 10]),
        line_of(2, [1], [40, 40, 20], [10, 80, 10]),  # of equal scores the first
        line_of(3, [0], [20, 70, 10], [70, 20, 10]),
        line_of(4, [1], [0, 100, 0], [0, 100, 0]),
        line_of(5, [2], [0, 100, 0], [100, 0, 0]),  # only the test set has this label
    ]
    costs = {"unit": "hours", "otherwise": "1",
             "mistakes": [{"expected": "lease", "cost": "50"},
                          {"expected": "sale", "predicted": "loan", "cost": "0.125"}]}  # fmt: skip
    thresholds = [
        {"metric": "accuracy", "atLeast": "0.5"},
        {"metric": "macroF1", "atLeast": "0.5"},
        {"metric": "recall", "label": "loan", "atLeast": "0.66"},
        {"metric": "ece", "atMost": "0.2"},
        {"metric": "costPer1000", "atMost": "8520.8333"},
    ]
    return head, lines, {"seed": 1, "costs": costs, "thresholds": thresholds, "majority": "loan"}


def many(ours: int, theirs: int, **how: Any) -> tuple[Row, list[Row], Row]:
    """Forty records; of ten in a row the model has ``ours`` right and the baseline ``theirs``."""
    answerers = ({"name": name} for name in ("model", "tfidf", "nearest"))
    slices = [("court", "north"), ("@length", "short")]
    head = head_of("text-classification", ["a", "b"], *answerers, slices=slices)
    lines = []
    for number in range(40):
        expected, place = number % 2, (number * 7) % 10
        sure = 55 + number
        ordered = [[sure, 100 - sure], [100 - sure, sure]]
        wrong = (place >= ours, (place + 5) % 10 >= theirs, place >= ours)
        scores = [ordered[expected ^ one] for one in wrong]
        more: Row = {}
        if how.get("groups"):
            more["group"] = number // 3
        if number < 32:
            more["slices"] = [0, 1] if number % 4 == 0 else [0]
        if number % 8 == 7:
            more["near"] = True
        lines.append(line_of(number, [expected], *scores, **more))
    settings: Row = {"seed": how.get("seed", 1), "near": "near-duplicates/1"}
    if how.get("groups"):
        settings["fieldOfGroups"] = "patient"
    return head, lines, settings


def several() -> tuple[Row, list[Row], Row]:
    """Return records with several labels."""
    head = head_of(
        "multi-label", ["ads", "law", "tracking"],
        {"name": "model", "threshold": 400_000, "atLeastOne": True, "abstainBelow": 450_000},
        {"name": "tfidf", "threshold": 500_000, "atLeastOne": False},
        slices=[("language", "de")])  # fmt: skip
    lines = [
        line_of(0, [0], [90, 10, 20], [80, 10, 10]),
        line_of(1, [0, 2], [70, 10, 40], [60, 10, 40]),
        line_of(2, [], [10, 30, 20], [10, 30, 20]),  # given all the same: at least one
        line_of(3, [1], [30, 39, 39], [30, 20, 10]),
        line_of(4, [1, 2], [0, 45, 99], [0, 95, 99], slices=[0], near=True),
        line_of(5, [0, 1, 2], [100, 100, 100], [100, 0, 0], slices=[0]),
        line_of(6, [2], [50, 0, 50], [0, 0, 50]),
    ]
    costs = {"unit": "euros", "otherwise": "2", "mistakes": [{"expected": "law", "cost": "50"}]}
    thresholds = [{"metric": "microF1", "atLeast": "0.8"}, {"metric": "brier", "atMost": "0.1"}]
    return head, lines, {"seed": 7, "costs": costs, "thresholds": thresholds, "near": "by hand",
                         "majority": "ads"}  # fmt: skip


def alone() -> tuple[Row, list[Row], Row]:
    """Return one record, a near duplicate, which a model answers without a baseline."""
    head = head_of("text-classification", ["ü"], {"name": "model"})
    return head, [line_of(0, [0], [100], near=True)], {"seed": 2**53 - 1, "near": "by hand"}


def ties() -> tuple[Row, list[Row], Row]:
    """Return 24 records that the model has wrong, every second as sure as can be."""
    head = head_of("text-classification", ["a", "b"], {"name": "model"})
    lines = [line_of(at, [0], [0, 100 if at % 2 else 60]) for at in range(24)]
    return head, lines, {"seed": 1}
