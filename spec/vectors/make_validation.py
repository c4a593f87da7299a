"""Makes ``folds/validation.json``: what follows of a ``validation/1`` (spec §13.2.2, §13.6.6).

Worked out here from the text of the spec, in plain Python and not with the code under test. No case
is near a limit: a difference in the last bit changes no figure of four or six decimals.
"""

import base64
import json
import math
import struct
from typing import Any

from blake3 import blake3

from make_choices import ORDER, Row, _Fit, _macro, _micro, _Task

FORMATS = {"tfidf": "tfidf/1", "embeddings": "embeddings/1", "blend": "blend/1",
           "lora": "peft-lora/1", "full": "encoder/1"}  # fmt: skip


def follows(case: dict[str, Any]) -> dict[str, Any]:
    """Return what follows of the lines of a case."""
    head, *lines = case["lines"]
    task, labels = _Task(several=head["task"] == "multi-label"), len(head["labels"])
    right = [one["expected"] for one in lines]
    places = range(len(lines))
    rows: dict[str, list[Row]] = {
        name: [
            list(struct.unpack(f"<{labels}d", base64.b64decode(line["logits"][number])))
            for line in lines
        ]
        for number, name in enumerate(head["candidates"])
    }
    names: list[tuple[str, ...]] = [(one,) for one in rows]
    if "tfidf" in rows:
        names += [("tfidf", one) for one in rows if one != "tfidf"]
    tried: list[dict[str, Any]] = []
    for parts in names:

        def fit(some: list[int], parts: tuple[str, ...] = parts) -> _Fit:
            held = [[rows[one][at] for at in some] for one in parts]
            return _Fit(task, held, [right[at] for at in some], len(some), labels)

        whole = fit(list(places))
        by_fold = [fit([at for at in places if at % 5 != fold]) if len(lines) > 1 else whole
                   for fold in range(min(5, len(lines)))]  # fmt: skip
        answers = [by_fold[at % 5].answer([rows[one][at] for one in parts]) for at in places]
        tried.append({
            "name": "blend" if len(parts) == 2 else parts[0],
            "parts": parts,
            "answers": answers,
            "score": task.score(right, answers, labels),
            "fit": whole,
        })  # fmt: skip
    tried = [one for one in tried if FORMATS[one["name"]] in case["allowed"]]
    best = min(tried, key=lambda one: (-one["score"], ORDER.index(one["name"])))

    def moved(one: dict[str, Any]) -> float:
        g = min(100, len(lines))
        if g < 2:
            return math.inf
        each = []
        for group in range(g):
            some = [at for at in places if at % g != group]
            two = [
                task.score(
                    [right[at] for at in some], [model["answers"][at] for at in some], labels
                )
                for model in (best, one)
            ]
            each.append(two[0] - two[1])
        mean = sum(each) / g
        return math.sqrt((g - 1) / g * sum((d - mean) ** 2 for d in each))

    fine = [
        one for one in tried if one is best or best["score"] - one["score"] <= 1.96 * moved(one)
    ]
    taken = min(fine, key=lambda one: (ORDER.index(one["name"]), -one["score"]))
    metrics = {}
    if taken["name"] != "blend":
        own = [taken["fit"].answer([row]) for row in rows[taken["name"]]]
        hit = [a == b for a, b in zip(right, own, strict=True)]
        metrics = {
            "validationAccuracy": sum(hit) / len(hit),
            "validationMacroF1": _macro(right, own, labels),
            **({"validationMicroF1": _micro(right, own)} if task.several else {}),
        }
    metrics[f"validation{task.metric[0].upper()}{task.metric[1:]}"] = taken["score"]
    decision = taken["fit"].decision()
    if case["limit"]:
        decision |= {"abstainBelow": case["limit"], "limitFrom": "config"}
    return {
        "candidates": [
            {
                "format": FORMATS[one["name"]],
                "metrics": {task.metric: f"{one['score']:.4f}"},
                "taken": one is taken,
            }
            for one in tried
        ],
        "decision": decision,
        "metrics": {name: f"{value:.4f}" for name, value in metrics.items()},
        "blend": [taken["fit"].weight, *(f"{one:.3f}" for one in taken["fit"].each)],
    }


def lines_of(
    name: str, count: int, candidates: dict[str, float], *, several: bool = False
) -> list[dict[str, Any]]:
    """Return lines whose scores are noise, with what is right raised by so much."""
    drawn = iter(blake3(f"validation {name}".encode()).digest(length=1 << 15))
    head = {
        "format": "validation/1",
        "task": "multi-label" if several else "text-classification",
        "labels": ["loan", "lease", "other"],
        "candidates": list(candidates),
    }
    lines: list[dict[str, Any]] = [head]
    for _ in range(count):
        expected = [next(drawn) % 3]
        if several:
            expected = [label for label in range(3) if next(drawn) % 2] or [2]
        logits = [
            [
                next(drawn) / 64 - 2 + next(drawn) / 16384 + strength * (n in expected) - several
                for n in range(3)
            ]
            for strength in candidates.values()
        ]
        lines.append({
            "expected": expected,
            "logits": [base64.b64encode(struct.pack("<3d", *one)).decode() for one in logits],
        })  # fmt: skip
    return lines


def make() -> dict[str, Any]:
    """Return file name → content of every vector file."""
    cheap = ["tfidf/1", "embeddings/1", "blend/1"]
    all_ = [*cheap, "peft-lora/1", "encoder/1"]
    cases: list[dict[str, Any]] = []
    choices_made: list[tuple[str, int, dict[str, float], list[str], dict[str, bool]]] = [
        ("one-candidate", 30, {"tfidf": 1.5}, ["tfidf/1"], {}),
        ("fifty-records", 50, {"tfidf": 1.5}, ["tfidf/1"], {}),
        ("cheaper-as-good", 40, {"tfidf": 1.0, "embeddings": 1.1}, cheap, {}),
        ("dear-and-better", 60, {"tfidf": 0.5, "lora": 4.0}, all_, {}),
        ("two-dear-and-their-blends", 40, {"tfidf": 2.0, "lora": 2.0, "full": 2.0}, all_, {}),
        ("blend-alone", 40, {"tfidf": 1.0, "embeddings": 1.2}, ["blend/1"], {}),
        ("two-blends", 40, {"tfidf": 1.0, "embeddings": 1.2, "lora": 1.2}, ["blend/1"], {}),
        ("not-in-a-blend", 40, {"tfidf": 0.2, "embeddings": 2.5}, cheap[:2], {}),
        ("without-word-counts", 40, {"lora": 1.0, "full": 1.5}, all_, {}),
        ("several-labels", 50, {"tfidf": 1.0, "embeddings": 1.5}, cheap, {"several": True}),
        ("all-right", 60, {"tfidf": 9.0}, ["tfidf/1"], {}),
        ("one-record", 1, {"tfidf": 1.0, "lora": 1.0}, all_, {}),
        ("limit-of-the-config", 30, {"tfidf": 1.5}, ["tfidf/1"], {}),
    ]  # fmt: skip
    for name, count, candidates, allowed, how in choices_made:
        lines = lines_of(name, count, candidates, **how)
        case = {"id": name, "allowed": allowed, "lines": lines,
                "limit": "0.600000" if name == "limit-of-the-config" else ""}  # fmt: skip
        cases.append({**case, "follows": follows(case)})
    for case in cases:  # a line each, as they are attached
        case["lines"] = [
            json.dumps(one, sort_keys=True, separators=(",", ":")) for one in case["lines"]
        ]
    return {"folds/validation.json": {"cases": cases}}
