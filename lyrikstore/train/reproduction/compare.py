"""Comparison of a checkpoint with the result of its reproduction (spec §13.14)."""

from collections.abc import Mapping
from decimal import ROUND_UP, Decimal
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, RunFailedError
from lyrikstore.canon.files import read_at_most
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.formats.formats import Format
from lyrikstore.train.requirements import decimal_text
from lyrikstore.train.seal import Sealed
from lyrikstore.verify.evaluation.choice.unlike import UNLIKE

PROMPT = "prompt"
"""Member of a checkpoint with the prompt settings of a generative model."""

_MEMBERS = (
    *("step", "epoch", "final", "format", "task", "labels", "text", PROMPT),
    *("decision", "chosen"),
)
_MEASURED = frozenset({"acceleratorMemoryBytes", "cpuSeconds", "peakMemoryBytes", "wallSeconds"})
"""Metrics that differ in every run."""
_HISTORY, _METRICS = "history", "metrics"
_SMALLEST = Decimal("1e-12")


class DigestOnly:
    """Writer that only computes digests, for checkpoints that are not stored."""

    def put_bytes(self, data: bytes) -> Digest:
        """Return the digest."""
        return Digest.of(data)

    def put_data(self, data: bytes) -> Digest:
        """Return the digest."""
        return Digest.of(data)


def compare_checkpoint(
    repo: Repository,
    checkpoint: Manifest,
    sealed: Sealed,
    *,
    body: Mapping[str, Any],
    history: Digest | None,
    distances: Digest | None,
    folder: Path,
    form: Format,
) -> dict[str, Any]:
    """Return the entry of ``compared`` for one checkpoint of a reproduction.

    Args:
        repo: The store.
        checkpoint: The checkpoint of the run.
        sealed: The files of the reproduction.
        body: The body that a checkpoint of these files would have.
        history: Digest of the training history; None: training had no steps.
        distances: Digest of the file that detects texts unlike the training data; None: there is
            none.
        folder: The folder of the files.
        form: Their format.

    Raises:
        VerificationError, StorageError: A file of the checkpoint is damaged or cannot be read.

    Cost: if the models differ, both are read: whole files, and two tensors at a time.
    """
    found: dict[str, Any] = {"checkpoint": str(checkpoint.id), "tree": str(sealed.tree_id)}
    then, now = checkpoint.body, body
    differs = [name for name in _MEMBERS if then.get(name) != now.get(name)]
    if _attached(checkpoint, _HISTORY) != history:
        differs.append(_HISTORY)
    # Checkpoints of older versions do not have this member.
    if UNLIKE in then and (
        then[UNLIKE] != now.get(UNLIKE) or _attached(checkpoint, UNLIKE) != distances
    ):
        differs.append(UNLIKE)
    measured, comes = then.get("metrics", {}), now.get("metrics", {})
    # ATTACK: a metric that training does not compute, or a missing deciding metric.
    if (measured.keys() ^ comes.keys()) - _MEASURED:
        differs.append(_METRICS)
    if differs:
        found["differs"] = differs
    if metrics := _metrics(measured, comes):
        found[_METRICS] = metrics
    if checkpoint.tree == sealed.tree_id:
        return found
    before = repo.tree(checkpoint).by_path
    found["files"] = {
        one.path: str(one.blake3)
        for one in sealed.tree.entries
        if one.path not in before or before[one.path].blake3 != one.blake3
    } or {path: str(before[path].blake3) for path in before.keys() - sealed.tree.by_path.keys()}
    if weights := _weights(repo, checkpoint, folder, form):
        found["weights"] = weights
    return found


def _attached(checkpoint: Manifest, role: str) -> Digest | None:
    found = checkpoint.attachments_in(role)
    return found[0].id if found else None


def _metrics(then: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """Return the absolute differences of metrics that both have and that differ."""
    names = sorted((then.keys() & now.keys()) - _MEASURED)
    found = {name: abs(Decimal(then[name]) - Decimal(now[name])) for name in names}
    return {name: _text(value) for name, value in found.items() if value}


def _weights(
    repo: Repository, checkpoint: Manifest, folder: Path, form: Format
) -> dict[str, str] | None:
    """Return the greatest differences of weights; None if they have other names or shapes."""
    before, absolute, relative = repo.tree(checkpoint).by_path, 0.0, 0.0
    for name in form.weight_files:
        if name not in before:
            return None
        try:
            then = load(repo.blobs.read(before[name].blake3, max_bytes=before[name].bytes))
        except IncompleteError:  # missing weights cannot be compared
            return None
        now = _loaded(folder / name, before[name].bytes)
        if {key: value.shape for key, value in then.items()} != {
            key: value.shape for key, value in now.items()
        }:
            return None
        for key, value in then.items():
            if not value.size:
                continue
            wide = value.astype(np.float64)
            far = float(np.abs(wide - now[key].astype(np.float64)).max())
            if not np.isfinite(far):
                return None
            absolute = max(absolute, far)
            most = float(np.abs(wide).max())
            relative = max(relative, far / most if most else float(far > 0))
    return {"absolute": _text(Decimal(absolute)), "relative": _text(Decimal(relative))}


def _loaded(path: Path, size: int) -> dict[str, Any]:
    try:
        return load(read_at_most(path, 2 * size + 1))
    except ValueError as error:
        raise RunFailedError(
            "bad-output", f"{path.name} is not a readable safetensors file"
        ) from error


def _text(value: Decimal) -> str:
    """Return a decimal of twelve places, rounded up."""
    return decimal_text(value.quantize(_SMALLEST, ROUND_UP))
