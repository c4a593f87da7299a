"""Makes ``evaluations/drift.json``: what monitors say of data that came later (spec §13.9.11)."""

import math
from fractions import Fraction
from typing import Any

from evaluation_attachments import by_place, head_of, line_of, many, record_id, text_of
from evaluation_figures import WHOLE, Row, Sample, answer, ratio, written


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
        ("by-place", 2, 40, True, {"places": True}),
        ("as-before", 2, 40, True, {"occurring": False}),
        ("one-label-came", 8, 120, True, {"only": 0}),
        ("one-label-came-as-before", 8, 120, True, {"only": 0, "occurring": False}),
    ):  # fmt: skip
        head, before, _ = many(8, 7)
        old = [{**before[at % 40], "record": record_id(f"old {at}")}
               for at in range(more.get("old", 120))]  # fmt: skip
        _, some, _ = many(ours, 7)
        new = [{**some[at % 40], "record": record_id(f"new {at}"),
                "scores": some[at % 40]["scores"][:1]} for at in range(lines)]  # fmt: skip
        new = [{key: value for key, value in line.items() if key not in {"slices", "near"}}
               for line in new]  # fmt: skip
        newer: Row = {**head, "answerers": head["answerers"][:1], "slices": []}
        if "only" in more:
            new = [line for line in new if line["expected"] == [more["only"]]]
        if not labelled:
            newer["labelled"] = False
            new = [{**line, "expected": []} for line in new]
        if more.get("places"):  # the reference was made before
            newer, new = by_place(newer, new)
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
        answered = [
            [(set(line["expected"]), set(given))
             for line, (given, _) in zip(lines, one, strict=True)]
            for (_, lines), one in zip((before, after), said, strict=True)
        ]  # fmt: skip
        had = [{label for wanted, _ in one for label in wanted} for one in answered]
        both = had[0] & had[1]
        alike = [[one for one in some if not one[0] or one[0] & both] for some in answered]
        over = {"labels": len(both), "records": len(alike[1]), "referenceRecords": len(alike[0])}
        whole = [Sample([one], None, 2, 1) for one in answered]
        likes = [Sample([one], None, 2, 1, both) for one in alike]
        for metric in metrics:
            new_rule = metric == "macroF1" and more.get("occurring", True)
            samples = likes if new_rule else whole
            old, new = ([one[0][metric] for one in sample.resampled] for sample in samples)
            v = sorted(a - b for a, b in zip(new, reversed(old), strict=True))
            low, high = (25 * v[24] + 975 * v[25]) // 1000, (975 * v[974] + 25 * v[975]) // 1000
            value = samples[1].values[0][metric] - samples[0].values[0][metric]
            shown = "better" if Fraction(written(low)) > 0 else (
                "worse" if Fraction(written(high)) < 0 else "no-difference-shown")  # fmt: skip
            compared.append({"baseline": "release", "metric": metric, "verdict": shown,
                             "difference": {"value": written(value), "low": written(low),
                                            "high": written(high)},
                             **({"over": over} if new_rule else {})})  # fmt: skip
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
    named = ("thresholds", "measured", "occurring")
    settings = {name: more[name] for name in named if name in more}
    if labelled:
        macro = had[1] if more.get("occurring", True) else None
        body["model"] = {"macroF1": Sample([answered[1]], None, 2, 1, macro).interval("macroF1", 0)}
    return {"id": name, "reference": text_of(*before), "predictions": text_of(*after), "seed": 1,
            **settings, "body": body}  # fmt: skip


def make() -> dict[str, Any]:
    """Return file name → content of the vector file."""
    return {
        "evaluations/drift.json": {
            "indices": _indices(),
            "labels": _labels(),
            "lengths": _lengths(),
            "cases": _monitors(),
        },
    }
