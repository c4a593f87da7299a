"""The vectors of reproductions: verdicts, reasons, draws, and digests of states."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from lyrikstore.train.worker.training.resume_state import state_digest
from lyrikstore.verify.store.statements.reproductions import reasons_of, verdict_of
from lyrikstore.verify.store.statements.segments import draw_segments, miss_chance

VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors" / "reproductions"
VERDICTS = json.loads((VECTORS / "verdicts.json").read_text())
SEGMENTS = json.loads((VECTORS / "segments.json").read_text())


def _body(case: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {name: case[name] for name in ("compared", "reasons", "segments") if name in case} | more


@pytest.mark.parametrize("case", VERDICTS["compared"], ids=lambda case: case["id"])
def test_verdicts_of_whole_runs(case: dict[str, Any]) -> None:
    body = _body(case, method="whole-run/1")
    assert verdict_of(body, case["tolerances"]) == case["verdict"]


@pytest.mark.parametrize("case", VERDICTS["replayed"], ids=lambda case: case["id"])
def test_verdicts_of_drawn_segments(case: dict[str, Any]) -> None:
    assert verdict_of(_body(case, method="segments/1"), None) == case["verdict"]


@pytest.mark.parametrize("case", VERDICTS["reasons"], ids=lambda case: case["id"])
def test_reasons(case: dict[str, Any]) -> None:
    assert reasons_of(case["run"], case["reproduction"]) == case["reasons"]


@pytest.mark.parametrize("case", SEGMENTS["draws"], ids=lambda case: str(case["count"]))
def test_draws(case: dict[str, Any]) -> None:
    drawn = draw_segments(
        case["count"],
        case["wanted"],
        nonce=bytes.fromhex(case["nonce"]),
        size=case["head"]["size"],
        root=bytes.fromhex(case["head"]["root"]),
    )
    assert drawn == case["drawn"]
    assert miss_chance(case["count"], len(drawn)) == case["missChance"]


@pytest.mark.parametrize("case", SEGMENTS["states"], ids=lambda case: case["id"])
def test_states(case: dict[str, Any]) -> None:
    tensors = {
        name: torch.frombuffer(
            bytearray.fromhex(one["hex"]), dtype=getattr(torch, one["dtype"])
        ).reshape(one["shape"])
        for name, one in case["tensors"].items()
    }
    assert state_digest(case["position"], tensors).hex == case["state"]
