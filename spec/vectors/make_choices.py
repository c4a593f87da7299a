"""Makes ``folds/choices.json``: what follows of a ``validation/2`` (spec §13.2.2, §13.6.7).

Worked out here from the text of the spec, in plain Python and not with the code under test.
"""

import base64
import json
import math
import struct
from collections.abc import Sequence
from typing import Any

from blake3 import blake3

from make_folds import _deal

TEMPERATURES = [0.05 * 400 ** (k / 120) for k in range(121)]
ORDER = ["tfidf", "embeddings", "blend", "lora", "full"]
FORMATS = {"tfidf": "tfidf/2", "embeddings": "embeddings/1", "blend": "blend/1",
           "lora": "peft-lora/1", "full": "encoder/1"}  # fmt: skip
Row = list[float]


class _Task:
    """How scores become answers: of one label, or of several."""

    def __init__(self, *, several: bool) -> None:
        self.several = several
        self.metric = "microF1" if several else "macroF1"

    def likely(self, logits: Row, temperature: float) -> Row:
        scaled = [one / temperature for one in logits]
        if self.several:
            return [1 / (1 + math.exp(-max(-60.0, min(60.0, one)))) for one in scaled]
        parts = [math.exp(one - max(scaled)) for one in scaled]
        return [one / sum(parts) for one in parts]

    def logits(self, likely: Row) -> Row:
        if not self.several:
            return [math.log(max(one, 1e-12)) for one in likely]
        inside = [max(1e-12, min(1 - 1e-12, one)) for one in likely]
        return [math.log(one) - math.log1p(-one) for one in inside]

    def loss_at(self, logits: Row, right: list[int], temperature: float) -> float:
        scaled = [one / temperature for one in logits]
        if not self.several:
            top = max(scaled)
            return top + math.log(sum(math.exp(s - top) for s in scaled)) - scaled[right[0]]
        signed = [-one if at in right else one for at, one in enumerate(scaled)]
        return sum(max(one, 0) + math.log1p(math.exp(-abs(one))) for one in signed)

    def loss_of(self, likely: Row, right: list[int]) -> list[float]:
        if not self.several:
            return [-math.log(max(likely[right[0]], 1e-12))]
        inside = [max(1e-12, min(1 - 1e-12, one)) for one in likely]
        return [-math.log(one if at in right else 1 - one) for at, one in enumerate(inside)]

    def is_right(self, logits: Row, right: list[int]) -> bool:
        if not self.several:
            return logits.index(max(logits)) == right[0]
        return [at for at, one in enumerate(logits) if one >= 0] == right

    def given(self, likely: Row, threshold: float, *, least: bool) -> list[int]:
        if not self.several:
            return [likely.index(max(likely))]
        found = [at for at, one in enumerate(likely) if one >= threshold]
        return found or ([likely.index(max(likely))] if least else [])

    def score(self, right: Sequence[list[int]], given: Sequence[list[int]], labels: int) -> float:
        return _micro(right, given) if self.several else _macro(right, given, labels)


def _macro(right: Sequence[list[int]], given: Sequence[list[int]], labels: int) -> float:
    found = []
    for label in range(labels):
        size = sum((label in a) + (label in b) for a, b in zip(right, given, strict=True))
        both = sum(label in a and label in b for a, b in zip(right, given, strict=True))
        found += [2 * both / size] if size else []
    return sum(found) / len(found) if found else 0.0


def _micro(right: Sequence[list[int]], given: Sequence[list[int]]) -> float:
    size = sum(len(a) + len(b) for a, b in zip(right, given, strict=True))
    both = sum(len(set(a) & set(b)) for a, b in zip(right, given, strict=True))
    return 2 * both / size if size else 0.0


def _temperature_of(task: _Task, logits: list[Row], right: list[list[int]], records: int) -> float:
    losses = [
        sum(task.loss_at(one, some, t) for one, some in zip(logits, right, strict=True))
        / len(right)
        for t in TEMPERATURES
    ]
    wrong = any(not task.is_right(one, some) for one, some in zip(logits, right, strict=True))
    places = range(0 if wrong and records >= 50 else 60, 121)
    least = min(losses[at] for at in places)
    fine = [at for at in places if losses[at] <= least + 1e-12]
    return round(TEMPERATURES[min(fine, key=lambda at: abs(at - 60))], 3)


