"""The figures of an evaluation, from the text of spec §13.9.

They are computed in whole numbers and record by record, not with the code under test.
"""

import json
from fractions import Fraction
from typing import Any

from blake3 import blake3

CONTEXT = "lyrikstore 2026-11 resampling"
BILLION, WHOLE = 10**9, 10**6
FLOORS = {0, 500_000, 600_000, 700_000, 800_000, 900_000, 950_000}
Row = dict[str, Any]


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


def figures(answered: Answered, labels: int, macro: set[int] | None = None) -> dict[str, int]:
    """Return the metrics of some records, in billionths; of monitors macro-F1 of some labels."""
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
    if macro is not None:
        there = [at for at in there if at in macro]
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
        self,
        answered: list[Answered],
        groups: list[int] | None,
        labels: int,
        seed: int,
        macro: set[int] | None = None,
    ) -> None:
        records = len(answered[0])
        self.values = [figures(one, labels, macro) for one in answered]
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
            self.resampled.append(
                [figures([one[at] for at in drawn], labels, macro) for one in answered]
            )

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
        "predictions": {"format": head["format"], "count": len(lines)},
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


def against_of(mine: tuple[Row, list[Row]], other: tuple[Row, list[Row]], seed: int) -> list[Row]:
    """Return the comparisons of two evaluations of the same records (spec §13.16.3).

    The second one has an answerer alone, and its labels in an order of its own.
    """
    (head, lines), (their_head, their_lines) = mine, other
    labels = [*head["labels"], *(one for one in their_head["labels"] if one not in head["labels"])]
    several = head["task"] == "multi-label"
    sides: list[Answered] = []
    for known, how, some in (
        (head["labels"], head["answerers"][0], lines),
        (their_head["labels"], their_head["answerers"][0], their_lines),
    ):
        given = [answer(how, line["scores"][0])[0] for line in some]
        sides.append([
            ({labels.index(head["labels"][at]) for at in line["expected"]},
             {labels.index(known[at]) for at in said})
            for line, said in zip(lines, given, strict=True)
        ])  # fmt: skip
    groups = [line["group"] for line in lines] if "group" in lines[0] else None
    sample = Sample(sides, groups, len(labels), seed)
    found = []
    for metric in ["microF1", "macroF1"] if several else ["macroF1", "accuracy"]:
        difference = sample.interval(metric, 0, 1)
        low, high = (Fraction(difference.get(end, "0")) for end in ("low", "high"))
        shown = "better" if low > 0 else "worse" if high < 0 else "no-difference-shown"
        found.append({"metric": metric, "other": sample.interval(metric, 1),
                      "difference": difference, "verdict": shown})  # fmt: skip
    return found


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

    named = "record" if head["format"] == "predictions/1" else "place"
    failures = [
        (-sure, line.get("record", place), text(wanted), text(given))
        for place, (line, (wanted, given), (_, sure)) in enumerate(
            zip(lines, answered, said, strict=True)
        )
        if wanted != given
    ]
    return [
        {named: name, "expected": wanted, "predicted": given,
         "probability": written(-sure * 1000)}
        for sure, name, wanted, given in sorted(failures)[:20]
    ]  # fmt: skip
