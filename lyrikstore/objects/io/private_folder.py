"""Private folders for work in progress, and cleaning up after crashes (spec §12.5.1, §13.2).

They are in the folder ``staging`` of a store or of a user's cache folder for it. Their content is
never trusted: files that are read again are compared with a digest that was stored elsewhere. The
next process that starts work removes the folder of a process that died; if that work can be
resumed, only once the folder is a day old.
"""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from lyrikstore.canon.errors import StorageError, storage_error
from lyrikstore.objects.io.safe_folder import own_folder

STAGING = "staging"
"""The folder of a store, or of a cache, that contains them."""

KEPT_SECONDS = 86_400
"""How long resumable work is kept, in seconds."""

_PASSING, _KEPT = "work-", "kept-"
_LOCK = "lock"
_FILE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class PrivateFolder(Struct, frozen=True):
    """One private folder, mode 0700.

    Attributes:
        path: The folder.
        lock: Descriptor of its lock file. The lock lasts until this process and every child
            that inherited the descriptor have ended.
        is_kept: Whether it is the folder of resumable work, and stays after an interruption.
    """

    path: Path
    lock: int
    is_kept: bool = False

    def touch(self) -> None:
        """Mark the folder as in use: its age counts from now."""
        with contextlib.suppress(OSError):
            os.utime(self.lock)


@contextlib.contextmanager
def private_folder(
    root: Path,
    key: str = "",
    stays: Callable[[BaseException], bool] | None = None,
    *,
    goes_on: bool = True,
) -> Iterator[PrivateFolder]:
    """Provide a private folder, and remove it at the end, also after an error.

    Folders of processes that died are removed first.

    Args:
        root: The store's own folder (``.lyrikstore``), or what a user has in its place.
        key: Identifies resumable work: for a day, the folder is the one of the earlier process
            that did the same work and died. If another process uses that folder, or it belongs to
            another user or is open to others, a new folder is made.
        stays: Returns whether the folder of resumable work stays after an error; None: never.
        goes_on: Whether to reuse the earlier process's folder; else it is removed, because an
            attacker may have put files into a copy of a store. ATTACK A13.

    Raises:
        StorageError: The folder cannot be created; (``linked-folder``) ``staging`` is a link.
    """
    base = root / STAGING
    with contextlib.ExitStack() as held:
        try:
            place = held.enter_context(own_folder(root, STAGING, make=True))
            if os.fstat(place).st_mode & 0o077:
                os.fchmod(place, 0o700)
            with _locked(place):
                _sweep(place)
                name = f"{_KEPT}{key}"
                if key and not goes_on:
                    _remove_dead(place, name, kept=True)
                lock = _entered(place, name) if key else None
                is_kept = lock is not None
                if lock is None:
                    name = f"{_PASSING}{os.urandom(8).hex()}"
                    os.mkdir(name, 0o700, dir_fd=place)
                    lock = _lock_in(place, name)
                held.callback(os.close, lock)
        except StorageError:
            raise
        except OSError as error:
            raise storage_error(error, f"making a working folder in {base}") from error
        folder = PrivateFolder(base / name, lock, is_kept)
        folder.touch()
        try:
            yield folder
        except BaseException as error:
            if not (is_kept and stays is not None and stays(error)):
                shutil.rmtree(name, ignore_errors=True, dir_fd=place)
            raise
        shutil.rmtree(name, ignore_errors=True, dir_fd=place)


def sweep(root: Path, *, kept: bool = False) -> int:
    """Remove private folders whose processes have all ended; return the number removed.

    Args:
        root: As for :func:`private_folder`.
        kept: Whether to remove the folders of resumable work as well, of any age.

    Raises:
        StorageError: A folder cannot be read; (``linked-folder``) ``staging`` is a link.
    """
    try:
        with own_folder(root, STAGING) as place, _locked(place):
            return _sweep(place, kept=kept)
    except FileNotFoundError:
        return 0
    except StorageError:
        raise
    except OSError as error:
        raise storage_error(error, f"cleaning {root / STAGING}") from error


@contextlib.contextmanager
def _locked(place: int) -> Iterator[None]:
    # Against sweeping a folder that another process has just made and not locked yet.
    lock = os.open(_LOCK, _FILE, 0o600, dir_fd=place)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _entered(place: int, name: str) -> int | None:
    """Return the lock of a folder, created if missing; None if others can use the folder."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=place)
    try:
        folder = os.open(name, _FOLDER, dir_fd=place)
    except OSError:
        return None
    status = os.fstat(folder)
    os.close(folder)
    # ATTACK: others made it, or a link in its place, to read what will lie in it.
    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
        return None
    try:
        return _lock_in(place, name)
    except OSError:  # another process is at it
        return None


def _lock_in(place: int, name: str) -> int:
    """Return a locked descriptor of a folder's lock file."""
    folder = os.open(name, _FOLDER, dir_fd=place)
    try:
        lock = os.open(_LOCK, _FILE, 0o600, dir_fd=folder)
    finally:
        os.close(folder)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock


def _sweep(place: int, *, kept: bool = False) -> int:
    names = [one for one in os.listdir(place) if one.startswith((_PASSING, _KEPT))]
    return sum(_remove_dead(place, name, kept=kept) for name in names)


def _remove_dead(place: int, name: str, *, kept: bool) -> int:
    try:
        lock = _lock_in(place, name)
    except OSError:
        return 0  # alive; or its owner just removed it; or it is none of ours
    try:
        age = time.time() - os.fstat(lock).st_mtime
        if name.startswith(_KEPT) and not kept and abs(age) <= KEPT_SECONDS:
            return 0
        shutil.rmtree(name, ignore_errors=True, dir_fd=place)
    finally:
        os.close(lock)
    return 1
