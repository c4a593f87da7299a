"""What a report on an evaluation shows beside what was signed."""

from typing import Any

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments
from lyrikstore.train.task import find_task


def report_facts(repo: Repository, evaluation: Manifest) -> dict[str, Any]:
    """Return what ``evaluation_page`` shows, as ``Models.report``.

    Raises:
        InvalidInputError: (``not-an-evaluation``) it is something else, a monitor, or carries no
            predictions.
        NotFoundError, VerificationError, IncompleteError, FormatError: These cannot be read.
    """
    attached = evaluation.attachments_in("predictions")
    monitors = evaluation.kind == "evaluation" and "purpose" in evaluation.body
    if evaluation.kind != "evaluation" or not attached or monitors:
        raise InvalidInputError(
            "not-an-evaluation",
            f"{evaluation.name} is no evaluation of a test set that carries its predictions",
            hint="of a monitor: lyrikstore log CHECKPOINT --html FILE.html"
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
    """Return how the candidate was chosen, as its checkpoint says; None: none was."""
    checkpoint = repo.manifest(evaluation.inputs_in("checkpoint")[0].id)
    return checkpoint.body.get("chosen")
