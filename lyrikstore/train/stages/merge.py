"""Merging of an adapter into its base model: a new checkpoint without training (spec §13.15.2)."""

from typing import Any

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError, RunFailedError
from lyrikstore.canon.progress import Progress
from lyrikstore.context import StoreContext
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Input, Manifest
from lyrikstore.history.manifests.names import parse_name
from lyrikstore.train.formats import adapter, encoder
from lyrikstore.train.formats.formats import FORMATS
from lyrikstore.train.resolve_checkpoint import resolve_trained, stage_checkpoint
from lyrikstore.train.seal import seal, sign_next
from lyrikstore.train.worker.process import run_job
from lyrikstore.train.worker.staging import open_staging
from lyrikstore.verify.evaluation.choice.unlike import UNLIKE
from lyrikstore.verify.store.test_sets import MERGED, MERGED_MEMBERS

LIMIT = 1e-3
"""Greatest permitted change of a probe's logit: float32 sums have another order."""

_THREADS = 2
_SENTENCES = (
    "This agreement may be terminated by either party.",
    "The quick brown fox jumps over the lazy dog",
    "1234 5678, §§ 9-10: naïve café",
)


class Merged(Struct, frozen=True):
    """The result of a merge.

    Attributes:
        checkpoint: The new checkpoint.
        log_index: Its position in the log.
        source: The checkpoint with the adapter.
        probes: Number of texts that both models answered.
        moved: The greatest change of a logit.
    """

    checkpoint: Manifest
    log_index: int
    source: Manifest
    probes: int
    moved: float


def merge_adapter(context: StoreContext, ref: str, name: str) -> Merged:
    """Merge the adapter of a checkpoint into its base; return the signed, logged checkpoint.

    Args:
        context: The store, opened to append; progress is in the phases ``check``, ``merge``,
            ``log`` and ``done``.
        ref: A checkpoint of the format ``peft-lora/1``.
        name: Name of the new checkpoint, under ``checkpoints/``.

    Raises:
        InvalidInputError: (``no-adapter``) it has no adapter; (``bad-name``) the name is not valid
            for a
            checkpoint, or is that of the source.
        RunFailedError: (``bad-output``) the merged model gives other answers.
        FormatError, PolicyError, VerificationError, IncompleteError: As for a prediction.
        ConflictError, LockedError, StorageError: As any transaction.
        LyrikstoreError: As :func:`resolve_trained`.
    """
    repo, progress = context.repository, context.progress
    context.signer()  # before the work
    progress(Progress(phase="check"))
    source = resolve_trained(repo, ref)
    called = parse_name(name)
    if called.prefix != "checkpoints" or str(called) == source.name:
        raise InvalidInputError(
            "bad-name",
            f"{name} cannot be the name of the merged checkpoint",
            hint="choose checkpoints/NAMESPACE/NAME, different from the source",
        )
    if source.body["format"] != adapter.FORMAT:
        raise InvalidInputError(
            "no-adapter",
            f"{ref} has the format {source.body['format']}: there is no adapter to merge",
            hint="merge a checkpoint whose format is peft-lora/1",
        )
    base = repo.manifest(source.inputs_in("base")[0].id)
    probes = [*_SENTENCES, *source.body["labels"][:13]]
    form = FORMATS[encoder.FORMAT]
    with open_staging(repo.root) as staging:
        files = stage_checkpoint(repo, source, staging)
        progress(Progress(phase="merge"))
        result = run_job(
            staging,
            {"job": "merge", "threads": _THREADS, "probes": probes},
            reads=files,
            threads=_THREADS,
            base_env=context.environment,
            progress=progress,
        )
        moved = float(result["moved"])
        if not moved <= LIMIT:
            raise RunFailedError(
                "bad-output",
                f"the merged model gives other answers: a logit changed by {moved:g}",
                hint="nothing was stored; keep the adapter, or train with a lower [lora] alpha",
            )
        with open_transaction(repo) as transaction:
            sealed = seal(
                staging.path / str(result["folder"]),
                transaction.writer,
                form,
                base=base.tree,
                private=staging.path,
            )
            inputs = [Input("source", "checkpoint", source.id), *source.inputs]
            manifest = sign_next(
                context,
                "checkpoint",
                str(called),
                _body(source),
                inputs,
                sealed=sealed,
                attachments=source.attachments_in(UNLIKE),
            )
            progress(Progress(phase="log"))
            transaction.log_manifest(manifest)
            index = transaction.commit()[0]
    progress(Progress(phase="done"))
    return Merged(manifest, index, source, len(probes), moved)


def _body(source: Manifest) -> dict[str, Any]:
    return {
        "origin": "derived",
        "format": encoder.FORMAT,
        "operation": {"use": MERGED},
        **{name: source.body[name] for name in MERGED_MEMBERS if name in source.body},
    }
