"""The in-toto predicate test-result v0.1 of an evaluation (spec §23.3)."""

from collections.abc import Mapping
from typing import Any

from lyrikstore.audit.statements.statement import (
    ExportedObject,
    InTotoStatement,
    describe_manifest,
    report_member,
    subjects_of,
)
from lyrikstore.canon.json import JSON

PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"


def result_of(verified: ExportedObject) -> InTotoStatement:
    """Return the result of an evaluation: its thresholds are the tests.

    An evaluation without a threshold passes nothing: its result is ``WARNED``.

    Raises:
        LyrikstoreError: A manifest or a file cannot be read.
    """
    evaluation = verified.manifest
    ((_, checkpoint),) = verified.inputs(evaluation, "checkpoint")
    thresholds = evaluation.body.get("thresholds", [])
    met: list[JSON] = [_named(one) for one in thresholds if one["met"]]
    missed: list[JSON] = [_named(one) for one in thresholds if not one["met"]]
    result = "FAILED" if missed else "PASSED" if met else "WARNED"
    used = verified.inputs(evaluation, "test", "train", "reference", "against")
    used += verified.inputs(checkpoint, "run")
    return InTotoStatement(
        PREDICATE,
        subjects_of(verified, checkpoint),
        {
            "result": result,
            "configuration": [
                describe_manifest(evaluation, role="evaluation"),
                *(describe_manifest(one, role=link.role) for link, one in used),
            ],
            "passedTests": met,
            "warnedTests": [] if thresholds else ["no threshold was declared"],
            "failedTests": missed,
            "lyrikstore_figures": _figures(evaluation.body),
            "lyrikstore_report": report_member(verified.report),
        },
    )


def _named(threshold: Mapping[str, Any]) -> str:
    about = threshold["metric"]
    if "label" in threshold:
        about += f" of {threshold['label']}"
    limit = f">= {threshold['atLeast']}" if "atLeast" in threshold else ""
    limit = limit or f"<= {threshold['atMost']}"
    return f"{about} {limit}: {threshold['value']}"


def _figures(body: Mapping[str, Any]) -> JSON:
    model = body["model"]
    kept = ("accuracy", "macroF1", "measures", "costPer1000")
    figures = {name: model[name] for name in kept if name in model}
    said = {name: body[name] for name in ("split", "count", "task") if name in body}
    overlap = {name: body["overlap"][name] for name in ("exact",) if name in body["overlap"]}
    return {**said, "model": figures, "overlap": overlap}
