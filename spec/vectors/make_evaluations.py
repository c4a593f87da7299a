"""Makes ``evaluations/``: answers, draws, figures and refused attachments (spec §13.9).

The figures are computed by ``evaluation_figures.py``, not with the code under test.
"""

from collections import Counter
from typing import Any

from blake3 import blake3

from evaluation_attachments import (
    alone,
    by_place,
    few,
    head_of,
    line_of,
    many,
    several,
    text_of,
    ties,
)
from evaluation_figures import (
    BILLION,
    CONTEXT,
    Row,
    against_of,
    answer,
    body_of,
    draw,
    written,
)

TEXT_CONTEXT = "lyrikstore 2026-12 written text"


def _bodies() -> list[Row]:
    cases = []
    for name, (head, lines, settings) in {
        "few-records-no-interval": few(),
        "better": many(9, 4),
        "worse": many(3, 9),
        "no-difference-shown": many(8, 7),
        "other-seed": many(8, 7, seed=2),
        "groups": many(9, 4, groups=True),
        "several-labels": several(),
        "model-alone-one-record": alone(),
        "as-sure": ties(),
        "few-records-by-place": _placed(few()),
        "better-by-place": _placed(many(9, 4)),
        "several-labels-by-place": _placed(several()),
        "as-sure-by-place": _placed(ties()),
    }.items():
        cases.append({"id": name, "predictions": text_of(head, lines), **settings,
                      "body": body_of(head, lines, settings)})  # fmt: skip
    return cases


def _placed(made: tuple[Row, list[Row], Row]) -> tuple[Row, list[Row], Row]:
    head, lines, settings = made
    return (*by_place(head, lines), settings)


def _against() -> list[Row]:
    """Two evaluations of the same records, compared record by record (spec §13.16.3)."""
    cases = []
    for name, made, seed in (
        ("better", _placed(many(9, 4)), 1),
        ("worse-with-other-seed", _placed(many(3, 9)), 2),
        ("groups", _placed(many(9, 4, groups=True)), 1),
        ("few-records-no-interval", _placed(few()), 1),
        ("several-labels", _placed(several()), 1),
        ("one-by-id", many(8, 7), 1),
    ):
        head, lines, _ = made
        other = _answered_by_baseline(head, lines)
        cases.append({"id": name, "seed": seed, "predictions": text_of(head, lines),
                      "other": text_of(*other),
                      "comparisons": against_of((head, lines), other, seed)})  # fmt: skip
    return cases


def _answered_by_baseline(head: Row, lines: list[Row]) -> tuple[Row, list[Row]]:
    """Return an evaluation whose model is the baseline of another, and has one label more."""
    labels = ["unheard-of", *reversed(head["labels"])]
    theirs = {**head, "format": "predictions/2", "labels": labels, "slices": [],
              "answerers": [{**head["answerers"][1], "name": "model"}]}  # fmt: skip
    last = len(labels) - 1
    rows = [
        {"expected": sorted(last - at for at in line["expected"]),
         "scores": [[0, *reversed(line["scores"][1])]],
         **({"group": line["group"]} if "group" in line else {})}
        for line in lines
    ]  # fmt: skip
    return theirs, rows


def _identified() -> list[Row]:
    """Texts that a model wrote, and what tells them to whoever has the salt (spec §13.12.8)."""
    cases = []
    for name, place, answerer, text in (
        ("model", 0, 0, "It is a lease."),
        ("base", 0, 1, "It is a lease."),
        ("another-record", 258, 0, "It is a lease."),
        ("empty", 7, 0, ""),
        ("not-ascii", 7, 1, "Miete für Büroräume"),
    ):
        salt = bytes(range(32))
        message = salt + place.to_bytes(8, "big") + bytes([answerer]) + text.encode()
        digest = blake3(message, derive_key_context=TEXT_CONTEXT).hexdigest()
        cases.append({"id": name, "salt": salt.hex(), "place": place, "answerer": answerer,
                      "text": text, "outputBlake3": digest})  # fmt: skip
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
    head, lines, _ = few()
    _, grouped, _ = many(9, 4, groups=True)
    multiple, these, _ = several()
    text, placed = text_of(head, lines[:2]), by_place(head, lines)
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
        "other-format": heads(format="predictions/3"),
        "id-by-place": heads(format="predictions/2"),
        "no-id": text_of(head, by_place(head, lines[:1])[1]),
        "place-by-place": text_of(placed[0], [{**placed[1][0], "place": 0}]),
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
        "no-threshold-for-several": text_of({**multiple, "answerers": head["answerers"]}, these),
        "threshold-alone": text_of({**multiple, "answerers": [
            {"name": "model", "threshold": 1}, {"name": "tfidf", "threshold": 1}]}, these),
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
        "labels-not-ascending": text_of(multiple, [{**these[1], "expected": [2, 0]}]),
        "label-repeated": text_of(multiple, [{**these[1], "expected": [0, 0]}]),
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
        "evaluations/draws.json": {"context": CONTEXT, "cases": _draws()},
        "evaluations/written.json": {"context": TEXT_CONTEXT, "cases": _identified()},
        "evaluations/decimals.json": {"cases": _decimals()},
        "evaluations/slices.json": {"cases": _slices()},
        "evaluations/bodies.json": {"cases": _bodies()},
        "evaluations/against.json": {"cases": _against()},
        "evaluations/refused.json": {"cases": _refused()},
    }
