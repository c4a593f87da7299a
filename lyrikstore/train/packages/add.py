"""Base models that installed packages bring, as checkpoints (spec §13.12.1)."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from lyrikstore.context import StoreContext
from lyrikstore.curate.commit.commit import commit_folder
from lyrikstore.curate.commit.inputs import CommitMetadata
from lyrikstore.curate.terms.licence import parse_licence
from lyrikstore.train.formats.gguf.convert import convert_gguf
from lyrikstore.train.packages.packaged import AddedModel, default_name, find_packaged_model


def add_model(
    context: StoreContext, package: str, name: str = "", *, licence: str | None = None
) -> AddedModel:
    """Commit the base model in an installed Python package; none of its code is run.

    One that is a GGUF file is converted first.

    Args:
        context: The store, and who signs.
        package: The package, as ``pip`` knows it.
        name: Full name of the checkpoint; by default ``checkpoints/base/`` and the package.
        licence: SPDX expression; by default what the model's card says, else the package.

    Raises:
        NotFoundError: (``no-package``) it is not installed.
        InvalidInputError: (``not-a-model``) it has not exactly one base model;
            (``bad-licence``) no SPDX expression.
        PolicyError: (``unsafe-model``, ``unknown-model``) the GGUF file is not a model that we
            load. Nothing was committed.
        LyrikstoreError: As :func:`lyrikstore.curate.commit.commit.commit_folder`.
    """
    model = find_packaged_model(package)
    said = parse_licence(licence) if licence else model.licence
    source, folder = model.source, model.folder
    with ExitStack() as held:
        if model.gguf is not None:
            # Beside the store: what lies in it is never committed.
            folder = Path(held.enter_context(TemporaryDirectory(prefix="lyrikstore-")))
            source |= {"conversion": convert_gguf(model.gguf, folder).to_json()}
        stated = CommitMetadata(
            licence=said or None,
            message=f"the package {model.package} {model.version}",
            source=source,
        )
        result = commit_folder(context, folder, name or default_name(model), stated)
    said_by = "person who added it" if licence else model.said_by
    return AddedModel(model, result, said, said_by)
