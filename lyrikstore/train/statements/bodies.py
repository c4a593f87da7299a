"""What runs and the checkpoints that they make say of themselves (spec §13.2, §13.6)."""

from collections.abc import Mapping
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Input, Manifest
from lyrikstore.train.candidates import Chosen
from lyrikstore.train.environment import describe_code, precision_of
from lyrikstore.train.formats.formats import FORMAT_IDS, Format
from lyrikstore.train.preflight import RunPlan
from lyrikstore.train.requirements import promises
from lyrikstore.train.snapshot import Snapshot
from lyrikstore.train.tasks import TASKS
from lyrikstore.train.worker.order import FUNCTION


def run_body(plan: RunPlan, copied: tuple[Snapshot, Snapshot]) -> dict[str, Any]:
    """Return the body of a run.

    Args:
        plan: What it uses.
        copied: What there is of training and validation data.

    Raises:
        InvalidInputError: (``bad-config``) a threshold that no evaluation can judge;
            (``extra-missing``) a package that training needs is not installed.
    """
    config = plan.config
    train, validation = copied
    body: dict[str, Any] = {
        "purpose": config.purpose,
        "config": config.to_json(),
        "seed": config.training.seed,
        "order": {
            "function": FUNCTION,
            "records": {"train": len(train.records), "validation": len(validation.records)},
        },
        "environment": {
            **plan.environment,
            "precision": precision_of(config.training.precision),
        },
        "code": describe_code(),
        "plannedOutputs": [config.name],
        "rights": [right.to_json() for right in plan.rights],
        "task": plan.task,
        "candidates": [{"format": FORMAT_IDS[name]} for name in plan.candidates],
        "plan": plan.planned,
        "tolerances": config.tolerances.to_run(TASKS[plan.task].METRIC),
    }
    if promised := promises(config.thresholds, plan.task, train.labels, config.cost):
        body["thresholds"] = promised
    return body


def checkpoint_body(
    plan: RunPlan, chosen: Chosen, item: Mapping[str, Any], labels: list[str]
) -> dict[str, Any]:
    """Return the body of a checkpoint.

    Args:
        plan: What its run uses.
        chosen: The candidate that was taken.
        item: What its worker said of the checkpoint.
        labels: In the order of the scores.
    """
    config, form = plan.config, chosen.form
    body: dict[str, Any] = {
        "origin": "trained",
        "step": item["step"],
        "epoch": item["epoch"],
        "final": item["final"],
        "format": form.id,
        "task": plan.task,
        "labels": labels,
        "metrics": dict(chosen.metrics if item["final"] else item["metrics"]),
    }
    if form.needs_base:
        body["text"] = {"maxTokens": config.model.max_tokens, "pooling": config.model.pooling}
    if item["final"]:
        body["decision"] = chosen.taken.fitted.decision.to_json()
        body["chosen"] = _reasons(plan, chosen)
        body["actual"] = dict(chosen.actual)
    return body


def _reasons(plan: RunPlan, chosen: Chosen) -> dict[str, Any]:
    metric = TASKS[plan.task].METRIC
    return {
        "metric": metric,
        "reason": chosen.reason,
        "candidates": [
            {
                "format": FORMAT_IDS[one.candidate],
                "metrics": {metric: f"{one.score:.4f}"},
                "taken": one is chosen.taken,
            }
            for one in chosen.tried
        ],
    }


def checkpoint_inputs(plan: RunPlan, run: Manifest, form: Format) -> list[Input]:
    """Return the inputs of a checkpoint.

    Args:
        plan: What its run uses.
        run: The run.
        form: The format of the checkpoint.
    """
    filters: dict[Digest, None] = {}
    for dataset in (*plan.train, plan.validation):
        filters |= dict.fromkeys(item.id for item in dataset.inputs_in("filter"))
    base = [Input("base", "checkpoint", plan.base.id)] if plan.base and form.needs_base else []
    return [
        Input("run", "run", run.id),
        *base,
        *(Input("train", "dataset", one.id) for one in plan.train),
        Input("validation", "dataset", plan.validation.id),
        *(Input("filter", "filter", identity) for identity in filters),
    ]