def _abstain(sure: list[float], hit: list[bool]) -> float:
    if sum(hit) / len(hit) >= 0.9:
        return 0.0
    order = sorted(range(len(sure)), key=lambda at: -sure[at])
    fine = [n for n in range(len(order)) if sum(hit[at] for at in order[: n + 1]) / (n + 1) >= 0.9]
    last = max(math.ceil(0.7 * len(hit)) - 1, fine[-1] if fine else -1)
    return math.floor(sure[order[last]] * 1e6) / 1e6


class _Fit:
    """What rows decide of one model, or of the blend of two."""

    def __init__(
        self,
        task: _Task,
        parts: list[list[Row]],
        right: list[list[int]],
        records: int,
        labels: int,
    ) -> None:
        self.task, self.weight, self.each = task, "", [1.0, 1.0]
        joined = parts[0]
        if len(parts) == 2:
            self.each = [_temperature_of(task, one, right, records) for one in parts]
            weights = [f"0.{n}" for n in range(1, 10)]

            def loss(weight: str) -> float:
                self.weight = weight
                each = [
                    value
                    for at, some in enumerate(right)
                    for value in task.loss_of(self.mixed([one[at] for one in parts]), some)
                ]
                return sum(each) / len(each)

            losses = [loss(one) for one in weights]
            self.weight = weights[losses.index(min(losses))]
            joined = [
                task.logits(self.mixed([one[at] for one in parts])) for at in range(len(right))
            ]
        self.temperature = _temperature_of(task, joined, right, records)
        likely = [task.likely(one, self.temperature) for one in joined]
        self.least = all(right)
        self.threshold = 0.5
        if task.several:
            tried = []
            for n in range(5, 96):
                given = [task.given(one, n / 100, least=self.least) for one in likely]
                tried.append((_micro(right, given), _macro(right, given, labels)))
            self.threshold = (5 + tried.index(max(tried))) / 100
        given = [task.given(one, self.threshold, least=self.least) for one in likely]
        sure = [
            min(one[at] if at in some else 1 - one[at] for at in range(labels))
            if task.several
            else max(one)
            for one, some in zip(likely, given, strict=True)
        ]
        hit = [a == b for a, b in zip(given, right, strict=True)]
        self.below = _abstain(sure, hit)

    def mixed(self, parts: list[Row]) -> Row:
        p, q = (self.task.likely(one, t) for one, t in zip(parts, self.each, strict=False))
        w = float(self.weight)
        return [(1 - w) * a + w * b for a, b in zip(p, q, strict=True)]

    def answer(self, parts: list[Row]) -> list[int]:
        joined = self.task.logits(self.mixed(parts)) if self.weight else parts[0]
        likely = self.task.likely(joined, self.temperature)
        return self.task.given(likely, self.threshold, least=self.least)

    def decision(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "temperature": f"{self.temperature:.3f}",
            "abstainBelow": f"{self.below:.6f}",
        }
        if self.task.several:
            found |= {"threshold": f"{self.threshold:.6f}", "atLeastOne": self.least}
        return found


