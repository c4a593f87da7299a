"""Packed files of rows (``.jsonl.gz``, ``.csv.zst``), committed as their content (spec §12.8)."""

import gzip
import zlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import zstandard
from msgspec.structs import replace

from lyrikstore.canon.errors import InvalidInputError, storage_error, storage_errors
from lyrikstore.canon.files import open_private, open_regular
from lyrikstore.canon.progress import OnProgress, Progress
from lyrikstore.curate.commit.rows.workbook import rows_path, workbook_parts
from lyrikstore.curate.readers.recognise import is_packed, unpacked_path
from lyrikstore.curate.scan.scan import Scan
from lyrikstore.history.trees.paths import TreePaths
from lyrikstore.objects.io.stat_cache import STATE, pack_state

MAX_RATIO, FREE_BYTES = 1000, 256 << 20
"""A file may unpack to at most :data:`MAX_RATIO` times its size plus :data:`FREE_BYTES`."""

MAX_WINDOW = 1 << 27
"""Largest window of a zstd frame, in bytes of memory."""

_PART = 1 << 20

_PIECE = 1 << 10
"""Bytes of zstd that are unpacked in one step; they yield at most 43 MB."""


def unpack_files(
    scan: Scan, work: Path, progress: OnProgress, workbook: str = "", sheet: str | None = None
) -> Scan:
    """Return the scan with packed files, and the workbook, replaced by their unpacked content.

    Args:
        scan: The files.
        work: The folder to unpack them into.
        progress: Progress callback, called per packed file.
        workbook: Path of a workbook of rows, if there is one.
        sheet: The name of its table, if the user named one.

    Raises:
        InvalidInputError: (``bad-record``) a packed file is damaged; (``too-large``) it unpacks to
            too much; (``bad-files``) two files would have the same path; for a workbook see
            :func:`workbook_parts`.
        StorageError: The disk is full.

    Cost: disk space for the unpacked content.
    """
    packed = [path for path in scan.paths if is_packed(path) or path == workbook]
    if not packed:
        return scan
    paths = list(scan.paths)
    states = [scan.states[at * STATE.size : (at + 1) * STATE.size] for at in range(len(paths))]
    elsewhere, mapped = dict(scan.elsewhere), dict(scan.mapped)
    for number, path in enumerate(packed):
        at = bisect_left(scan.paths, path)
        target = work / f"unpacked-{number}"
        location, from_workbook = scan.location(at), path == workbook
        parts = workbook_parts(path, location, sheet) if from_workbook else None
        unpack(path, location, target, parts)
        new = rows_path(path) if from_workbook else unpacked_path(path)
        paths[at], states[at] = new, pack_state(target.stat())
        elsewhere[paths[at]] = str(target)
        if path in mapped:
            mapped[paths[at]] = mapped.pop(path)
        progress(Progress(number + 1, len(packed), phase="unpacking"))
    twice = next((path for path, count in Counter(paths).items() if count > 1), None)
    if twice is not None:
        raise InvalidInputError(
            "bad-files",
            f"{twice}: the folder has this file both packed and unpacked, or packed twice",
            hint="list one of the two in .lyrikignore",
        )
    order = sorted(range(len(paths)), key=paths.__getitem__)
    return replace(
        scan,
        paths=TreePaths(paths[at] for at in order),
        states=b"".join(states[at] for at in order),
        elsewhere=elsewhere,
        mapped=mapped,
    )


def unpack(path: str, location: str, target: Path, parts: Iterator[bytes] | None = None) -> None:
    """Write the content of a packed file, or ``parts``, to a new file; see :func:`unpack_files`."""
    with storage_errors(f"unpacking {path}"), open_private(target, "xb") as out:
        for part in parts or unpacked_parts(path, location):
            out.write(part)


def unpacked_parts(path: str, location: str) -> Iterator[bytes]:
    """Yield the content of a packed file, in parts.

    Raises:
        InvalidInputError: (``bad-record``) the file is damaged; (``too-large``) it unpacks to too
            much.
        StorageError: The file cannot be read.
    """
    try:
        with open_regular(Path(location)) as packed:
            left = packed.seek(0, 2) * MAX_RATIO + FREE_BYTES
            packed.seek(0)
            parts = _gzip_parts if path.lower().endswith(".gz") else _zstd_parts
            for part in parts(packed):
                left -= len(part)
                if left < 0:  # ATTACK: a few bytes that fill the disk
                    raise InvalidInputError(
                        "too-large",
                        f"{path}: unpacks to more than {MAX_RATIO} times its size",
                        hint="if that is its real content, unpack it and commit the unpacked file",
                    )
                yield part
    except (zlib.error, zstandard.ZstdError, EOFError, gzip.BadGzipFile) as error:
        raise InvalidInputError(
            "bad-record",
            f"{path}: cannot be unpacked: {str(error)[:200]}",
            hint="the file is damaged, or its suffix is wrong: pack it again, or rename it",
        ) from None
    except OSError as error:
        raise storage_error(error, f"unpacking {path}") from error


def _gzip_parts(packed: BinaryIO) -> Iterator[bytes]:
    if not packed.read(1):  # the library unpacks an empty file to nothing, without an error
        raise EOFError("it is empty")
    packed.seek(0)
    with gzip.GzipFile(fileobj=packed) as stream:
        while part := stream.read(_PART):
            yield part


def _zstd_parts(packed: BinaryIO) -> Iterator[bytes]:
    # The library's own readers take a truncated file for a complete one, without an error.
    unpacker = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)
    frame = unpacker.decompressobj()
    unfinished = True
    while piece := packed.read(_PIECE):
        while piece:
            if part := frame.decompress(piece):
                yield part
            unfinished, piece = not frame.eof, frame.unused_data
            if frame.eof:
                frame = unpacker.decompressobj()
    if unfinished:
        raise EOFError("it is empty, or ends within a frame")
