"""The folder of a reviewer: opened, and checked to be the one that the queue names (spec §26.5)."""

from pathlib import Path

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, NotFoundError, VerificationError
from lyrikstore.canon.files import read_at_most
from lyrikstore.canon.limits import MAX_JSON_BYTES
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore.review.papers import MANIFEST_FILE, QUEUE_FILE, REQUEST_FILE
from lyrikstore.verify.review.decision_file import decision_fault
from lyrikstore.verify.review.model import (
    MAX_FOLDER_BYTES,
    QUEUE,
    REQUEST,
    DecisionFile,
    ReviewerFolder,
    check_annotators,
    parse_folder,
)


class OpenedFolder(Struct, frozen=True):
    """A reviewer's folder, checked.

    Attributes:
        folder: What the reviewer is handed.
        queue: The queue.
        request: Its request.
    """

    folder: ReviewerFolder
    queue: Manifest
    request: Manifest


def open_folder(path: Path) -> OpenedFolder:
    """Return the folder of a reviewer.

    ATTACK A219: on its way to the reviewer a record in the folder is replaced, so that they sign a
    label for another text. The queue, which its author signed, names the digest of the folder.

    Raises:
        NotFoundError: (``no-folder``) there is no such folder; (``no-file``) a file of it is
            missing.
        VerificationError: (``other-folder``) it is not the folder that the queue names.
        LyrikstoreError: A file of it is malformed, or its signature does not hold.
    """
    if not path.is_dir():
        raise NotFoundError("no-folder", f"there is no folder {path}", hint="check the path")
    data = _read(path / QUEUE_FILE, MAX_FOLDER_BYTES)
    queue = parse_manifest(_read(path / MANIFEST_FILE, MAX_JSON_BYTES))
    request = parse_manifest(_read(path / REQUEST_FILE, MAX_JSON_BYTES))
    return checked_folder(data, queue, request)


def checked_folder(data: bytes, queue: Manifest, request: Manifest) -> OpenedFolder:
    """Return a folder from its files; raises as :func:`open_folder`."""
    folder = parse_folder(data)
    named = {one["reviewer"]: one["folder"] for one in queue.body.get("assignments", ())}
    if (
        queue.kind != QUEUE
        or request.kind != REQUEST
        or named.get(folder.reviewer) != str(Digest.of(data))
        or folder.request != str(request.id)
        or [one.id for one in queue.inputs_in(REQUEST)] != [request.id]
    ):
        raise VerificationError(
            "other-folder",
            "queue.json is not what the author of the queue signed: it was changed, or swapped",
            hint="sign nothing; ask whoever gave you the folder for a new one",
        )
    return OpenedFolder(folder, queue, request)


def check_about(opened: OpenedFolder, file: DecisionFile) -> None:
    """Raise unless decisions are about this folder, whoever signs them.

    Raises:
        InvalidInputError: (``other-queue``) the decisions are about another queue;
            (``unknown-item``, ``bad-decision-file``) one of them is not about this folder;
            (``no-decisions``) there are none.
        FormatError: (``bad-decision-file``) there are too many annotators.
    """
    folder = opened.folder
    if file.queue != str(opened.queue.id) or file.reviewer != folder.reviewer:
        raise InvalidInputError("other-queue", "the decisions are about another queue or reviewer")
    if not file.decisions:
        raise InvalidInputError(
            "no-decisions", "nothing is decided yet", hint="lyrikstore review next FOLDER"
        )
    check_annotators(file)
    known = {one.item for one in folder.items}
    for one in file.decisions:
        fault = decision_fault(one, folder.questions, blind=folder.blind)
        if one.item not in known:
            raise InvalidInputError("unknown-item", f"item {one.item} is not in the folder")
        if fault:
            raise InvalidInputError("bad-decision-file", f"item {one.item}: {fault}")


def _read(path: Path, limit: int) -> bytes:
    return read_at_most(path, limit + 1)
