"""Private folders for work in progress, and what is left of dead ones (spec §12.5.1, §13.2).

They lie in ``staging``, in a store or in a user's cache folder for it. Nothing in one is ever read
as truth: what is read again is held against a digest that lay elsewhere. What a process that died
left is removed by whoever starts work next; where it can be gone on from, once it is a day old.
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
"""The folder of a store, or of a cache, that they lie in."""

KEPT_SECONDS = 86_400
"""How long work that can be gone on with is kept."""

_PASSING, _KEPT = "work-", "kept-"
_LOCK = "lock"
_FILE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class PrivateFolder(Struct, frozen=True):
    """One private folder, mode 0700.

    Attributes:
        path: The folder.
        lock: Descriptor of its lock file. The lock lasts until this process and every child
            that inherited the descriptor are gone, however they end.
        is_kept: Whether it is that of the work named, and stays if that is cut short.
    """

    path: Path
    lock: int
    is_kept: bool = False

    def touch(self) -> None:
        """Say that it is in use, and how old it is from now on."""
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
    """Give a private folder, and remove it at the end, whatever happened.

    Folders of dead processes are removed first.

    Args:
        root: The store's own folder (``.lyrikstore``), or what a user has in its place.
        key: Names work that can be gone on with: the folder is then that of the process before
            that did this very work, and died, for a day. Unless another one is at it, or it is
            another user's or open to others: then it is a fresh one.
        stays: Whether the folder of such work stays after an error; None: never.
        goes_on: Whether that process's folder is wanted; else it is removed, as what came with a
            copy of a store may be what somebody laid there. ATTACK A13.

    Raises:
        StorageError: The folder cannot be made; (``linked-folder``) ``staging`` is a link.
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
    """Remove private folders whose processes are all gone; return how many.

    Args:
        root: As for :func:`private_folder`.
        kept: Those that can be gone on with as well, however young.

    Raises:
        StorageError: A folder cannot be looked at; (``linked-folder``) theirs is a link.
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
    """Return the lock of a folder, made if it is missing; None if it is not ours alone."""
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
