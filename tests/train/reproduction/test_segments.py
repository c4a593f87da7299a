"""Segments drawn and done again: a sabotaged one is caught whenever it is drawn, an honest none.

The worker's own code in this process, with an encoder of one layer: two hundred runs in seconds.
"""

import json
import shutil
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import encode, parse
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.verify.store.statements.reproductions import (
    fault_of_segments,
    find_fault,
    verdict_of,
)
from lyrikstore.verify.store.statements.segments import (
    SegmentList,
    SegmentState,
    draw_segments,
    find_problems,
    miss_chance,
    places,
    read_segments,
    steps_of,
)
from tests.faults.robust.models import WORDS, write_base
from tests.sweep import thinned
from tests.train.reproduction.segments import (
    HOW,
    STEPS,
    Trained,
    accumulating,
    assert_equal_steps,
    gradients,
    job,
    nonce,
    sabotaged,
)

pytestmark = [
    pytest.mark.train,
    # Of transformers and peft, about themselves; a worker's go to its log.
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning"),
]
RUNS = thinned(list(range(100)), 20)
"""Each once in the order of its number; of a hundred, by default twenty."""


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # as workers are
    # A worker does one job, and torch takes this once.
    monkeypatch.setattr(torch, "set_num_interop_threads", lambda _: None)


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("staged")
    write_base(folder / "base")
    for name, count in (("train", 24), ("validation", 8)):
        lines = []
        for number in range(count):
            text = f"{('warranty', 'payment')[number % 2]} {WORDS[number]} {WORDS[-number - 1]}"
            record = sha256(f"{name}{number}".encode()).hexdigest()
            lines.append(json.dumps({"id": record, "labels": ["ab"[number % 2]], "text": text}))
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def test_a_hundred_sabotaged_runs_are_caught_whenever_it_is_drawn(staged, monkeypatch) -> None:
    caught = missed = 0
    for number in RUNS:
        with monkeypatch.context() as patched:
            # Twelve steps: six segments of two.
            forged = number % 6
            sabotaged(patched, 2 * forged + number % 2, HOW[number % len(HOW)])
            run = Trained(staged, job(number))
        assert run.segments.count == 6
        drawn = draw_segments(6, 2, **nonce(number))
        found = run.again(drawn)
        assert found == {one: one != forged for one in drawn}, (number, forged)
        caught, missed = caught + (forged in drawn), missed + (forged not in drawn)
    assert (caught + missed, miss_chance(6, 2)) == (len(RUNS), "0.6667")
    # Two of six: what is told beforehand is what came of it, within what chance does.
    assert 0.1 < caught / len(RUNS) < 0.6, caught


def test_no_false_alarm_in_a_hundred_honest_runs(staged) -> None:
    for number in RUNS:
        run = Trained(staged, job(number, ("lora", "full")[number % 2]))
        drawn = draw_segments(run.segments.count, 2, **nonce(number))
        assert run.again(drawn) == dict.fromkeys(drawn, True), number


@pytest.mark.parametrize("task", ["text-classification", "multi-label"])
def test_a_step_of_parts_is_that_of_the_whole(staged, tmp_path, task) -> None:
    folder = tmp_path / "staged"
    shutil.copytree(staged / "base", folder / "base")
    for name in ("train.jsonl", "validation.jsonl"):
        rows = [json.loads(line) for line in (staged / name).read_text().splitlines()]
        for number, row in enumerate(rows):
            row["labels"] = ["ab"[number % 5 == 0]]  # a part may have none of the rare one
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    given = {**job(1), "task": task}
    # Steps of 9, 9 and 6 records: three parts of 3, the last time two.
    whole, parts, uneven = (
        gradients(accumulating(given, *how), StagedFiles(folder, lambda *_: None))
        for how in ((9, 1), (3, 3), (5, 2))
    )
    assert_equal_steps(whole, parts)
    assert len(uneven) == 3  # 10, 10 and 4
    run = Trained(folder, accumulating(given, 3, 2))
    every = list(range(run.segments.count))
    assert run.again(every) == dict.fromkeys(every, True)
    assert len(run.segments.states) - 1 == 4  # two steps of each epoch, then the end of it


