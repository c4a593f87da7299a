"""Private folders for work in progress, and what is left of dead ones (spec/13-runs.md section 2).

Nothing in a staging folder is ever read as truth: what succeeds is moved into the store as blobs
and manifests, the rest is removed, now or by whoever starts work next.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from lyrikstore.canon.errors import storage_error

_LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Staging:
    """One private folder, mode 0700.

    Attributes:
        path: The folder.
        lock: Descriptor of its lock file. The lock lasts until this process and every child
            that inherited the descriptor are gone, however they end.
    """

    path: Path
    lock: int

    def folder(self, name: str) -> Path:
        """Return a new folder inside."""
        made = self.path / name
        made.mkdir(mode=0o700)
        return made


@contextlib.contextmanager
def open_staging(store_root: Path) -> Iterator[Staging]:
    """Give a new staging folder in a store, and remove it at the end, whatever happened.

    Folders of dead processes are removed first.

    Args:
        store_root: The store's own folder (``.lyrikstore``).

    Raises:
        StorageError: The folder cannot be made.
    """
    base = store_root / "staging"
    try:
        base.mkdir(mode=0o700, exist_ok=True)
        base.chmod(0o700)
        with _locked(base):
            _sweep(base)
            path = Path(mkdtemp(prefix="work-", dir=base))  # mkdtemp makes it 0700
            lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise storage_error(error, f"making a working folder in {base}") from error
    try:
        yield Staging(path, lock)
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def sweep(store_root: Path) -> int:
    """Remove staging folders whose processes are all gone; return how many.

    Raises:
        StorageError: A folder cannot be looked at.
    """
    base = store_root / "staging"
    if not base.is_dir():
        return 0
    try:
        with _locked(base):
            return _sweep(base)
    except OSError as error:
        raise storage_error(error, f"cleaning {base}") from error


@contextlib.contextmanager
def _locked(base: Path) -> Iterator[None]:
    # Against sweeping a folder that another process has just made and not locked yet.
    lock = os.open(base / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _sweep(base: Path) -> int:
    removed = 0
    for folder in base.glob("work-*"):
        if folder.is_symlink() or not folder.is_dir():
            continue
        try:
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except FileNotFoundError:
            continue  # its owner just removed it
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue  # alive
        else:
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
        finally:
            os.close(lock)
    return removed


def write_private(path: Path, data: bytes) -> None:
    """Write a new file that only this user can read.

    Raises:
        StorageError: It exists, or the disk said no.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    except OSError as error:
        raise storage_error(error, f"writing {path.name}") from error
