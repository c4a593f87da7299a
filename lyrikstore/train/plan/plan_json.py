"""A plan as ``schemas/cli/plan.schema.json`` describes it."""

from typing import Any

from lyrikstore.train.plan.estimate import Estimate, MachineFigures
from lyrikstore.train.plan.plan import TrainingPlan
from lyrikstore.verify.evaluation.choice.candidates import FORMAT_IDS


def plan_json(plan: TrainingPlan) -> dict[str, Any]:
    """Return a plan, all members of it, as JSON."""
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
        "warnings": [{"reason": one.reason, "summary": one.summary} for one in plan.remarks],
    }


def _estimate(one: Estimate) -> dict[str, str | None]:
    return {
        "amount": format(one.value, "f"),
        "basis": one.basis,
        "asOf": str(one.as_of) if one.as_of else None,
    }


def figures_json(one: MachineFigures) -> dict[str, Any]:
    """Return what something takes on one machine."""
    return {
        "on": one.on,
        "memoryBytes": _estimate(one.memory_bytes),
        "wallSeconds": _estimate(one.wall_seconds),
        "cpuSeconds": _estimate(one.cpu_seconds) if one.cpu_seconds else None,
        "costUsd": _estimate(one.usd),
        "energyKwh": _estimate(one.energy_kwh),
    }
