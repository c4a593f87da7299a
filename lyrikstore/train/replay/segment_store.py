"""Training states at the start of segments: in the user's cache, or attached to checkpoints.

They are not signed themselves: the digest of each state is signed with the checkpoint, and a replay
computes it again.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import RunFailedError, VerificationError, storage_errors
from lyrikstore.canon.files import read_at_most, replace_file
from lyrikstore.history.manifests.manifest import Attachment
from lyrikstore.train.seal import PutsBlobs
from lyrikstore.verify.store.statements.segments import MAX_BYTES, POINT_ROLE, ROLE, read_segments

SEGMENT = "segment"
"""Kind of a worker's event for a state at the start of a segment."""

_PART = 1 << 20


class SegmentStore:
    """The segment states of one run.

    Args:
        folder: Their folder; it is made for the first one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of_run(cls, cache: Path, name: str, run: Digest) -> "SegmentStore":
        """Return the segment states of a run in a user's cache, by its name and id."""
        return cls(segments_folder(cache, name) / run.hex[:16])

    def clear_others(self) -> None:
        """Remove the segment states of all runs of the name."""
        shutil.rmtree(self.folder.parent, ignore_errors=True)

    def take(self, candidate: str, folder: Path, event: Mapping[str, Any]) -> None:
        """Store a segment state that a worker wrote.

        Args:
            candidate: Name of the candidate.
            folder: The staging folder.
            event: The worker's event about the state.

        Raises:
            RunFailedError: (``bad-output``) the event is malformed.
            OSError: The file could not be written.
            LyrikstoreError: As :func:`read_checked`.
        """
        try:
            number, segment = int(event["number"]), int(event[SEGMENT])
            digest = str(event["blake3"])
        except (KeyError, TypeError, ValueError):
            raise RunFailedError(
                "bad-output", "the worker process sent a malformed segment state"
            ) from None
        source = folder / "out" / "points" / f"{number}.safetensors"
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(self.path(candidate, segment), read_checked(source, digest), mode=0o600)
        source.unlink()

    def path(self, candidate: str, segment: int) -> Path:
        """Return the file of the state at the start of a segment."""
        return self.folder / f"{candidate}-{segment}.safetensors"


def segments_folder(cache: Path, run_name: str) -> Path:
    """Return the folder of the segment states of runs of a name in a user's cache."""
    return cache / "segments" / Digest.of(run_name.encode()).hex[:16]


def attach_segments(
    made: Mapping[str, Any],
    writer: PutsBlobs,
    *,
    private: Path,
    kept: SegmentStore | None,
) -> tuple[dict[str, int], list[Attachment]]:
    """Return the member ``segments`` of a checkpoint's body, and its attachments.

    Args:
        made: The worker's result for the checkpoint.
        writer: The writer of the transaction that will log the checkpoint.
        private: The staging folder.
        kept: The states to attach; None: none.

    Raises:
        StorageError: A file cannot be read or written.
        LyrikstoreError: As :func:`read_segments`.
    """
    data = read_at_most(private / str(made["segments"]), MAX_BYTES + 1)
    segments = read_segments(data)
    attachments = [Attachment(ROLE, writer.put_bytes(data), len(data))]
    paths = (
        []
        if kept is None
        else [kept.path(segments.candidate, number) for number in range(1, segments.count + 1)]
    )
    for path in paths:
        with storage_errors("reading a segment state"):
            point = path.read_bytes()
        attachments.append(Attachment(POINT_ROLE, writer.put_bytes(point), len(point)))
    return {"count": segments.count, "steps": segments.steps}, attachments


def read_checked(path: Path, digest: str) -> Iterator[bytes]:
    """Yield the parts of a file, without following links.

    Args:
        path: The file.
        digest: Its BLAKE3, in hex.

    Raises:
        VerificationError: (``input-changed``) the file has another digest; raised at its end.
        OSError: The file cannot be read.
    """
    hasher = blake3()
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        while part := file.read(_PART):
            hasher.update(part)
            yield part
    if hasher.hexdigest() != digest:
        raise VerificationError(
            "input-changed",
            f"{path.name} changed after the worker wrote it",
            hint="find the program of this user that writes to the store's folder `staging`",
        )
