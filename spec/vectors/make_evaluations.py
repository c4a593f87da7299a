"""Makes ``evaluations/``: answers, draws, figures and refused attachments (spec §13.9).

The figures are computed here from the text of the spec, in whole numbers and record by record, not
with the code under test.
"""

import json
import math
from collections import Counter
from fractions import Fraction
from typing import Any

from blake3 import blake3

CONTEXT = "lyrikstore 2026-11 resampling"
BILLION, WHOLE = 10**9, 10**6
FLOORS = {0, 500_000, 600_000, 700_000, 800_000, 900_000, 950_000}
Row = dict[str, Any]


def record_id(name: str) -> str:
    """Return the id of a record that is called so."""
    return blake3(name.encode()).hexdigest()


def ratio(part: int, whole: int) -> int:
    """Return a ratio in billionths."""
    return part * BILLION // whole if whole else 0


def written(billionths: int) -> str:
    """Return a figure as text."""
    units = round(Fraction(billionths, 100_000))  # half to even
    return f"{'-' if units < 0 else ''}{abs(units) // 10_000}.{abs(units) % 10_000:04d}"


def answer(how: Row, scores: list[int]) -> tuple[list[int], int]:
    """Return the labels that scores give, and the confidence of the record."""
    best = scores.index(max(scores))
    if "threshold" not in how:
        return [best], scores[best]
    given = [at for at, score in enumerate(scores) if score >= how["threshold"]]
    if not given and how["atLeastOne"]:
        given = [best]
    sure = [score if at in given else WHOLE - score for at, score in enumerate(scores)]
    return given, min(sure)


def draw(seed: int, resample: int, count: int) -> list[int]:
    """Return the places that a resample draws."""
    message = seed.to_bytes(8, "big") + resample.to_bytes(4, "big")
    output = blake3(message, derive_key_context=CONTEXT).digest(8 * count)
    return [int.from_bytes(output[8 * at : 8 * at + 8], "little") % count for at in range(count)]


Answered = list[tuple[set[int], set[int]]]
"""Record by record: labels that are right, labels that were given."""


def figures(answered: Answered, labels: int) -> dict[str, int]:
    """Return the metrics of some records, in billionths."""
    hits, expected, given = [0] * labels, [0] * labels, [0] * labels
    right = 0
    for wanted, said in answered:
        right += wanted == said
        for label in wanted:
            expected[label] += 1
        for label in said:
            given[label] += 1
            hits[label] += label in wanted
    there = [at for at in range(labels) if expected[at] + given[at]]
    each = [ratio(2 * hits[at], expected[at] + given[at]) for at in there]
    accuracy = ratio(right, len(answered))
    return {
        "accuracy": accuracy,
        "subsetAccuracy": accuracy,
        "macroF1": sum(each) // max(1, len(each)),
        "microF1": ratio(2 * sum(hits), sum(expected) + sum(given)),
    }


