"""Private folders for what is made on the way: unpacked files, shards, what a filter found so far.

They lie in the user's cache, never in the store: whoever holds the store must not be able to choose
what its owner signs. What a killed program left is removed by a later one.
"""

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from blake3 import blake3

from lyrikstore.canon.errors import LyrikstoreError, storage_error

KEPT_SECONDS = 7 * 86_400
"""How long work that can be taken up again is kept."""

_PREFIX = "work-"
_CHECK_BYTES = 16


@contextlib.contextmanager
def work_folder(cache_dir: Path | None, key: str = "") -> Iterator[Path]:
    """Give a private folder, mode 0700, and remove it when the work is done.

    Args:
        cache_dir: The user's cache; None: where the system has its temporary files.
        key: Names work that can be taken up again: the folder is then that of the run before, if
            there was one, and stays if this one fails. Needs ``cache_dir``. If another process is
            at this very work, or the folder is another user's or open to others, it is a fresh
            one, and does not stay.

    Raises:
        StorageError: It cannot be made.
    """
    with contextlib.ExitStack() as held:
        try:
            if cache_dir is not None:
                cache_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
                _sweep(cache_dir)
            folder = _taken_up(cache_dir, key, held) if key and cache_dir is not None else None
            stays = folder is not None
            if folder is None:
                folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=cache_dir))
                if (descriptor := _locked(folder)) is not None:  # long work is not swept away
                    held.callback(os.close, descriptor)
        except OSError as error:
            raise storage_error(error, "making a working folder") from error
        try:
            yield folder
        except BaseException:
            if not stays:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def storing(doing: str) -> Iterator[None]:
    """Raise as our own what the operating system says within.

    Args:
        doing: A phrase that names the file or folder.

    Raises:
        StorageError: The disk is full, or failed.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, LyrikstoreError):
            raise
        raise storage_error(error, doing) from error


def keep_checked(file: Path, data: bytes) -> None:
    """Write a file that :func:`load_checked` reads, as a whole or not at all.

    Raises:
        StorageError: The disk is full.
    """
    fresh = file.with_suffix(".new")
    with storing(f"keeping work in {file.parent}"):
        fresh.write_bytes(blake3(data).digest(_CHECK_BYTES) + data)
        fresh.replace(file)


def load_checked(file: Path) -> bytes | None:
    """Return what was kept in a file; None if it is not there, was cut off or is damaged.

    Raises:
        StorageError: It cannot be read.
    """
    with storing(f"reading work in {file.parent}"):
        try:
            data = file.read_bytes()
        except FileNotFoundError:
            return None
    body = data[_CHECK_BYTES:]
    return body if blake3(body).digest(_CHECK_BYTES) == data[:_CHECK_BYTES] else None


def _taken_up(cache_dir: Path, key: str, held: contextlib.ExitStack) -> Path | None:
    """Return the folder of some work, locked as long as ``held`` is; None if it is not ours alone.

    Others may be at it, or may have made it, or a link in its place, to choose what is signed.
    """
    folder = cache_dir / f"{_PREFIX}{key}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    descriptor = _locked(folder)
    if descriptor is None:
        return None
    held.callback(os.close, descriptor)
    status = os.fstat(descriptor)
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) != 0o700:
        return None
    os.utime(descriptor)
    return folder


def _locked(folder: Path) -> int | None:
    """Return a descriptor of a folder that nobody else works in; None if somebody does."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), folder.lstat()):
            return descriptor  # else removed by whoever had it
    except OSError:
        pass
    os.close(descriptor)
    return None


def _sweep(cache_dir: Path) -> None:
    for folder in cache_dir.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.lstat().st_mtime <= KEPT_SECONDS:
                continue
            descriptor = _locked(folder)
            if descriptor is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(descriptor)
