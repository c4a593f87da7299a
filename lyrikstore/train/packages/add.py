"""Base models that installed packages bring, as checkpoints (spec §13.12.1)."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.canon.timestamps import Clock
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.curate.commit.commit import commit_folder
from lyrikstore.curate.commit.inputs import CommitMetadata
from lyrikstore.curate.commit.result import CommitResult
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.formats.gguf.convert import convert_gguf
from lyrikstore.train.packages.packaged import PackagedModel


def add_model(
    repo: Repository,
    model: PackagedModel,
    name: str,
    licence: str,
    *,
    signer: Signer,
    clock: Clock,
    cache: Path | None,
    progress: OnProgress = silent,
) -> CommitResult:
    """Commit a packaged model, converted first where it is a GGUF file.

    Args:
        repo: The store, opened to append.
        model: What the package has.
        name: Full name of the checkpoint.
        licence: The rights as asserted, as SPDX; empty: none are.
        signer: Signs the manifest.
        clock: Tells the claimed time.
        cache: The user's cache for this store.
        progress: Progress callback, called per file.

    Raises:
        PolicyError: (``unsafe-model``, ``unknown-model``) the GGUF file is not a model that we
            load. Nothing was committed.
        LyrikstoreError: As :func:`lyrikstore.curate.commit.commit.commit_folder`.
    """
    source, folder = model.source, model.folder
    with ExitStack() as held:
        if model.gguf is not None:
            # Beside the store: what lies in it is never committed.
            folder = Path(held.enter_context(TemporaryDirectory(prefix="lyrikstore-")))
            source |= {"conversion": convert_gguf(model.gguf, folder).to_json()}
        return commit_folder(
            repo,
            folder,
            name,
            CommitMetadata(
                licence=licence or None,
                message=f"the package {model.package} {model.version}",
                source=source,
            ),
            signer=signer,
            clock=clock,
            cache_dir=cache,
            progress=progress,
        )
