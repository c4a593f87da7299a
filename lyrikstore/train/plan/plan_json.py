"""A plan as ``schemas/cli/plan.schema.json`` describes it."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct

from lyrikstore.canon.files import read_packaged
from lyrikstore.canon.toml import parse_toml
from lyrikstore.train.plan.estimate import Estimate, MachineFigures
from lyrikstore.train.plan.plan import TrainingPlan
from lyrikstore.verify.evaluation.choice.candidates import FORMAT_IDS

MEASURED = Path(__file__).parent / "measured.toml"
"""Ratios of measured to planned time and memory; written by ``benchmarks/planning.py``."""
_MAX_BYTES = 1 << 16


class PlanError(Struct, frozen=True):
    """How far the computed figures of a candidate were from measured runs.

    Attributes:
        candidate: Its name, of :data:`lyrikstore.train.requirements.CANDIDATES`.
        runs: Number of measured runs.
        time: The smallest and the largest ratio of measured to planned time.
        memory: The smallest and the largest ratio of measured to planned memory.
        last: The last day of a measurement.
    """

    candidate: str
    runs: int
    time: tuple[str, str]
    memory: tuple[str, str]
    last: str


def plan_errors() -> list[PlanError]:
    """Return the measured errors of plans, for each candidate."""
    rows = parse_toml(read_packaged(MEASURED), max_bytes=_MAX_BYTES)["run"]
    found = []
    for candidate in dict.fromkeys(one["candidate"] for one in rows):
        runs = [one for one in rows if one["candidate"] == candidate]
        time, memory = (
            (min(some, key=Decimal), max(some, key=Decimal))
            for some in ([str(one[what]) for one in runs] for what in ("time", "memory"))
        )
        last = max(str(one["on"]) for one in runs)
        found.append(PlanError(candidate, len(runs), time, memory, last))
    return found


def plan_json(plan: TrainingPlan) -> dict[str, Any]:
    """Return all members of a plan as JSON."""
    config = plan.config
    most = config.model.max_tokens
    return {
        "name": config.name,
        "task": config.task or None,
        "base": str(plan.base.id) if plan.base else None,
        "label": config.data.label,
        "trainRecords": plan.train.records,
        "validationRecords": plan.validation.records,
        "labelTotal": plan.train.label_total,
        "tokensBasis": plan.train.basis,
        "maxTokens": most,
        "shareCut": f"{plan.train.tokens.share_cut(most):.4f}",
        "plannedOn": plan.planned.on,
        "candidates": [
            {
                "candidate": one.candidate,
                "format": FORMAT_IDS[one.candidate],
                "chosen": one.chosen,
                "reason": one.reason or None,
                "processedTokens": _estimate(one.tokens),
                "figures": [figures_json(figures) for figures in one.figures],
            }
            for one in plan.candidates
        ],
        "together": [figures_json(one) for one in plan.machines],
        "monthly": [
            {
                "expense": line.item,
                "on": line.on,
                "costUsd": _estimate(line.usd),
                "assumption": line.assumption,
            }
            for line in plan.monthly
        ],
        "prices": [
            {
                "provider": file.provider,
                "asOf": str(file.as_of),
                "stale": file.is_stale(plan.today),
                "priceKind": file.kind,
                "url": file.source,
                "digest": str(file.digest),
            }
            for file in plan.prices
        ],
        "planErrors": [
            {
                "candidate": one.candidate,
                "runCount": one.runs,
                "timeLow": one.time[0],
                "timeHigh": one.time[1],
                "memoryLow": one.memory[0],
                "memoryHigh": one.memory[1],
                "lastMeasured": one.last,
            }
            for one in plan_errors()
            if one.candidate in plan.chosen
        ],
        "warnings": [{"reason": one.reason, "summary": one.summary} for one in plan.remarks],
    }


def _estimate(one: Estimate) -> dict[str, str | None]:
    return {
        "amount": format(one.value, "f"),
        "basis": one.basis,
        "asOf": str(one.as_of) if one.as_of else None,
    }


def figures_json(one: MachineFigures) -> dict[str, Any]:
    """Return the JSON object of the figures on one machine."""
    return {
        "on": one.on,
        "memoryBytes": _estimate(one.memory_bytes),
        "wallSeconds": _estimate(one.wall_seconds),
        "cpuSeconds": _estimate(one.cpu_seconds) if one.cpu_seconds else None,
        "costUsd": _estimate(one.usd),
        "energyKwh": _estimate(one.energy_kwh),
    }
