"""Import of base models from installed packages as checkpoints (spec §13.12.1)."""

from contextlib import ExitStack
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lyrikstore.canon.errors import InvalidInputError, storage_errors
from lyrikstore.canon.files import read_at_most
from lyrikstore.context import StoreContext
from lyrikstore.curate.commit.commit import commit_folder
from lyrikstore.curate.commit.inputs import CommitMetadata
from lyrikstore.curate.terms.licence import parse_licence
from lyrikstore.train.formats.base_model import CONFIG, MAX_CONFIG_BYTES, check_model_config
from lyrikstore.train.packages.packaged import (
    AddedModel,
    default_name,
    find_packaged_model,
    spdx,
)
from lyrikstore.train.worker.process import run_job
from lyrikstore.train.worker.staging import Staging, open_staging

# The same names as in the worker, whose module imports the library of the format.
_FILE, _FOLDER = "model.gguf", "out/base"
_PART = 1 << 20


def add_model(
    context: StoreContext, package: str, name: str = "", *, licence: str | None = None
) -> AddedModel:
    """Commit the base model in an installed Python package, without running its code.

    A GGUF file is converted first, in a worker.

    Args:
        context: The store, opened to append.
        package: Name of the package in ``pip``.
        name: Full name of the checkpoint; by default ``checkpoints/base/`` and the package.
        licence: SPDX expression; by default that of the model's card or file, else of the package.

    Raises:
        InvalidInputError: (``extra-missing``) the package that reads GGUF files is not installed.
        PolicyError: (``unsafe-model``, ``unknown-model``) the GGUF file is not a supported
            model. Nothing was committed.
        LyrikstoreError: As :func:`lyrikstore.curate.commit.commit.commit_folder`; as
            :func:`find_packaged_model` and :func:`parse_licence`.
    """
    model = find_packaged_model(package)
    said, said_by = model.licence, model.said_by
    if licence:
        said, said_by = parse_licence(licence), "person who added it"
    source, folder = model.source, model.folder
    with ExitStack() as held:
        if model.gguf is not None:
            # Outside of the store: files inside of it are never committed.
            place = Path(held.enter_context(TemporaryDirectory(prefix="lyrikstore-")))
            staging = held.enter_context(open_staging(place))
            conversion, stated = _convert(context, model.gguf, staging)
            folder = staging.path / _FOLDER
            if stated:  # it has priority over the package's
                source = model.source_by("model file")
                if not licence:
                    said, said_by = stated, "model file"
            source |= {"conversion": conversion}
        about = CommitMetadata(
            licence=said or None,
            message=f"the package {model.package} {model.version}",
            source=source,
        )
        result = commit_folder(context, folder, name or default_name(model), about)
    return AddedModel(model, result, said, said_by)


def _convert(context: StoreContext, file: Path, staging: Staging) -> tuple[dict[str, Any], str]:
    """Convert a GGUF file; return ``conversion`` of the checkpoint, and its licence as SPDX."""
    try:
        metadata.version("gguf")
    except metadata.PackageNotFoundError:
        raise InvalidInputError(
            "extra-missing",
            "reading a GGUF file needs the package gguf, which is not installed",
            hint="pip install 'lyrikstore[gguf]'",
        ) from None
    size = 0
    with (
        storage_errors(f"reading {file.name}"),
        file.open("rb") as read,
        staging.create(_FILE) as write,
    ):
        while part := read.read(_PART):
            size += len(part)
            write(part)
    result = run_job(
        staging,
        {"job": "convert", "name": file.name},
        reads=(_FILE,),
        threads=1,
        base_env=context.environment,
        progress=context.progress,
    )
    check_model_config(read_at_most(staging.path / _FOLDER / CONFIG, MAX_CONFIG_BYTES + 1))
    conversion = {
        "format": str(result["format"]),
        "digest": str(staging.written[_FILE]),
        "bytes": size,
        "tool": str(result["tool"]),
    }
    return conversion, spdx(str(result["licence"]))