def test_one_draw_is_one_draw_and_all_are_all() -> None:
    assert draw_segments(10, 3, **nonce(1)) == draw_segments(10, 3, **nonce(1))
    assert len({tuple(draw_segments(10, 3, **nonce(one))) for one in range(50)}) > 20
    assert draw_segments(5, 9, **nonce(1)) == [0, 1, 2, 3, 4]
    moved = {**nonce(1), "size": 41}
    assert any(
        draw_segments(10, 3, **{**moved, "size": size}) != draw_segments(10, 3, **nonce(1))
        for size in range(41, 50)
    )
    assert (miss_chance(10, 3), miss_chance(10, 10), miss_chance(3, 9)) == (
        "0.7000",
        "0.0000",
        "0.0000",
    )


def test_segments_begin_and_end_where_they_have_to(staged) -> None:
    run = Trained(staged, job(1))
    states = run.segments.states
    assert [one.place for one in states] == places([6, 6], STEPS)
    assert places([3, 3], 2) == [(0, 0, 0), (2, 0, 2), (3, 1, 0), (4, 1, 1), (6, 2, 0)]
    assert places([3, 2, 1], 2) == [
        (0, 0, 0),
        (2, 0, 2),
        (3, 1, 0),
        (4, 1, 1),
        (5, 2, 0),
        (6, 3, 0),
    ]
    assert steps_of(1, 32_000, 32, 5) == 50
    announced = {"config": run.job["config"], "segments": {"steps": STEPS}}
    best = states[-1].position["bestEpoch"] + 1
    model = {"segments": {"count": 6, "steps": STEPS}, "epoch": str(best), "step": best * 6}
    assert find_problems(run.segments, announced, model, [6, 6]) == ""
    assert find_problems(run.segments, announced, model, [6, 5])
    for altered in (
        SegmentList("lora", STEPS, (*states[:3], *states[4:])),
        SegmentList("lora", STEPS, (states[0], states[-1])),
        SegmentList("lora", STEPS, states[:-3]),
        SegmentList("lora", 3, states),
    ):
        checkpoint = {**model, "segments": {"count": altered.count, "steps": altered.steps}}
        assert find_problems(altered, announced, checkpoint, [6, 6]), altered
    assert find_problems(run.segments, announced, {**model, "step": model["step"] + 1}, [6, 6])


def test_a_segment_that_nobody_can_begin_is_a_warning_and_not_repeated(staged) -> None:
    run = Trained(staged, job(1))
    states = run.segments.states
    announced = {"config": run.job["config"], "segments": {"steps": STEPS}}
    best = states[-1].position["bestEpoch"] + 1
    model = {"segments": {"count": 6, "steps": STEPS}, "epoch": str(best), "step": best * 6}
    for change in (
        {"loss": ""},
        {"loss": "0x1.0p+9999"},
        {"bestScore": "0x1.0p+9999"},
        {"epoch": 2},
        {"step": 13},
    ):
        forged = SegmentState({**states[2].position, **change}, states[2].state)
        listed = SegmentList("lora", STEPS, (*states[:2], forged, *states[3:]))
        assert read_segments(listed.encode()).states == listed.states
        assert find_problems(listed, announced, model, [6, 6]), change
        assert run.again([1, 2], listed.states) == {1: True}, change
    more = (*states, SegmentState({**states[-1].position, "step": 14}, "0" * 64), states[-1])
    run.points[6] = run.points[5]
    assert run.again([6], more) == {}


def test_what_is_no_list_of_segments_is_refused(staged) -> None:
    data = Trained(staged, job(2)).segments.encode()
    document: Any = parse(data)
    state = document["states"][1]
    spoiled = [
        {**document, "format": "segments/2"},
        {**document, "more": 1},
        {**document, "steps": 0},
        {**document, "candidate": "../x"},
        {**document, "states": document["states"][:1]},
        *(
            {**document, "states": [document["states"][0], one]}
            for one in (
                {**state, "state": "00"},
                {**state, "position": {**state["position"], "loss": "inf"}},
                {**state, "position": {**state["position"], "kept": [-1]}},
                {**state, "position": {**state["position"], "step": "1"}},
                {"state": state["state"]},
            )
        ),
    ]
    for one in spoiled:
        with pytest.raises(FormatError) as caught:
            read_segments(encode(one))
        assert caught.value.kind == "bad-segments"
    assert Digest.of(read_segments(data).encode()) == Digest.of(data)