def _follows(case: dict[str, Any]) -> dict[str, Any]:
    """Return what follows of the lines of a case."""
    head, *lines = case["lines"]
    task, labels = _Task(several=head["task"] == "multi-label"), len(head["labels"])
    right = [one["expected"] for one in lines]
    groups = [one["group"] for one in lines] if "group" in lines[0] else None
    folds = [
        _deal(head["seed"], labels, right, groups, repeat) for repeat in range(head["repeats"])
    ]
    rows: dict[str, dict[tuple[int, int], Row]] = {}
    for number, one in enumerate(head["candidates"]):
        rows[one["candidate"]] = {
            (repeat, at): list(struct.unpack(f"<{labels}f", base64.b64decode(text)))
            for at, line in enumerate(lines)
            for repeat, text in enumerate(line["logits"][number])
        }
    names = [(one,) for one in rows]
    if "tfidf" in rows:
        names += [("tfidf", one) for one in rows if one != "tfidf"]
    tried = []
    for parts in names:
        keys = sorted(set.intersection(*(set(rows[one]) for one in parts)))

        def fit(some: list[tuple[int, int]], parts: tuple[str, ...] = parts) -> _Fit:
            held = [[rows[one][key] for key in some] for one in parts]
            records = len({at for _, at in some})
            return _Fit(task, held, [right[at] for _, at in some], records, labels)

        answers = {}
        for repeat, fold in sorted({(r, folds[r][at]) for r, at in keys}):
            others = [k for k in keys if k[0] == repeat and folds[repeat][k[1]] != fold]
            fitted = fit(others or keys)
            for key in keys:
                if key[0] == repeat and folds[repeat][key[1]] == fold:
                    answers[key] = fitted.answer([rows[one][key] for one in parts])
        answers = {key: answers[key] for key in keys}
        name = "blend" if len(parts) == 2 else parts[0]
        by = next(o["by"] for o in head["candidates"] if o["candidate"] == parts[-1])
        reached = task.score([right[at] for _, at in keys], list(answers.values()), labels)
        tried.append({"name": name, "parts": parts, "by": by, "answers": answers,
                      "score": reached, "fit": fit(keys)})  # fmt: skip
    tried = [one for one in tried if FORMATS[one["name"]] in case["allowed"]]

    def difference(one: dict[str, Any], other: dict[str, Any]) -> tuple[float, float]:
        keys = sorted(set(one["answers"]) & set(other["answers"]))
        group = {key: (key[1] if groups is None else groups[key[1]]) % 100 for key in keys}

        def value(some: list[tuple[int, int]]) -> float:
            each = [
                task.score(
                    [right[at] for _, at in some], [model["answers"][k] for k in some], labels
                )
                for model in (one, other)
            ]
            return each[0] - each[1]

        g = len(set(group.values()))
        if g < 2:
            return value(keys), math.inf
        each = [value([k for k in keys if group[k] != n]) for n in sorted(set(group.values()))]
        mean = sum(each) / g
        return value(keys), math.sqrt((g - 1) / g * sum((d - mean) ** 2 for d in each))

    cheap = [one for one in tried if one["parts"][-1] in ("tfidf", "embeddings")]
    dear = sorted(
        (one for one in tried if one not in cheap),
        key=lambda one: (ORDER.index(one["name"]), ORDER.index(one["parts"][-1])),
    )
    best = sorted(cheap, key=lambda one: (-one["score"], ORDER.index(one["name"])))[:1]
    taken, *others = [*best, *dear]
    for one in others:
        gap, moved = difference(one, taken)
        taken = one if gap > moved else taken
    found = []
    for one in tried:
        said: dict[str, Any] = {
            "format": FORMATS[one["name"]],
            "metrics": {task.metric: f"{one['score']:.4f}"},
            "taken": one is taken,
            "by": one["by"],
        }
        if one["name"] == "blend":
            said["other"] = one["parts"][1]
        if one is not taken:
            gap, moved = difference(one, taken)
            said["difference"] = {"value": f"{round(gap, 4) + 0.0:.4f}"}
            if moved < math.inf:
                said["difference"]["standardError"] = f"{moved:.4f}"
        found.append(said)
    before = "outOfFold" if taken["by"] == "folds" else "validation"
    own = [right[at] for _, at in taken["answers"]]
    given = list(taken["answers"].values())
    metrics = {
        f"{before}Accuracy": sum(a == b for a, b in zip(own, given, strict=True)) / len(own),
        f"{before}MacroF1": _macro(own, given, labels),
        **({f"{before}MicroF1": _micro(own, given)} if task.several else {}),
    }
    decision = taken["fit"].decision()
    if case["limit"]:
        decision |= {"abstainBelow": case["limit"], "limitFrom": "config"}
    return {
        "candidates": found,
        "decision": decision,
        "metrics": {name: f"{value:.4f}" for name, value in metrics.items()},
        "blend": [taken["fit"].weight, *(f"{one:.3f}" for one in taken["fit"].each)],
    }


