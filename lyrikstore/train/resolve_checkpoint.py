"""Trained checkpoints: which can answer, and how they reach a worker, verified (spec §13.6)."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyrikstore.canon.errors import (
    FormatError,
    InvalidInputError,
    RunFailedError,
    storage_errors,
)
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.resolve import check_effect
from lyrikstore.history.repository.retired import present_tree
from lyrikstore.train.formats import adapter
from lyrikstore.train.formats.check import (
    check_distances,
    check_settings,
    check_tensors,
    refuse,
)
from lyrikstore.train.formats.formats import BLEND, FOREIGN, FORMATS, format_of
from lyrikstore.train.formats.word_counts import (
    CHARACTERS,
    MAX_CHARACTERS_BYTES,
    MAX_VOCABULARY_BYTES,
    VOCABULARY,
)
from lyrikstore.train.snapshot import copy_base, copy_weights, staged_base
from lyrikstore.train.task import find_task
from lyrikstore.train.worker.staging import CHECKPOINT, UNLIKE_FILE, Staging
from lyrikstore.verify.evaluation.answers import WHOLE
from lyrikstore.verify.evaluation.choice.candidates import BY_FOLDS
from lyrikstore.verify.evaluation.choice.task import limit_text
from lyrikstore.verify.evaluation.choice.unlike import UNLIKE, unlike_fault
from lyrikstore.verify.evaluation.external_answers import EXTERNAL
from lyrikstore.verify.store.test_sets import MERGED, fitted_to


def resolve_trained(repo: Repository, ref: str) -> Manifest:
    """Return a checkpoint that can answer.

    Raises:
        InvalidInputError: (``not-trained``) it is something else; (``weights-elsewhere``) it is a
            model whose answers alone are known here; (``not-ours``) a program of the caller's
            trained it, and loads it.
        FormatError: (``newer-format``) it has a format that this version does not load.
        PolicyError: (``without-effect``) the log gives it no effect, as after the key of its author
            was compromised.
    """
    found = repo.resolve(ref)
    check_effect(repo, found)
    if found.body.get("origin") == EXTERNAL:
        raise InvalidInputError(
            "weights-elsewhere",
            f"{found.name} is a model whose weights are not in this store",
            hint="measure what it answers: lyrikstore checkout TEST DIR --without LABEL, then "
            f"lyrikstore evaluate {found.name} --on TEST --predictions FILE",
        )
    if found.kind != "checkpoint" or not is_trained(found):
        raise InvalidInputError(
            "not-trained",
            f"{ref} is not a trained checkpoint",
            hint="name a checkpoint that `lyrikstore train` made; what others answer is measured: "
            "lyrikstore evaluate CHECKPOINT --on TEST --predictions FILE",
        )
    if found.body["format"] in FOREIGN:
        raise InvalidInputError(
            "not-ours",
            f"{ref} has the format {found.body['format']}, which a program of somebody's own loads",
            hint="write its files to a folder and load them with that program: "
            f"lyrikstore checkout {found.name} FOLDER; what it answers is measured: "
            f"lyrikstore evaluate {found.name} --on TEST --predictions FILE",
        )
    if found.body["format"] not in {*FORMATS, BLEND}:
        raise FormatError(
            "newer-format",
            f"{ref} has the format {found.body['format'][:40]}",
            hint="upgrade lyrikstore",
        )
    return found


def learned_from(repo: Repository, checkpoint: Manifest) -> list[Manifest]:
    """Return the datasets whose records a checkpoint was fitted to: training data first.

    Those that only chose it, or said when to stop, are not among them.

    Args:
        repo: The store.
        checkpoint: A checkpoint that a run made.

    Raises:
        LyrikstoreError: A manifest is not here, or damaged.
    """
    return [repo.manifest(one) for one in fitted_to(checkpoint)]


def records_deciding(checkpoint: Manifest, run: Manifest) -> int:
    """Return by how many records temperature and limits of a model with labels were fitted.

    Args:
        checkpoint: The model.
        run: Its run.
    """
    records = run.body["order"]["records"]
    candidates = checkpoint.body.get("chosen", {}).get("candidates", ())
    by_folds = any(one["taken"] and one.get("by") == BY_FOLDS for one in candidates)
    return int(records["validation"]) + (int(records["train"]) if by_folds else 0)


def is_trained(checkpoint: Manifest) -> bool:
    """Return whether a checkpoint was trained here, or made of one that was by merging."""
    body = checkpoint.body
    merged = body.get("operation", {}).get("use") == MERGED and bool(checkpoint.inputs_in("run"))
    return body["origin"] == "trained" or merged


def check_limit(checkpoint: Manifest, below: float) -> str:
    """Return a confidence below which a checkpoint is to answer nothing, as it is signed.

    Raises:
        InvalidInputError: (``bad-confidence``) it is not from 0 to 1, or the checkpoint does not
            say how sure it is.
    """
    if find_task(checkpoint.body["task"]).generative:
        raise InvalidInputError(
            "bad-confidence",
            f"{checkpoint.name} generates text, and does not say how sure it is of it",
            hint="leave --abstain-below out",
        )
    return limit_text(below)


def stage_checkpoint(repo: Repository, checkpoint: Manifest, staging: Staging) -> tuple[str, ...]:
    """Copy a checkpoint, and its base model where it needs one, verified.

    Returns:
        The staged files, each of which is read to load it.

    Raises:
        FormatError: (``bad-checkpoint``) its tree is not that of its format, or its settings are
            not those that we load.
        PolicyError, VerificationError, IncompleteError, StorageError: As for a base model.
    """
    files = present_tree(repo, checkpoint).by_path
    form = format_of(checkpoint.body["format"], frozenset(files))
    if form is None:
        refuse(checkpoint.name, f"it has other files than {checkpoint.body['format']} has")
    try:
        task = find_task(checkpoint.body["task"])
    except InvalidInputError:
        refuse(checkpoint.name, f"its task {checkpoint.body['task'][:40]!r} is not installed here")
    if form.candidate not in task.candidates:
        refuse(checkpoint.name, f"the task of {form.id} is another")
    base: Manifest | None = None
    settings: dict[str, Any] = {}
    if form.needs_base:
        named = checkpoint.inputs_in("base")
        if len(named) != 1:
            refuse(checkpoint.name, "it names no base model")
        base = repo.manifest(named[0].id)
        settings = copy_base(repo, base, staging)
    for name in form.json_files:
        if repo.blobs.size(files[name].blake3) > _limit(name):
            refuse(name, f"it is too long (more than {_limit(name) >> 20} MiB)")
    read = {
        name: repo.blobs.read(files[name].blake3, max_bytes=_limit(name))
        for name in form.json_files
    }
    shapes = check_settings(form, read, checkpoint.body, base.tree if base else None, settings)
    for name, data in read.items():
        staging.write(f"{CHECKPOINT}/{name}", data)
    for name in form.weight_files:
        wanted = shapes.get(name)
        check = (lambda _: None) if wanted is None else partial(check_tensors, name, wanted=wanted)
        copy_weights(repo, files[name].blake3, staging, f"{CHECKPOINT}/{name}", check)
    return (*staged_base(staging), *(f"{CHECKPOINT}/{name}" for name in sorted(form.files)))


def stage_unlike(repo: Repository, checkpoint: Manifest, staging: Staging) -> tuple[str, ...]:
    """Copy what tells texts that are unlike the training data, where a checkpoint has such a file.

    Returns:
        The staged files, each of which has to be read.

    Raises:
        FormatError: (``bad-checkpoint``) what it says of that is nothing that we load.
        VerificationError, IncompleteError, StorageError: As :func:`copy_weights`.
    """
    attached = checkpoint.attachments_in(UNLIKE)
    if fault := unlike_fault(checkpoint.body, len(attached)):
        refuse(UNLIKE, fault)
    check = partial(check_distances, labels=len(checkpoint.body["labels"]))
    for one in attached:
        copy_weights(repo, one.id, staging, UNLIKE_FILE, check)
    return (UNLIKE_FILE,) if attached else ()


def answering_job(checkpoint: Manifest, *, threads: int, seed: int) -> dict[str, Any]:
    """Return the members of a job in which a checkpoint answers."""
    body = checkpoint.body
    return {
        "threads": threads,
        "seed": seed,
        "task": body["task"],
        "format": body["format"],
        "decision": body.get("decision", {}),
        UNLIKE: body.get(UNLIKE, {}),
        "needsBase": bool(checkpoint.inputs_in("base")),
    }


def read_scores(
    staging: Staging, answered: Mapping[str, Any], records: int, labels: int
) -> NDArray[np.int32]:
    """Return what a worker wrote: millionths, records × labels.

    Raises:
        RunFailedError: (``bad-output``) it is no such file.
        StorageError: It cannot be read.
    """
    path = staging.path / str(answered["scores"])
    with storage_errors(f"reading {path.name}"):
        data = path.read_bytes() if path.stat().st_size == 4 * records * labels else b""
    found = np.frombuffer(data, "<i4")
    if len(found) != records * labels or found.min() < 0 or found.max() > WHOLE:
        raise RunFailedError("bad-output", f"{path.name} is not what a worker writes")
    return found.reshape(records, labels)


def _limit(name: str) -> int:
    limits = {VOCABULARY: MAX_VOCABULARY_BYTES, CHARACTERS: MAX_CHARACTERS_BYTES}
    return limits.get(name.rpartition("/")[2], adapter.MAX_JSON_BYTES)
