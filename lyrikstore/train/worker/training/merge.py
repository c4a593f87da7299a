"""Merging of an adapter into its base, with a comparison of both (spec §13.15.2)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.encoder import prepare
from lyrikstore.train.worker.models.fine_tuned_encoder import Tuned
from lyrikstore.train.worker.staging import CHECKPOINT
from lyrikstore.train.worker.training.checkpoint_writer import Report


def merge(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Merge a staged adapter into its base, and write the model as ``encoder/1``.

    Args:
        job: ``threads``, and ``probes``: texts on which both models are compared.
        files: The staging folder: base and checkpoint.
        report: Called once.

    Returns:
        ``folder`` of the model; ``moved``: the largest change of a logit, a decimal.
    """
    prepare(int(job["threads"]), 0)
    model = Tuned.load(files, CHECKPOINT)
    probes = model.text.encode(list(job["probes"]))
    before = model.logits_of(probes)
    report("merge", 0, 1)
    folder = files.folder / "out" / "merged"
    folder.mkdir(parents=True, mode=0o700)
    merged = model.merged()
    after = merged.logits_of(probes)
    merged.save(folder)
    return {"folder": "out/merged", "moved": f"{float(np.abs(after - before).max()):.9f}"}
