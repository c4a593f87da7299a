"""What came of a run, next to what came when it was done again (spec §13.14)."""

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
"""What of a generative model says how its prompts come out."""

_MEMBERS = (
    *("step", "epoch", "final", "format", "task", "labels", "text", PROMPT),
    *("decision", "chosen"),
)
_MEASURED = frozenset({"acceleratorMemoryBytes", "cpuSeconds", "peakMemoryBytes", "wallSeconds"})
"""Metrics that are others every time."""
_HISTORY, _METRICS = "history", "metrics"
_SMALLEST = Decimal("1e-12")


class DigestOnly:
    """Takes the files of a checkpoint that nobody stores."""

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
    """Return one of ``compared`` of a reproduction.

    Args:
        repo: The store.
        checkpoint: What the run gave.
        sealed: The files that came now.
        body: What a checkpoint of them would say.
        history: Digest of how their training went, where it took steps.
        distances: Digest of the file by which texts are unlike the training data, if there is one.
        folder: Where the files are.
        form: Their format.

    Raises:
        VerificationError, StorageError: A file of the checkpoint is damaged or cannot be read.

    Cost: reads both models where they differ, two tensors of a file at a time and the files whole.
    """
    found: dict[str, Any] = {"checkpoint": str(checkpoint.id), "tree": str(sealed.tree_id)}
    then, now = checkpoint.body, body
    differs = [name for name in _MEMBERS if then.get(name) != now.get(name)]
    if _attached(checkpoint, _HISTORY) != history:
        differs.append(_HISTORY)
    # What was trained before there was such a statement has none.
    if UNLIKE in then and (
        then[UNLIKE] != now.get(UNLIKE) or _attached(checkpoint, UNLIKE) != distances
    ):
        differs.append(UNLIKE)
    measured, comes = then.get("metrics", {}), now.get("metrics", {})
    # ATTACK: a metric that training does not give, or the one that decides, left out.
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
    """Return how far metrics are from each other, of those that both have and that differ."""
    names = sorted((then.keys() & now.keys()) - _MEASURED)
    found = {name: abs(Decimal(then[name]) - Decimal(now[name])) for name in names}
    return {name: _text(value) for name, value in found.items() if value}


def _weights(
    repo: Repository, checkpoint: Manifest, folder: Path, form: Format
) -> dict[str, str] | None:
    """Return the greatest differences; None if the weights have other names or shapes."""
    before, absolute, relative = repo.tree(checkpoint).by_path, 0.0, 0.0
    for name in form.weight_files:
        if name not in before:
            return None
        try:
            then = load(repo.blobs.read(before[name].blake3, max_bytes=before[name].bytes))
        except IncompleteError:  # what is not here cannot be held against anything
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
        raise RunFailedError("bad-output", f"{path.name} is not what it was") from error


def _text(value: Decimal) -> str:
    """Return a decimal of twelve places, never less than it is."""
    return decimal_text(value.quantize(_SMALLEST, ROUND_UP))
