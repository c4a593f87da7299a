"""Packed files of rows (``.jsonl.gz``, ``.csv.zst``): committed as what they hold (spec §12.8)."""

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
"""A file is unpacked to at most that many times its size, beyond the bytes that are free."""

MAX_WINDOW = 1 << 27
"""Memory that a zstd frame may ask for."""

_PART = 1 << 20

_PIECE = 1 << 10
"""What is unpacked of zstd at a time: at most 43 MB come of it."""


def unpack_files(
    scan: Scan, work: Path, progress: OnProgress, workbook: str = "", sheet: str | None = None
) -> Scan:
    """Return the scan with what packed files, and a workbook, hold in their place.

    Args:
        scan: The files.
        work: Where to unpack them.
        progress: Progress callback, called per packed file.
        workbook: Path of a workbook of rows, if there is one.
        sheet: Which of its tables, if it is named.

    Raises:
        InvalidInputError: (``bad-record``) one is damaged; (``too-large``) it unpacks to too much;
            (``bad-files``) two files would have one path; of a workbook as
            :func:`workbook_parts`.
        StorageError: The disk is full.

    Cost: the disk that they take unpacked.
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
        location, is_registry = scan.location(at), path == workbook
        book = workbook_parts(path, location, sheet) if is_registry else None
        unpack(path, location, target, book)
        new = rows_path(path) if is_registry else unpacked_path(path)
        paths[at], states[at] = new, pack_state(target.stat())
        elsewhere[paths[at]] = str(target)
        if path in mapped:
            mapped[paths[at]] = mapped.pop(path)
        progress(Progress(number + 1, len(packed), phase="unpacking"))
    twice = next((path for path, count in Counter(paths).items() if count > 1), None)
    if twice is not None:
        raise InvalidInputError(
            "bad-files",
            f"{twice}: is there packed and not packed, or packed twice",
            hint="leave one of them out in .lyrikignore",
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
    """Write what a packed file holds into a new file, or these parts; as :func:`unpack_files`."""
    with storage_errors(f"unpacking {path}"), open_private(target, "xb") as out:
        for part in parts or unpacked_parts(path, location):
            out.write(part)


def unpacked_parts(path: str, location: str) -> Iterator[bytes]:
    """Yield what a packed file holds, in parts.

    Raises:
        InvalidInputError: (``bad-record``) it is damaged; (``too-large``) it unpacks to too much.
        StorageError: It cannot be read.
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
                        hint="unpack it yourself if that is what it is to hold",
                    )
                yield part
    except (zlib.error, zstandard.ZstdError, EOFError, gzip.BadGzipFile) as error:
        raise InvalidInputError(
            "bad-record",
            f"{path}: cannot be unpacked: {str(error)[:200]}",
            hint="it is damaged, or not what its name says",
        ) from None
    except OSError as error:
        raise storage_error(error, f"unpacking {path}") from error


def _gzip_parts(packed: BinaryIO) -> Iterator[bytes]:
    if not packed.read(1):  # of which the library makes nothing, and no error
        raise EOFError("it is empty")
    packed.seek(0)
    with gzip.GzipFile(fileobj=packed) as stream:
        while part := stream.read(_PART):
            yield part


def _zstd_parts(packed: BinaryIO) -> Iterator[bytes]:
    # Not by a reader of the library: to those a file that was cut off is one that ends there.
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
