"""Writing a folder atomically: built next to its place, renamed when complete.

While it is built its name is hidden and its descriptor locked, so that whoever builds one for the
same place later can tell it from what a process that was killed left behind, and removes that.
"""

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lyrikstore.canon.errors import (
    ConflictError,
    InvalidInputError,
    LyrikstoreError,
    NotFoundError,
    storage_error,
    storage_errors,
)
from lyrikstore.canon.files import lock, remove_dead, sync_directory, sync_tree

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def check_place(destination: Path) -> None:
    """Return if a new folder can be put there.

    Raises:
        InvalidInputError: (``not-a-folder``) it is a link or a file, or has no parent.
        ConflictError: (``not-empty``) there is something in it.
        StorageError: Storage backend error: disk full, read-only, I/O error.
    """
    if destination.is_symlink() or (destination.exists() and not destination.is_dir()):
        raise InvalidInputError(
            "not-a-folder",
            f"{destination} is a link or a file, not a folder",
            hint="choose a new folder",
        )
    if not destination.parent.is_dir():
        raise InvalidInputError(
            "not-a-folder", f"there is no folder {destination.parent}", hint="make it first"
        )
    with storage_errors(f"looking into {destination}"):
        taken = destination.is_dir() and any(destination.iterdir())
    if taken:
        raise ConflictError(
            "not-empty", f"{destination} is not empty", hint="choose a new or empty folder"
        )


def write_files(folder: Path, documents: Mapping[str, bytes]) -> None:
    """Write new files; :func:`put_in_place` makes them durable.

    Raises:
        StorageError: Storage backend error: disk full, read-only, I/O error.
    """
    for name, data in documents.items():
        with storage_errors(f"writing {name}"), (folder / name).open("xb") as file:
            file.write(data)


@contextmanager
def building(destination: Path) -> Iterator[Path]:
    """Give a folder next to ``destination``; unless it was put in place, nothing of it stays.

    Those that processes which were killed left there are removed first.

    Raises:
        NotFoundError: (``no-folder``) there is no folder any more to make it in.
        StorageError: Storage backend error: disk full, read-only, I/O error.
    """
    stem = f".{os.fsdecode(os.fsencode(destination.name)[:200])}.new-"
    remove_dead(destination.parent, stem)
    folder, held = _make(destination.parent, stem)
    try:
        yield folder
    finally:
        # After the rename there is nothing here any more.
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _make(parent: Path, stem: str) -> tuple[Path, int]:
    while True:
        folder = parent / f"{stem}{secrets.token_hex(8)}"
        try:
            folder.mkdir()
        except FileNotFoundError:  # where one works may have been deleted: it is a folder still
            raise NotFoundError(
                "no-folder", f"nothing can be made in {parent}", hint="choose another folder"
            ) from None
        except OSError as error:
            raise storage_error(error, f"making {folder}") from error
        try:
            held = os.open(folder, _FOLDER)
        except FileNotFoundError:
            continue  # swept away before it was locked
        except OSError as error:
            raise storage_error(error, f"opening {folder}") from error
        lock(held)
        if os.fstat(held).st_nlink:
            return folder, held
        os.close(held)


def put_in_place(folder: Path, destination: Path) -> None:
    """Give the built folder its name, once all that is in it would survive a power cut.

    Raises:
        ConflictError: (``not-empty``) somebody put something there meanwhile.
        StorageError: Storage backend error: disk full, read-only, I/O error.
    """
    try:
        sync_tree(folder)
        folder.rename(destination)  # replaces an empty folder and nothing else
        sync_directory(destination.parent)
    except LyrikstoreError:
        raise
    except FileExistsError:
        raise ConflictError("not-empty", f"{destination} is not empty any more") from None
    except OSError as error:
        if destination.exists() and any(destination.iterdir()):
            raise ConflictError("not-empty", f"{destination} is not empty any more") from None
        raise storage_error(error, f"writing {destination}") from error