def test_segments_that_somebody_chose_are_not_drawn() -> None:
    states = tuple(SegmentState({}, f"{number:064x}") for number in range(7))
    signed = SegmentList("lora", 2, states)
    drawn = draw_segments(6, 2, **nonce(3))

    def replay(chosen: list[int], **other: Any) -> dict[str, Any]:
        replayed = [
            {"number": one, "expected": states[one + 1].state, "found": states[one + 1].state}
            for one in chosen
        ]
        return {
            "count": 6,
            "drawn": chosen,
            "nonce": nonce(3)["nonce"].hex(),
            "head": {"size": 40, "root": "00" * 32},
            "missChance": "0.6667",
            "start": {"expected": states[0].state, "found": states[0].state},
            "replayed": replayed,
            **other,
        }

    def verdict(segments: dict[str, Any], **more: Any) -> str:
        compared = [{"checkpoint": "c", "tree": "t"}]
        body = {"method": "segments/1", "segments": segments, "compared": compared, **more}
        return verdict_of(body, None)

    assert fault_of_segments({"segments": replay(drawn)}, signed) == ""
    assert verdict(replay(drawn)) == "match"
    chosen = [one for one in range(6) if one not in drawn][:2]
    less = replay(drawn)["replayed"][:1]
    other = [{**less[0], "expected": states[5].state, "found": states[5].state}]
    for forged in (
        replay(chosen),
        replay(drawn, missChance="0.0000"),
        replay(drawn, count=2),
        replay(drawn, replayed=other),
        replay(drawn, start={"expected": "f" * 64, "found": "f" * 64}),
    ):
        assert fault_of_segments({"segments": forged}, signed)
    assert fault_of_segments({"segments": replay(drawn)}, None)
    # What was not kept leaves it open; what differs does not, whatever else was not kept.
    assert verdict(replay(drawn, replayed=less), reasons=["not-kept"]) == "inconclusive"
    differs = [{**less[0], "found": "f" * 64}]
    assert verdict(replay(drawn, replayed=differs), reasons=["not-kept"]) == "mismatch"
    assert verdict(replay(drawn, replayed=differs), reasons=["other-code"]) == "inconclusive"
    assert verdict(replay(drawn), compared=[]) == "inconclusive"
    # The states came again; the model was not held against them.
    assert verdict(replay(drawn), compared=[{"checkpoint": "c"}]) == "inconclusive"


def test_what_of_a_blend_was_not_done_again_is_named() -> None:
    states = tuple(SegmentState({}, f"{number:064x}") for number in range(2))
    same = {"expected": states[0].state, "found": states[0].state}
    ended = {"number": 0, "expected": states[1].state, "found": states[1].state}
    replay = {
        "count": 1,
        "drawn": [0],
        "nonce": nonce(1)["nonce"].hex(),
        "head": {"size": 40, "root": "00" * 32},
        "missChance": "0.0000",
        "start": same,
        "replayed": [ended],
    }
    about = {"environment": {"platform": "x"}, "code": {}}
    announced = {
        "task": "multi-label",
        "candidates": [],
        "order": {"function": "blake3-order/2"},
        **about,
    }
    run: Any = SimpleNamespace(id=Digest.of(b"run"), body=announced)

    def fault(form: str, **more: Any) -> str:
        model: Any = SimpleNamespace(
            id=Digest.of(b"model"),
            tree=Digest.of(b"tree"),
            body={"format": form, "final": True},
            inputs_in=lambda _: [run],
        )
        compared = [{"checkpoint": str(model.id), "tree": str(model.tree), **more}]
        body = {"method": "segments/1", "segments": replay, "compared": compared, **about}
        again: Any = SimpleNamespace(body={**body, "verdict": "match"})
        return find_fault(again, run, [model], SegmentList("lora", 2, states))

    assert fault("encoder/1") == ""
    assert fault("blend/1", notRedone=["blend.json"]) == ""
    assert fault("blend/1")