def _lines(
    name: str,
    training: int,
    validation: int,
    candidates: dict[str, tuple[str, float]],
    *,
    several: bool = False,
    grouped: bool = False,
) -> list[dict[str, Any]]:
    """Return lines whose scores are noise, with what is right raised by so much."""
    drawn = blake3(name.encode()).digest(length=1 << 17)
    place = 0

    def chance() -> float:
        nonlocal place
        place += 2
        return int.from_bytes(drawn[place - 2 : place], "big") / 65536

    total = training + validation
    repeats = 3 if total < 300 else 1
    head = {
        "format": "validation/2",
        "task": "multi-label" if several else "text-classification",
        "labels": ["loan", "lease", "other"],
        "seed": 7,
        "repeats": repeats,
        "records": {"train": training, "validation": validation},
        "candidates": [{"candidate": one, "by": by} for one, (by, _) in candidates.items()],
    }
    lines = [head]
    for at in range(total):
        expected = [int(chance() * 3)]
        if several:
            expected = [label for label in range(3) if chance() < 0.5]
        logits = []
        for one, (by, strength) in candidates.items():
            count = repeats if one in ("tfidf", "embeddings") else 1
            count = count if by == "folds" else int(at >= training)
            scores = [
                [4 * chance() - 2 + strength * (n in expected) - several for n in range(3)]
                for _ in range(count)
            ]
            logits.append([base64.b64encode(struct.pack("<3f", *some)).decode() for some in scores])
        group = {"group": at // 3} if grouped else {}
        lines.append({"expected": expected, **group, "logits": logits})
    return lines


def make() -> dict[str, Any]:
    """Return file name → content of every vector file."""
    both = {"tfidf": ("folds", 1.0), "embeddings": ("folds", 1.2)}
    cheap = ["tfidf/2", "embeddings/1", "blend/1"]
    all_ = [*cheap, "peft-lora/1", "encoder/1"]
    cases = []
    for name, training, validation, candidates, allowed, how in (
        ("word-counts", 16, 8, {"tfidf": ("folds", 1.5)}, ["tfidf/2"], {}),
        ("cheap", 45, 15, both, cheap, {}),
        ("not-in-a-blend", 30, 10, both, ["tfidf/2", "embeddings/1"], {}),
        ("blend-alone", 30, 10, both, ["blend/1"], {}),
        ("dear-and-no-better", 40, 16, {**both, "lora": ("validation", 1.0)}, all_, {}),
        ("dear-and-better", 40, 16, {**both, "lora": ("validation", 9.0)}, all_, {}),
        ("dear-by-folds", 40, 16, {**both, "lora": ("folds", 3.0)}, all_, {}),
        ("dear-alone", 40, 16, {"lora": ("folds", 1.0), "full": ("validation", 2.0)}, all_, {}),
        ("several-labels", 45, 15, both, cheap, {"several": True}),
        ("several-and-dear", 36, 18, {**both, "full": ("validation", 4.0)}, all_,
         {"several": True}),
        ("groups", 45, 15, both, cheap, {"grouped": True}),
        ("all-right", 40, 20, {"tfidf": ("folds", 9.0)}, ["tfidf/2"], {}),
    ):  # fmt: skip
        lines = _lines(name, training, validation, candidates, **how)
        case = {"id": name, "allowed": allowed, "lines": lines,
                "limit": "0.600000" if name == "groups" else ""}  # fmt: skip
        cases.append({**case, "follows": _follows(case)})
    one = _lines("one-group", 20, 10, both)
    for line in one[1:]:
        line["group"] = 0
    case = {"id": "one-group", "allowed": cheap, "lines": one, "limit": ""}
    cases.append({**case, "follows": _follows(case)})
    for case in cases:  # a line each, as they are attached
        case["lines"] = [
            json.dumps(one, sort_keys=True, separators=(",", ":")) for one in case["lines"]
        ]
    return {"folds/choices.json": {"cases": cases}}
