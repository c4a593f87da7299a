"""Resolution of trained checkpoints, and verified copies of them for workers (spec §13.6)."""

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
    """Return a trained checkpoint that this package can load.

    Raises:
        InvalidInputError: (``not-trained``) it is no trained checkpoint; (``weights-elsewhere``)
            the store has answers of the model, not its weights; (``not-ours``) an external trainer
            made it, and only that program loads it.
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
            hint="evaluate its answers: lyrikstore checkout TEST DIR --without LABEL, then "
            f"lyrikstore evaluate {found.name} --on TEST --predictions FILE",
        )
    if found.kind != "checkpoint" or not is_trained(found):
        raise InvalidInputError(
            "not-trained",
            f"{ref} is not a trained checkpoint",
            hint="name a checkpoint that `lyrikstore train` made; to evaluate answers of others: "
            "lyrikstore evaluate CHECKPOINT --on TEST --predictions FILE",
        )
    if found.body["format"] in FOREIGN:
        raise InvalidInputError(
            "not-ours",
            f"{ref} has the format {found.body['format']}, which only the external trainer loads",
            hint="write its files to a folder and load them with that program: "
            f"lyrikstore checkout {found.name} FOLDER; to evaluate its answers: "
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
    """Return the datasets that a checkpoint was trained on, training data first.

    Datasets that only chose the checkpoint, or decided when to stop, are not among them.

    Args:
        repo: The store.
        checkpoint: A checkpoint that a run made.

    Raises:
        LyrikstoreError: A manifest is missing or damaged.
    """
    return [repo.manifest(one) for one in fitted_to(checkpoint)]


def records_deciding(checkpoint: Manifest, run: Manifest) -> int:
    """Return the number of records that temperature and limits of a labelling model were fitted on.

    Args:
        checkpoint: The model.
        run: Its run.
    """
    records = run.body["order"]["records"]
    candidates = checkpoint.body.get("chosen", {}).get("candidates", ())
    by_folds = any(one["taken"] and one.get("by") == BY_FOLDS for one in candidates)
    return int(records["validation"]) + (int(records["train"]) if by_folds else 0)


def is_trained(checkpoint: Manifest) -> bool:
    """Return whether a checkpoint was trained here, or merged from one that was."""
    body = checkpoint.body
    merged = body.get("operation", {}).get("use") == MERGED and bool(checkpoint.inputs_in("run"))
    return body["origin"] == "trained" or merged


def check_limit(checkpoint: Manifest, below: float) -> str:
    """Return the confidence below which a checkpoint abstains, as the decimal that is signed.

    Raises:
        InvalidInputError: (``bad-confidence``) it is not from 0 to 1, or the checkpoint has no
            confidence.
    """
    if find_task(checkpoint.body["task"]).generative:
        raise InvalidInputError(
            "bad-confidence",
            f"{checkpoint.name} generates text, and its answers have no confidence",
            hint="leave --abstain-below out",
        )
    return limit_text(below)


def stage_checkpoint(repo: Repository, checkpoint: Manifest, staging: Staging) -> tuple[str, ...]:
    """Copy a checkpoint, and its base model if it needs one, verified, into the staging folder.

    Returns:
        The names of the staged files; a worker reads each of them.

    Raises:
        FormatError: (``bad-checkpoint``) its tree does not fit its format, or its settings are not
            ones that can be loaded.
        PolicyError, VerificationError, IncompleteError, StorageError: As for a base model.
    """
    files = present_tree(repo, checkpoint).by_path
    form = format_of(checkpoint.body["format"], frozenset(files))
    if form is None:
        refuse(
            checkpoint.name, f"its files are not those of the format {checkpoint.body['format']}"
        )
    try:
        task = find_task(checkpoint.body["task"])
    except InvalidInputError:
        refuse(checkpoint.name, f"its task {checkpoint.body['task'][:40]!r} is not installed here")
    if form.candidate not in task.candidates:
        refuse(checkpoint.name, f"the format {form.id} belongs to another task")
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
    """Copy the file that detects texts unlike the training data, if a checkpoint has one.

    Returns:
        The names of the staged files; a worker reads each of them.

    Raises:
        FormatError: (``bad-checkpoint``) its member ``unlike`` is not one that can be loaded.
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
    """Return the job members that describe a checkpoint whose answers are computed."""
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
    """Return the scores that a worker wrote: millionths, records × labels.

    Raises:
        RunFailedError: (``bad-output``) the file has another size, or a value out of range.
        StorageError: The file cannot be read.
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