class Sample:
    """Some records, their resamples, and the metrics of all answerers over them."""

    def __init__(
        self, answered: list[Answered], groups: list[int] | None, labels: int, seed: int
    ) -> None:
        records = len(answered[0])
        self.values = [figures(one, labels) for one in answered]
        self.resampled: list[list[dict[str, int]]] = []
        named = sorted(set(groups)) if groups else []
        if records < 30 or (groups and len(named) < 10):
            return
        for number in range(1000):
            drawn = draw(seed, number, len(named) or records)
            if groups:
                inside: dict[int, list[int]] = {}
                for at, group in enumerate(groups):
                    inside.setdefault(group, []).append(at)
                drawn = [at for place in drawn for at in inside[named[place]]]
            self.resampled.append([figures([one[at] for at in drawn], labels) for one in answered])

    def interval(self, metric: str, one: int, less: int | None = None) -> dict[str, str]:
        """Return a figure, or a difference of two, with its interval."""

        def value(of: list[dict[str, int]]) -> int:
            return of[one][metric] - (0 if less is None else of[less][metric])

        found = {"value": written(value(self.values))}
        if self.resampled:
            v = sorted(map(value, self.resampled))
            found["low"] = written((25 * v[24] + 975 * v[25]) // 1000)
            found["high"] = written((975 * v[974] + 25 * v[975]) // 1000)
        return found


def body_of(head: Row, lines: list[Row], settings: Row) -> Row:
    """Return the members of the evaluation that follow."""
    labels, several = len(head["labels"]), head["task"] == "multi-label"
    said = [[answer(how, line["scores"][at]) for line in lines]
            for at, how in enumerate(head["answerers"])]  # fmt: skip
    names = [how["name"] for how in head["answerers"]]
    answered: list[Answered] = [
        [(set(line["expected"]), set(given)) for line, (given, _) in zip(lines, one, strict=True)]
        for one in said
    ]
    if "majority" in settings:
        common = head["labels"].index(settings["majority"])
        answered.append([(set(line["expected"]), {common}) for line in lines])
        names.append("majority")
    metrics = ["microF1", "macroF1", "subsetAccuracy"] if several else ["macroF1", "accuracy"]

    def sample(of: list[Answered], keep: list[int]) -> Sample:
        groups = [lines[at]["group"] for at in keep] if "group" in lines[0] else None
        return Sample([[one[at] for at in keep] for one in of], groups, labels, settings["seed"])

    def model_over(keep: list[int]) -> Row:
        some = sample(answered[:1], keep)
        return {metric: some.interval(metric, 0) for metric in metrics}

    whole = sample(answered, list(range(len(lines))))
    systems: list[Row] = []
    for at in range(len(answered)):
        system: Row = {}
        for metric in metrics:
            place = (
                system if metric in {"accuracy", "macroF1"} else system.setdefault("measures", {})
            )
            place[metric] = whole.interval(metric, at)
        if "costs" in settings:
            system["costPer1000"] = cost(head, answered[at], settings["costs"])
        if at < min(2, len(said)):
            system["perClass"] = per_class(head, answered[at])
        systems.append(system)
    systems[0]["calibration"] = calibration(lines, said[0])
    systems[0]["coverage"] = coverage(head["answerers"][0], answered[0], said[0])
    body: Row = {
        "count": len(lines),
        "task": head["task"],
        "predictions": {"format": "predictions/1", "count": len(lines)},
        "model": systems[0],
        "confidence": {"method": "bootstrap", "level": "0.95", "resamples": 1000,
                       "seed": settings["seed"]},
        "worst": worst(head, lines, answered[0], said[0]),
    }  # fmt: skip
    if "group" in lines[0]:
        count = len({line["group"] for line in lines})
        body["confidence"]["groups"] = {"field": settings["fieldOfGroups"], "count": count}
    if "majority" in settings:
        body["majority"] = {"label": settings["majority"], **systems.pop()}
    others = [{"method": name, **one} for name, one in zip(names[1:], systems[1:], strict=False)]
    if others:
        body["baseline"] = others[0]
    if others[1:]:
        body["baselines"] = others[1:]
    compared = []
    for at in range(1, len(answered)):
        for metric in metrics[:2]:
            difference = whole.interval(metric, 0, at)
            low, high = (Fraction(difference.get(end, "0")) for end in ("low", "high"))
            shown = "better" if low > 0 else "worse" if high < 0 else "no-difference-shown"
            compared.append({"baseline": names[at], "metric": metric, "difference": difference,
                             "verdict": shown})  # fmt: skip
    if compared:
        body["comparisons"] = compared
    for number, (field, value) in enumerate(head["slices"]):
        keep = [at for at, line in enumerate(lines) if number in line.get("slices", ())]
        found = {"field": field, "value": value, "count": len(keep), "measures": model_over(keep)}
        body.setdefault("slices", []).append(found)
    if "near" in settings:
        apart = [at for at, line in enumerate(lines) if not line.get("near")]
        near: Row = {"count": len(lines) - len(apart), "method": settings["near"]}
        if apart:
            near["without"] = model_over(apart)
        body["overlap"] = {"near": near}
    if "costs" in settings:
        body["costs"] = settings["costs"]
    for one in settings.get("thresholds", ()):
        model = systems[0]
        places = (model["perClass"][one["label"]],) if "label" in one else (
            model, model.get("measures", {}), model["calibration"])  # fmt: skip
        value = next(place[one["metric"]] for place in places if one["metric"] in place)
        value = value["value"] if isinstance(value, dict) else value
        met = (Fraction(value) >= Fraction(one["atLeast"]) if "atLeast" in one
               else Fraction(value) <= Fraction(one["atMost"]))  # fmt: skip
        body.setdefault("thresholds", []).append({**one, "value": value, "met": met})
    return body


def per_class(head: Row, answered: Answered) -> Row:
    """Return label → its figures."""
    found = {}
    for at, name in enumerate(head["labels"]):
        hits = sum(at in wanted and at in given for wanted, given in answered)
        expected = sum(at in wanted for wanted, _ in answered)
        said = sum(at in given for _, given in answered)
        found[name] = {
            "precision": written(ratio(hits, said)),
            "recall": written(ratio(hits, expected)),
            "f1": written(ratio(2 * hits, expected + said)),
            "support": expected,
        }
    return found


def calibration(lines: list[Row], said: list[tuple[list[int], int]]) -> Row:
    """Return bins, ECE and Brier score of the model."""
    bins: list[list[tuple[int, bool]]] = [[] for _ in range(15)]
    squares = 0
    for line, (given, _) in zip(lines, said, strict=True):
        scores = line["scores"][0]
        for label in given:
            bins[min(14, 15 * scores[label] // WHOLE)].append(
                (scores[label], label in line["expected"])
            )
        squares += sum((score - WHOLE * (at in line["expected"])) ** 2
                       for at, score in enumerate(scores))  # fmt: skip
    sums = [(sum(s for s, _ in one), sum(r for _, r in one), len(one)) for one in bins]
    return {
        "ece": written(ratio(sum(abs(s - WHOLE * r) for s, r, _ in sums),
                             WHOLE * sum(n for _, _, n in sums))),
        "brier": written(ratio(squares, WHOLE * WHOLE * len(lines))),
        "bins": [{"count": n, "confidence": written(ratio(s, WHOLE * n)),
                  "accuracy": written(ratio(r, n))} for s, r, n in sums],
    }  # fmt: skip


def coverage(how: Row, answered: Answered, said: list[tuple[list[int], int]]) -> list[Row]:
    """Return the table of coverage of the model."""
    found = []
    for floor in sorted(FLOORS | ({how["abstainBelow"]} if "abstainBelow" in how else set())):
        kept = [wanted == given for (wanted, given), (_, sure) in zip(answered, said, strict=True)
                if sure >= floor]  # fmt: skip
        if kept:
            found.append({"abstainBelow": f"{floor // WHOLE}.{floor % WHOLE:06d}",
                          "share": written(ratio(len(kept), len(said))),
                          "accuracy": written(ratio(sum(kept), len(kept)))})  # fmt: skip
    return found


def cost(head: Row, answered: Answered, costs: Row) -> str:
    """Return what 1,000 records cost."""
    named = {(one["expected"], one.get("predicted")): Fraction(one["cost"])
             for one in costs.get("mistakes", ())}  # fmt: skip
    otherwise, total = Fraction(costs["otherwise"]), Fraction(0)
    names = head["labels"]
    for wanted, given in answered:
        if head["task"] == "multi-label":
            total += sum(named.get((names[at], None), otherwise) for at in wanted - given)
            total += otherwise * len(given - wanted)
        elif wanted != given:
            (right,), (wrong,) = wanted, given
            fallback = named.get((names[right], None), otherwise)
            total += named.get((names[right], names[wrong]), fallback)
    return written(total * 1000 * BILLION // len(answered))


def worst(
    head: Row, lines: list[Row], answered: Answered, said: list[tuple[list[int], int]]
) -> list[Row]:
    """Return the surest failures of the model."""

    def text(labels: set[int]) -> str:
        names = [head["labels"][at] for at in sorted(labels)]
        several = head["task"] == "multi-label"
        return json.dumps(names, separators=(",", ":"), ensure_ascii=False) if several else names[0]

    failures = [
        (-sure, line["record"], text(wanted), text(given))
        for line, (wanted, given), (_, sure) in zip(lines, answered, said, strict=True)
        if wanted != given
    ]
    return [
        {"record": record, "expected": wanted, "predicted": given,
         "probability": written(-sure * 1000)}
        for sure, record, wanted, given in sorted(failures)[:20]
    ]  # fmt: skip


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


def line_of(number: int, expected: list[int], *scores: list[int], **more: Any) -> Row:
    """Return a line; scores in hundredths."""
    rows = [[score * 10_000 for score in one] for one in scores]
    return {"record": record_id(f"record {number}"), "expected": expected, "scores": rows, **more}


def _few() -> tuple[Row, list[Row], Row]:
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


def _many(ours: int, theirs: int, **how: Any) -> tuple[Row, list[Row], Row]:
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


def _several() -> tuple[Row, list[Row], Row]:
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


def _alone() -> tuple[Row, list[Row], Row]:
    head = head_of("text-classification", ["ü"], {"name": "model"})
    return head, [line_of(0, [0], [100], near=True)], {"seed": 2**53 - 1, "near": "by hand"}


def _bodies() -> list[Row]:
    cases = []
    for name, (head, lines, settings) in {
        "few-records-no-interval": _few(),
        "better": _many(9, 4),
        "worse": _many(3, 9),
        "no-difference-shown": _many(8, 7),
        "other-seed": _many(8, 7, seed=2),
        "groups": _many(9, 4, groups=True),
        "several-labels": _several(),
        "model-alone-one-record": _alone(),
    }.items():
        cases.append({"id": name, "predictions": text_of(head, lines), **settings,
                      "body": body_of(head, lines, settings)})  # fmt: skip
    return cases


def _answers() -> list[Row]:
    cases = []
    for name, how, scores in (
        ("greatest", {}, [200_000, 500_000, 300_000]),
        ("first-of-equal", {}, [100_000, 450_000, 450_000]),
        ("all-zero", {}, [0, 0]),
        ("from-the-threshold", {"threshold": 400_000, "atLeastOne": False}, [399_999, 400_000]),
        ("none", {"threshold": 500_000, "atLeastOne": False}, [499_999, 100_000]),
        ("at-least-one", {"threshold": 500_000, "atLeastOne": True}, [100_000, 499_999, 499_999]),
        ("all", {"threshold": 0, "atLeastOne": True}, [0, 1_000_000]),
        ("least-sure-is-left-out", {"threshold": 900_000, "atLeastOne": False}, [950_000, 800_000]),
    ):
        given, sure = answer(how, scores)
        cases.append({"id": name, "answerer": {"name": "model", **how}, "scores": scores,
                      "given": given, "confidence": sure})  # fmt: skip
    return cases


def _draws() -> list[Row]:
    cases = []
    for name, seed, resample, count, groups in (
        ("five", 1, 0, 5, None),
        ("next-resample", 1, 1, 5, None),
        ("other-seed", 2, 0, 5, None),
        ("last-resample-largest-seed", 2**64 - 1, 999, 7, None),
        ("one", 1, 0, 1, None),
        ("groups", 1, 0, 5, [0, 0, 1, 2, 1]),
    ):
        units = count if groups is None else max(groups) + 1
        places = draw(seed, resample, units)
        times = Counter(places)
        weights = [times[at if groups is None else groups[at]] for at in range(count)]
        cases.append({"id": name, "seed": str(seed), "resample": resample, "records": count,
                      "groups": groups, "places": places, "weights": weights})  # fmt: skip
    return cases


def _refused() -> list[Row]:
    head, lines, _ = _few()
    several, many, _ = _several()
    _, grouped, _ = _many(9, 4, groups=True)
    text = text_of(head, lines[:2])
    first, second, third = text.splitlines()

    def heads(**changed: Any) -> str:
        return text_of({**head, **changed}, lines[:1])

    def line(**changed: Any) -> str:
        return text_of(head, [lines[0], {**lines[1], **changed}])

    tenth = [[0, 0, 0], [0, 0, 0]]
    group_head = {**head, "labels": ["a", "b"], "slices": [["f", "v"], ["g", "v"]],
                  "answerers": [{"name": name} for name in ("model", "x", "y")]}  # fmt: skip
    two, last = [grouped[0], grouped[3]], {**grouped[3], "group": 2}
    bare = {name: value for name, value in grouped[3].items() if name != "group"}
    found = {
        "empty": "",
        "labelled-true": heads(labelled=True),
        "label-where-none-is-known": heads(labelled=False),
        "no-records": first + "\n",
        "no-head": second + "\n" + third + "\n",
        "other-format": heads(format="predictions/2"),
        "other-task": heads(task="sft"),
        "no-labels": heads(labels=[]),
        "label-twice": heads(labels=["a", "b", "a"]),
        "label-empty": heads(labels=["a", "b", ""]),
        "label-too-long": heads(labels=["a", "b", "c" * 257]),
        "no-answerers": heads(answerers=[]),
        "model-not-first": heads(answerers=[{"name": "tfidf"}, {"name": "model"}]),
        "answerer-twice": heads(answerers=[{"name": "model"}, {"name": "model"}]),
        "called-majority": heads(answerers=[{"name": "model"}, {"name": "majority"}]),
        "threshold-for-one-label": heads(answerers=[
            {"name": "model", "threshold": 1, "atLeastOne": True}, {"name": "tfidf"}]),
        "no-threshold-for-several": text_of({**several, "answerers": head["answerers"]}, many),
        "threshold-alone": text_of({**several, "answerers": [
            {"name": "model", "threshold": 1}, {"name": "tfidf", "threshold": 1}]}, many),
        "head-member-unknown": heads(model="x"),
        "head-member-missing": heads().replace(',"slices":[]', "", 1),
        "slice-without-record": heads(slices=[["f", "v"]]),
        "slice-twice": heads(slices=[["f", "v"], ["f", "v"]]),
        "not-canonical": text.replace('"expected":[1]', '"expected": [1]'),
        "not-json": first + "\n{\n",
        "empty-line": first + "\n\n" + second + "\n",
        "no-end": text.removesuffix("\n"),
        "carriage-return": text.replace("\n", "\r\n"),
        "record-upper-case": line(record=lines[1]["record"].upper()),
        "record-short": line(record="00"),
        "no-label": line(expected=[]),
        "two-labels": line(expected=[0, 1]),
        "labels-not-ascending": text_of(several, [{**many[1], "expected": [2, 0]}]),
        "label-repeated": text_of(several, [{**many[1], "expected": [0, 0]}]),
        "label-out-of-range": line(expected=[3]),
        "label-negative": line(expected=[-1]),
        "score-too-great": line(scores=[[1_000_001, 0, 0], [0, 0, 0]]),
        "score-negative": line(scores=[[-1, 0, 0], [0, 0, 0]]),
        "score-fraction": line(scores=[[0.5, 0, 0], [0, 0, 0]]),
        "score-text": line(scores=[["1", 0, 0], [0, 0, 0]]),
        "score-true": line(scores=[[True, 0, 0], [0, 0, 0]]),
        "score-missing": line(scores=[[0, 0], [0, 0, 0]]),
        "answerer-missing": line(scores=tenth[:1]),
        "answerer-too-many": line(scores=[*tenth, [0, 0, 0]]),
        "slice-out-of-range": line(slices=[0]),
        "slices-empty": line(slices=[]),
        "near-false": line(near=False),
        "line-member-unknown": line(text="secret"),
        "group-of-some": text_of(group_head, [grouped[0], bare]),
        "group-of-others": text_of(group_head, [bare, grouped[0]]),
        "too-many-given": text_of(
            head_of("multi-label", [f"l{at}" for at in range(503)],
                    {"name": "model", "threshold": 0, "atLeastOne": True},
                    slices=[("tag", str(at)) for at in range(200)]),
            [line_of(0, [0], [0] * 503, slices=list(range(200)))]),
        "group-left-out": text_of(group_head, [*two[:1], last]),
        "group-not-from-0": text_of(group_head, two[1:]),
    }  # fmt: skip
    return [{"id": name, "predictions": content} for name, content in found.items()]


def stability(old: list[int], new: list[int]) -> str:
    """Return the stability index of counts in the same bins."""
    p, q = ([(count + 0.5) / (sum(of) + len(of) / 2) for count in of] for of in (new, old))
    index = sum((a - b) * math.log(a / b) for a, b in zip(p, q, strict=True))
    bins = sum(bool(a or b) for a, b in zip(old, new, strict=True))
    index -= sum((bins - 1) / (sum(of) or 1) for of in (old, new) if bins)
    return f"{max(index, 0):.4f}"


def _indices() -> list[Row]:
    return [
        {"id": name, "old": old, "new": new, "index": stability(old, new)}
        for name, old, new in (
            ("same", [10, 20, 30], [10, 20, 30]),
            ("other-size", [10, 20, 30], [100, 200, 300]),
            ("swapped", [90, 10], [10, 90]),
            ("bin-that-was-empty", [50, 50, 0], [40, 40, 20]),
            ("nothing-new", [5, 5], [0, 0]),
            ("ten-bins", [100] * 10, list(range(50, 150, 10))),
            ("ten-bins-of-few", [10] * 10, list(range(5, 15))),
            ("bins-of-neither", [100, 0, 0, 0, 80], [60, 0, 0, 0, 120]),
        )
    ]


def _lengths() -> list[Row]:
    old = [(7 * number) % 101 for number in range(101)]
    edges = sorted({sorted(old)[tenth * len(old) // 10] for tenth in range(1, 10)})

    def bins(lengths: list[int]) -> list[int]:
        places = [sum(length >= edge for edge in edges) for length in lengths]
        return [places.count(at) for at in range(len(edges) + 1)]

    found = []
    for name, new in (("like", [number + 1 for number in old]), ("longer", [90, 95, 100] * 40),
                      ("one", [0])):  # fmt: skip
        found.append({"id": name, "old": old, "new": new,
                      "lengths": stability(bins(old), bins(new))})  # fmt: skip
    return [*found, {"id": "all-the-same", "old": [4] * 9, "new": [3, 4],
                     "lengths": stability([0, 9], [1, 1])}]  # fmt: skip


def _monitors() -> list[Row]:
    cases = []
    measured = {"lengths": "0.0100", "newTokenShare": "0.0200", "newTokenShift": "0.0100"}
    for name, ours, lines, labelled, more in (
        ("like-the-reference", 8, 40, True, {}),
        ("fell", 2, 40, True, {}),
        ("nobody-labelled-it", 8, 40, False, {}),
        ("enough-and-the-same", 8, 120, False, {"measured": measured}),
        ("few-of-the-reference", 8, 120, False, {
            "old": 99, "measured": {**measured, "lengths": "0.9000"}}),
        ("measured-apart", 8, 120, False, {"measured": {"lengths": "0.2500"}}),
        ("promised-and-not-measured", 8, 120, False, {
            "measured": {"lengths": "0.0100"},
            "thresholds": [{"metric": "newTokenShare", "atMost": "0.2"}]}),
        ("promised-less", 8, 120, False, {
            "measured": {"lengths": "0.3000", "newTokenShare": "0.2000", "newTokenShift": "0.1500"},
            "thresholds": [{"metric": "lengthDrift", "atMost": "0.3"},
                           {"metric": "newTokenShare", "atMost": "0.2"},
                           {"metric": "accuracy", "atLeast": "0.9"}]}),
        ("promise-missed", 8, 120, False, {
            "thresholds": [{"metric": "labelDrift", "atMost": "-1"}]}),
    ):  # fmt: skip
        head, before, _ = _many(8, 7)
        old = [{**before[at % 40], "record": record_id(f"old {at}")}
               for at in range(more.get("old", 120))]  # fmt: skip
        _, some, _ = _many(ours, 7)
        new = [{**some[at % 40], "record": record_id(f"new {at}"),
                "scores": some[at % 40]["scores"][:1]} for at in range(lines)]  # fmt: skip
        new = [{key: value for key, value in line.items() if key not in {"slices", "near"}}
               for line in new]  # fmt: skip
        newer: Row = {**head, "answerers": head["answerers"][:1], "slices": []}
        if not labelled:
            newer["labelled"] = False
            new = [{**line, "expected": []} for line in new]
        cases.append(_monitor(name, (head, old), (newer, new), more, labelled=labelled))
    return cases


def _labels() -> list[Row]:
    """Labels that are given, of which the rare ones share a bin, and none is a bin, too."""
    found = []
    for name, task, count, old, new in (
        ("ten", "text-classification", 10, [[at % 10] for at in range(40)], [[0], [9], [9]]),
        ("eleven", "text-classification", 11, [[at % 11] for at in range(44)], [[9], [10], [0]]),
        ("commonest-first", "text-classification", 12,
         [[11]] * 9 + [[at] for at in range(12)], [[11], [7], [8], [8]]),
        ("none-given", "multi-label", 2, [[0], [0, 1], [], [1]], [[], [], [0]]),
        ("several-and-rare", "multi-label", 12,
         [[at % 12, 11] for at in range(11)], [[11], [3, 4, 8, 9], []]),
    ):  # fmt: skip
        several = task == "multi-label"
        how = {"name": "model"} | ({"threshold": 500_000, "atLeastOne": False} if several else {})
        head = head_of(task, [f"l{at:02d}" for at in range(count)], how)
        attached = []
        for some in (old, new):
            lines = [line_of(at, [] if several else [0],
                             [90 if label in given else 1 for label in range(count)])
                     for at, given in enumerate(some)]  # fmt: skip
            attached.append(text_of(head, lines))
        times = [[sum(label in given for given in some) for label in range(count)]
                 for some in (old, new)]  # fmt: skip
        order = sorted(range(count), key=lambda label: (-times[0][label], label))
        apart, rest = (order, []) if count <= 10 else (order[:9], order[9:])
        bins = []
        for some, each in zip((old, new), times, strict=True):
            bins.append([each[label] for label in apart])
            bins[-1] += [sum(each[label] for label in rest)] if rest else []
            bins[-1] += [sum(not given for given in some)] if several else []
        found.append({"id": name, "reference": attached[0], "predictions": attached[1],
                      "labels": stability(*bins)})  # fmt: skip
    return found


def _monitor(
    name: str, before: tuple[Row, list[Row]], after: tuple[Row, list[Row]], more: Row, *,
    labelled: bool,
) -> Row:  # fmt: skip
    said = [[answer(head["answerers"][0], line["scores"][0]) for line in lines]
            for head, lines in (before, after)]  # fmt: skip
    counts = [[sum(given == [label] for given, _ in one) for label in range(2)] for one in said]
    means = [ratio(sum(sure for _, sure in one), WHOLE * len(one)) for one in said]
    drift: Row = {"labels": stability(*counts), "confidenceShift": written(means[1] - means[0]),
                  **more.get("measured", {}), "referenceCount": len(before[1])}  # fmt: skip
    texts = ("lengths", "newTokenShare", "newTokenShift")
    drift |= {"unjudged": [one for one in texts if one not in drift]}
    compared, metrics = [], ["macroF1", "accuracy"]
    if labelled:
        samples = [
            Sample([[(set(line["expected"]), set(given))
                     for line, (given, _) in zip(lines, one, strict=True)]], None, 2, 1)
            for (_, lines), one in zip((before, after), said, strict=True)
        ]  # fmt: skip
        for metric in metrics:
            old, new = ([one[0][metric] for one in sample.resampled] for sample in samples)
            v = sorted(a - b for a, b in zip(new, reversed(old), strict=True))
            low, high = (25 * v[24] + 975 * v[25]) // 1000, (975 * v[974] + 25 * v[975]) // 1000
            value = samples[1].values[0][metric] - samples[0].values[0][metric]
            shown = "better" if Fraction(written(low)) > 0 else (
                "worse" if Fraction(written(high)) < 0 else "no-difference-shown")  # fmt: skip
            compared.append({"baseline": "release", "metric": metric, "verdict": shown,
                             "difference": {"value": written(value), "low": written(low),
                                            "high": written(high)}})  # fmt: skip
    places = {"labelDrift": "labels", "lengthDrift": "lengths", "newTokenShare": "newTokenShare",
              "confidenceShift": "confidenceShift"}  # fmt: skip
    judged = []
    for one in more.get("thresholds", ()):
        if places.get(one["metric"]) in drift:
            value = drift[places[one["metric"]]]
            met = Fraction(value) <= Fraction(one["atMost"])
            judged.append({**one, "value": value, "met": met})
    limits = {"labels": "0.25", "lengths": "0.25", "newTokenShift": "0.1", "confidenceShift": "0.1"}
    for one in judged:
        place = places[one["metric"]]
        limits.pop("newTokenShift" if place == "newTokenShare" else place, None)
    far = any(abs(Fraction(drift[at])) >= Fraction(limit)
              for at, limit in limits.items() if at in drift)  # fmt: skip
    enough = min(len(before[1]), len(after[1])) >= 100
    moved = any(one["verdict"] == "worse" for one in compared) or (
        enough and (far or not all(one["met"] for one in judged)))  # fmt: skip
    enough = enough and not drift["unjudged"]
    drift["verdict"] = "drift" if moved else "ok" if enough else "insufficient"
    drift = {name: value for name, value in drift.items() if value != []}
    body: Row = {"drift": drift}
    body |= {"comparisons": compared} if compared else {}
    body |= {"thresholds": judged} if judged else {}
    settings = {name: more[name] for name in ("thresholds", "measured") if name in more}
    return {"id": name, "reference": text_of(*before), "predictions": text_of(*after), "seed": 1,
            **settings, "body": body}  # fmt: skip


def _slices() -> list[Row]:
    courts = [["south"], ["north"], ["north"], [], ["east"], ["south"], ["x" * 257]]
    many = [[f"v{number:02d}"] for number in range(21)]
    return [
        {
            "id": "commonest-first-then-length",
            "values": {"court": courts, "tags": [["b", "a"], ["a"], [], [], [], [], ["b"]]},
            "lengths": [5, 1, 9, 9, 1, 3, 200],
            "slices": [
                ["court", "north"], ["court", "south"], ["court", "east"],
                ["tags", "a"], ["tags", "b"],
                ["@length", "shortest"], ["@length", "short"], ["@length", "long"],
                ["@length", "longest"],
            ],
            "members": [[1, 3, 4, 6], [0, 3, 5], [0, 7], [7], [2, 5], [1, 6], [4, 8]],
        },
        {
            "id": "twenty-values",
            "values": {"v": many},
            "lengths": None,
            "slices": [["v", f"v{number:02d}"] for number in range(20)],
            "members": [[number] for number in range(20)] + [[]],
        },
        {
            "id": "two-records-two-quarters",
            "values": {},
            "lengths": [8, 8],
            "slices": [["@length", "shortest"], ["@length", "long"]],
            "members": [[0], [1]],
        },
    ]  # fmt: skip


def _decimals() -> list[Row]:
    return [
        {"id": str(number), "billionths": number, "text": written(number)}
        for number in (0, 1, 50_000, 50_001, 150_000, 250_000, 999_950_000, BILLION, -50_000,
                       -50_001, -150_000, 12_345_678_900_000)
    ]  # fmt: skip


def make() -> dict[str, Any]:
    """Return file name → content of every vector file."""
    return {
        "evaluations/answers.json": {"cases": _answers()},
        "evaluations/drift.json": {
            "indices": _indices(),
            "labels": _labels(),
            "lengths": _lengths(),
            "cases": _monitors(),
        },
        "evaluations/draws.json": {"context": CONTEXT, "cases": _draws()},
        "evaluations/decimals.json": {"cases": _decimals()},
        "evaluations/slices.json": {"cases": _slices()},
        "evaluations/bodies.json": {"cases": _bodies()},
        "evaluations/refused.json": {"cases": _refused()},
    }
