"""Private folders for work in progress, and what is left of dead ones (spec §13.2).

Nothing in a staging folder is ever read as truth: what succeeds is moved into the store as blobs
and manifests, the rest is removed, now or by whoever starts work next.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from blake3 import blake3
from msgspec import Struct, field

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import StorageError, storage_error
from lyrikstore.objects.io.safe_folder import own_folder

BASE, CHECKPOINT = "base", "checkpoint"
"""Folders of the base model and of a trained checkpoint."""

TRAIN, VALIDATION, TEST = "train.jsonl", "validation.jsonl", "test.jsonl"
"""Datasets, one JSON object per record: ``id``, ``label``, ``text``."""

_FOLDER = "staging"
_LOCK = "lock"
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


class Staging(Struct, frozen=True):
    """One private folder, mode 0700.

    Attributes:
        path: The folder.
        lock: Descriptor of its lock file. The lock lasts until this process and every child
            that inherited the descriptor are gone, however they end.
        written: Name → digest of what this process wrote there, by which it knows whether a worker
            read that.
    """

    path: Path
    lock: int
    written: dict[str, Digest] = field(default_factory=dict)

    def write(self, name: str, data: bytes) -> None:
        """Write a new file that only this user can read.

        Args:
            name: Its path in the folder; folders in it are made.
            data: Its bytes.

        Raises:
            StorageError: It exists, or the storage backend failed.
        """
        with self.create(name) as write:
            write(data)

    @contextlib.contextmanager
    def create(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """Give a function that appends to a new file that only this user can read.

        Args, Raises: As :meth:`write`.
        """
        path, hasher = self.path / name, blake3()

        def write(data: bytes) -> None:
            hasher.update(data)
            file.write(data)

        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                yield write
        except StorageError:  # of what is read in between
            raise
        except OSError as error:
            raise storage_error(error, f"writing {path.name}") from error
        self.written[name] = Digest(hasher.digest())


@contextlib.contextmanager
def open_staging(store_root: Path) -> Iterator[Staging]:
    """Give a new staging folder in a store, and remove it at the end, whatever happened.

    Folders of dead processes are removed first.

    Args:
        store_root: The store's own folder (``.lyrikstore``), or what a user has in its place.

    Raises:
        StorageError: The folder cannot be made; (``linked-folder``) ``staging`` is a link.
    """
    name = f"work-{os.urandom(8).hex()}"
    base = store_root / _FOLDER
    with contextlib.ExitStack() as held:
        try:
            place = held.enter_context(own_folder(store_root, _FOLDER, make=True))
            os.fchmod(place, 0o700)
            with _locked(place):
                _sweep(place)
                os.mkdir(name, 0o700, dir_fd=place)
                lock = os.open(f"{name}/{_LOCK}", _NEW, 0o600, dir_fd=place)
                held.callback(os.close, lock)
                held.callback(shutil.rmtree, name, ignore_errors=True, dir_fd=place)
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except StorageError:
            raise
        except OSError as error:
            raise storage_error(error, f"making a working folder in {base}") from error
        yield Staging(base / name, lock)


def sweep(store_root: Path) -> int:
    """Remove staging folders whose processes are all gone; return how many.

    Raises:
        StorageError: A folder cannot be looked at; (``linked-folder``) theirs is a link.
    """
    try:
        with own_folder(store_root, _FOLDER) as place, _locked(place):
            return _sweep(place)
    except FileNotFoundError:
        return 0
    except StorageError:
        raise
    except OSError as error:
        raise storage_error(error, f"cleaning {store_root / _FOLDER}") from error


@contextlib.contextmanager
def _locked(folder: int) -> Iterator[None]:
    # Against sweeping a folder that another process has just made and not locked yet.
    lock = os.open(_LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _sweep(base: int) -> int:
    removed = 0
    for name in os.listdir(base):
        if name.startswith("work-"):
            removed += _remove_dead(base, name)
    return removed


def _remove_dead(base: int, name: str) -> int:
    try:
        folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=base)
    except (FileNotFoundError, NotADirectoryError):
        return 0  # its owner just removed it; or it is none of ours
    try:
        lock = os.open(_LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    except FileNotFoundError:
        return 0
    finally:
        os.close(folder)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(name, ignore_errors=True, dir_fd=base)
    except BlockingIOError:
        return 0  # alive
    finally:
        os.close(lock)
    return 1
