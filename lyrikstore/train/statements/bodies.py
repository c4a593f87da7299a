"""Bodies and inputs of the manifests of a run and of its checkpoints (spec §13.2, §13.6)."""

from collections.abc import Mapping
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Input, Manifest
from lyrikstore.train.candidates import Chosen, segment_steps
from lyrikstore.train.environment import describe_code, precision_of
from lyrikstore.train.formats.formats import Format
from lyrikstore.train.preflight import RunPlan
from lyrikstore.train.task import CopiedInputs, find_task
from lyrikstore.verify.evaluation.choice.candidates import FORMAT_IDS, NAMES, is_refitted
from lyrikstore.verify.evaluation.choice.folds import FOLDS, repeats_of
from lyrikstore.verify.evaluation.tasks import rules_of


def run_body(plan: RunPlan, copied: CopiedInputs) -> dict[str, Any]:
    """Return the body of the run manifest.

    Args:
        plan: The plan of the run.
        copied: The copied data.

    Raises:
        InvalidInputError: (``bad-config``) a threshold can never be checked by an evaluation.
    """
    config = plan.config
    body: dict[str, Any] = {
        "purpose": config.purpose,
        "config": config.to_json(),
        "seed": config.training.seed,
        "order": copied.order,
        "environment": {
            **plan.environment,
            "precision": precision_of(config.training.precision, config.training.device),
        },
        "code": describe_code(),
        "plannedOutputs": [config.name],
        **plan.rights.to_body(),
        "task": plan.task,
        "candidates": [{"format": FORMAT_IDS[name]} for name in plan.candidates],
        "plan": plan.planned,
        "tolerances": config.tolerances.to_run(
            rules_of(plan.task).metric, by_folds=bool(plan.by_folds)
        ),
    }
    if plan.by_folds:
        body["folds"] = {
            "count": FOLDS,
            "repeats": repeats_of(sum(copied.order["records"].values())),
            "candidates": [FORMAT_IDS[name] for name in plan.by_folds],
        }
        if config.training.refit:
            body["refit"] = True
    if each := segment_steps(config, copied.order["records"]["train"]):
        body["segments"] = {"steps": each}
    if plan.prompt:
        body["prompt"] = plan.prompt
    if thresholds := copied.thresholds(config):
        body["thresholds"] = thresholds
    return body


def folded_candidates(run: Manifest) -> tuple[str, ...]:
    """Return the candidates that a run compares by cross-validation.

    Args:
        run: The run; without the member ``folds`` the result is empty.
    """
    named = run.body.get("folds", {}).get("candidates", ())
    return tuple(NAMES[one] for one in named if one in NAMES)


def checkpoint_body(
    plan: RunPlan, run: Manifest, chosen: Chosen, item: Mapping[str, Any], labels: list[str]
) -> dict[str, Any]:
    """Return the body of a checkpoint.

    Args:
        plan: The plan of the run.
        run: Its run.
        chosen: The chosen candidate.
        item: The worker's result for this checkpoint.
        labels: Its labels; empty for a generative model.
    """
    body: dict[str, Any] = {
        "origin": "trained",
        "step": item["step"],
        "epoch": item["epoch"],
        "final": item["final"],
        "format": chosen.form.id,
        "task": plan.task,
        "metrics": dict(chosen.metrics if item["final"] else item["metrics"]),
    }
    final = bool(item["final"])
    body |= find_task(plan.task).checkpoint_members(plan, chosen, labels, final=final)
    if final:
        body["chosen"], body["actual"] = chosen.decided.to_body()["chosen"], dict(chosen.actual)
        if is_refitted(run.body, chosen.form.id):
            body["refit"] = True
    return body


def checkpoint_inputs(plan: RunPlan, run: Manifest, form: Format) -> list[Input]:
    """Return the inputs of a checkpoint.

    Args:
        plan: The plan of the run.
        run: Its run.
        form: Its format.
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
