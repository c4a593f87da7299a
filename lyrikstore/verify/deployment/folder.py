"""Reading of a deployed folder: its kind, and the files below ``lyrikstore/``."""

from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError
from lyrikstore.canon.limits import (
    MAX_DEPLOYED_EVIDENCE_BYTES,
    MAX_DEPLOYED_FILES,
    MAX_JSON_BYTES,
    MAX_SIBLINGS,
)
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.history.trees.tree import Tree
from lyrikstore.verify.checks import not_proven
from lyrikstore.verify.credential.key_statements import check_few
from lyrikstore.verify.delivery.compare_files import is_litter
from lyrikstore.verify.delivery.folder import FolderData
from lyrikstore.verify.delivery.paths import read_small, walk
from lyrikstore.verify.deployment import layout
from lyrikstore.verify.deployment.evidence import EvidenceFiles
from lyrikstore.verify.report import Report

_LARGE = frozenset({layout.TREE, layout.CARD, layout.REPORT, layout.SIGNED_FILES, layout.LEAVES})
"""Files that may be larger than a manifest."""


class FolderState(StrEnum):
    """The state of a deployed folder by its own files."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"
    EARLIER = "earlier"
    """A folder of a version that signed no manifest of the folder."""


class DeployedFolder(Struct, frozen=True):
    """A deployed folder.

    Attributes:
        root: Path of the folder.
        state: Its state by its own files, unverified.
        part: Path of the file in the folder that the user named; empty if the folder was named.
    """

    root: Path
    state: FolderState
    part: str = ""

    def data(self, progress: OnProgress = silent) -> FolderData:
        """Return its files without those below ``lyrikstore/``."""
        return FolderData(self.root, progress, layout.FOLDER, MAX_DEPLOYED_FILES)

    def read_evidence(self) -> EvidenceFiles:
        """Return the files below ``lyrikstore/``.

        Raises:
            InvalidInputError: (``too-many-files``) there are more files than a deployment has.
            IncompleteError, NotFoundError, StorageError: As
                :func:`lyrikstore.verify.delivery.paths.walk`.
        """
        folder, left = self.root / layout.FOLDER, MAX_DEPLOYED_EVIDENCE_BYTES
        files: dict[str, bytes] = {}
        surplus, litter, unreadable = list[str](), list[str](), list[str]()
        for count, (path, is_file) in enumerate(walk(folder)):
            if count == MAX_SIBLINGS:
                raise _too_many(folder)
            if is_file is None:
                unreadable.append(path)
            elif is_file and is_litter(path):
                litter.append(path)
            elif not is_file or layout.evidence_file(path) is None:
                surplus.append(path)
            else:
                most = left if path in _LARGE else min(left, MAX_JSON_BYTES)
                data = read_small(folder / path, most)
                if data is None:
                    unreadable.append(path)
                    continue
                files[path], left = data, left - len(data)
        if not check_few(files.values()):
            raise _too_many(folder)
        return EvidenceFiles(files, tuple(surplus), tuple(litter), tuple(unreadable))


def deployed_folder(path: Path) -> DeployedFolder | None:
    """Return the deployed folder at a path, or the one that contains the file there; else None.

    A folder contains a file that is directly in it, or below ``lyrikstore/``, or that its tree
    lists.

    Args:
        path: A folder or file that exists.
    """
    if path.is_dir():
        state = _state(path)
        return None if state is None else DeployedFolder(path, state)
    here = path.absolute()
    for root in here.parents:
        state = _state(root)
        if state is None:
            continue
        part = here.relative_to(root).as_posix()
        inner = part.removeprefix(f"{layout.FOLDER}/")
        # ATTACK: a manifest laid somewhere above a delivery, so that nothing in it is looked at.
        if "/" not in inner or _lists(root, part):
            return DeployedFolder(root, state, part)
    return None


def of_earlier_folder(report: Report) -> Report:
    """Return the report on the card of an earlier version's folder, with what is not proven."""
    return report.leaving_open(not_proven("deployed-files"))


def _state(root: Path) -> FolderState | None:
    folder = root / layout.FOLDER
    with suppress(OSError):  # it may not be entered
        if folder.is_symlink() or not folder.is_dir():
            return None
        for name, state in (
            (layout.MANIFEST, FolderState.SIGNED),
            (layout.UNSIGNED, FolderState.UNSIGNED),
            (layout.EARLIER, FolderState.EARLIER),
        ):
            if (folder / name).is_file() and not (folder / name).is_symlink():
                return state
    return None


def _lists(root: Path, part: str) -> bool:
    data = read_small(root / layout.FOLDER / layout.TREE, MAX_DEPLOYED_EVIDENCE_BYTES)
    try:
        return data is not None and part in Tree.parse(data).by_path
    except LyrikstoreError:
        return False


def _too_many(folder: Path) -> InvalidInputError:
    return InvalidInputError(
        "too-many-files",
        f"{folder} has more than the {MAX_SIBLINGS} files of a deployment, or too many policies",
        hint="deploy it again, or ask its sender for a new copy",
    )
