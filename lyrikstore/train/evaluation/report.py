"""The facts that the HTML report of an evaluation shows, signed and not signed."""

from typing import Any

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments
from lyrikstore.train.task import find_task


def report_facts(repo: Repository, evaluation: Manifest) -> dict[str, Any]:
    """Return the facts for ``evaluation_page``, as ``Models.report`` does.

    Raises:
        InvalidInputError: (``not-an-evaluation``) the object is no evaluation of a test set, or has
            no predictions.
        NotFoundError, VerificationError, IncompleteError, FormatError: Predictions cannot be read.
    """
    attached = evaluation.attachments_in("predictions")
    monitors = evaluation.kind == "evaluation" and "purpose" in evaluation.body
    if evaluation.kind != "evaluation" or not attached or monitors:
        raise InvalidInputError(
            "not-an-evaluation",
            f"{evaluation.name} is not an evaluation of a test set with predictions",
            hint="for monitoring results: lyrikstore log CHECKPOINT --html FILE.html"
            if monitors
            else "make one with: lyrikstore evaluate CHECKPOINT --on TEST --html FILE",
        )
    about = {
        "id": str(evaluation.id),
        "name": evaluation.name,
        "inputs": [(item.role, str(item.id)) for item in evaluation.inputs],
        "body": evaluation.body,
        "chosen": _chosen(repo, evaluation),
    }
    present_attachments(repo, evaluation, "predictions")
    shown: dict[str, Any] = {"samples": [], "confusion": None, "failures": []}
    return {**about, **shown, **find_task(evaluation.body["task"]).report(repo, evaluation)}


def _chosen(repo: Repository, evaluation: Manifest) -> Any:
    """Return the member ``chosen`` of the checkpoint; None: no candidate was chosen."""
    checkpoint = repo.manifest(evaluation.inputs_in("checkpoint")[0].id)
    return checkpoint.body.get("chosen")
