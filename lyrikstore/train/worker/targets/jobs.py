"""The jobs of a deployment: export of a model to a target, and inference with the result."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lyrikstore.train.task import find_task
from lyrikstore.train.worker.errors import loading
from lyrikstore.train.worker.export.output import FOLDER, Output
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.targets.registry import TARGETS
from lyrikstore.train.worker.training.checkpoint_writer import Report


def export(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Export a checkpoint to the files of a target.

    Args:
        job: ``target``, ``threads``, ``seed``, ``needsBase``, and the task's members about the
            model.
        files: The staging folder: the checkpoint, and its base if it has one.
        report: Called at the start and at the end.

    Returns:
        ``files``: name → BLAKE3 of each, in :data:`FOLDER`.

    Raises:
        InvalidInputError: (``no-such-target``) the target cannot give the model's answers;
        (``too-large``) the model is too large for the target.
    """
    report("export", 0, 1)
    if job["needsBase"]:
        from lyrikstore.train.worker.models.encoder import prepare

        prepare(job["threads"], job["seed"])
    out = Output(files.folder / FOLDER)
    TARGETS[job["target"]].part.write(job, files, out)
    report("export", 1, 1)
    return {"files": out.digests}


def ask(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Predict the probe records with a deployed folder, by the software that serves it.

    Args:
        job: ``folder``, its path; ``target``, ``task``, ``threads``, and the members of the task.
        files: The staging folder.
        report: Called per record.

    Returns:
        The members that the task compares; and ``latencyMs``.
    """
    with loading("the folder"):
        reader = TARGETS[job["target"]].part.read(Path(job["folder"]), job)
    return find_task(job["task"]).ask(job, files, reader, report)
