"""Points that segments are replayed from: files in the user's cache, or attached to checkpoints.

They need no signature of their own: the digest of each state is signed with the checkpoint, and who
replays computes it again.
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
"""What workers call a point where a segment begins."""

_PART = 1 << 20


class SegmentStore:
    """The points of one run.

    Args:
        folder: Where they lie; made when the first one is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of_run(cls, cache: Path, name: str, run: Digest) -> "SegmentStore":
        """Return those in a user's cache of a run, by its name and id."""
        return cls(segments_folder(cache, name) / run.hex[:16])

    def clear_others(self) -> None:
        """Remove those of earlier runs of the name."""
        shutil.rmtree(self.folder.parent, ignore_errors=True)

    def take(self, candidate: str, folder: Path, event: Mapping[str, Any]) -> None:
        """Keep a point that a worker wrote.

        Args:
            candidate: Whose it is.
            folder: The staging folder.
            event: What the worker said of it.

        Raises:
            RunFailedError: (``bad-output``) that is not what a worker says.
            OSError: It could not be kept.
            LyrikstoreError: As :func:`read_checked`.
        """
        try:
            number, segment = int(event["number"]), int(event[SEGMENT])
            digest = str(event["blake3"])
        except (KeyError, TypeError, ValueError):
            raise RunFailedError("bad-output", "the worker gave no point") from None
        source = folder / "out" / "points" / f"{number}.safetensors"
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(self.path(candidate, segment), read_checked(source, digest), mode=0o600)
        source.unlink()

    def path(self, candidate: str, segment: int) -> Path:
        """Return where the point lies that a segment begins at."""
        return self.folder / f"{candidate}-{segment}.safetensors"


def segments_folder(cache: Path, run_name: str) -> Path:
    """Return where the points of segments of runs of a name lie in a user's cache."""
    return cache / "segments" / Digest.of(run_name.encode()).hex[:16]


def attach_segments(
    made: Mapping[str, Any],
    writer: PutsBlobs,
    *,
    private: Path,
    kept: SegmentStore | None,
) -> tuple[dict[str, int], list[Attachment]]:
    """Return ``segments`` of a checkpoint's body, and what is attached for it.

    Args:
        made: What the worker said of the checkpoint.
        writer: Of the transaction that will log it.
        private: The staging folder.
        kept: The points that are attached; None: none are.

    Raises:
        StorageError: It cannot be read or written.
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
        with storage_errors("reading a point of training"):
            point = path.read_bytes()
        attachments.append(Attachment(POINT_ROLE, writer.put_bytes(point), len(point)))
    return {"count": segments.count, "steps": segments.steps}, attachments


def read_checked(path: Path, digest: str) -> Iterator[bytes]:
    """Yield a file in parts, not following links.

    Args:
        path: The file.
        digest: Its BLAKE3, in hex.

    Raises:
        VerificationError: (``input-changed``) it is another file; raised at its end.
        OSError: It cannot be read.
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
            f"{path.name} is not what the worker wrote",
            hint="some program of this user writes to the store's folder `staging`: find it",
        )
