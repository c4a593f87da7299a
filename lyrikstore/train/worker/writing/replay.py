"""Drawn segments of a model that writes, learned again (spec §13.14.1)."""

from collections.abc import Mapping
from typing import Any

from lyrikstore.train.worker.fitting.replay import replay_learner
from lyrikstore.train.worker.fitting.written import Report
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.writing.training import open_writer


def replay_writer(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Learn some segments of a model that writes again.

    Args:
        job: As for :func:`lyrikstore.train.worker.writing.training.train_writer` and
            :func:`lyrikstore.train.worker.fitting.replay.replay_learner`.
        files: The staging folder.
        report: Called per segment.

    Returns:
        As :func:`lyrikstore.train.worker.fitting.replay.replay_learner`.
    """
    fitting = open_writer(job, files)
    return replay_learner(job, files, report, fitting, fitting.writer)
