"""Writing a folder atomically: built next to its place, renamed when complete.

While it is built, the folder has a hidden name and a locked descriptor. A later process that builds
a folder for the same place can so recognise, and remove, the leftover of a killed process.
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
    """Raise `not-a-folder` or `not-empty` unless a new folder can be put at ``destination``.

    Raises:
        InvalidInputError: (``not-a-folder``) it is a link or a file, or its parent does not exist.
        ConflictError: (``not-empty``) it is a folder that is not empty.
        StorageError: Storage backend error: disk full, read-only, I/O error.
    """
    if destination.is_symlink() or (destination.exists() and not destination.is_dir()):
        raise InvalidInputError(
            "not-a-folder",
            f"{destination} is a link or a file, not a folder",
            hint="choose a folder that does not exist yet",
        )
    if not destination.parent.is_dir():
        raise InvalidInputError(
            "not-a-folder", f"the folder {destination.parent} does not exist", hint="make it first"
        )
    with storage_errors(f"reading {destination}"):
        taken = destination.is_dir() and any(destination.iterdir())
    if taken:
        raise ConflictError(
            "not-empty", f"{destination} is not empty", hint="choose a new or empty folder"
        )


def write_files(folder: Path, documents: Mapping[str, bytes]) -> None:
    """Write new files into a folder; :func:`put_in_place` makes them durable.

    Raises:
        StorageError: Storage backend error: disk full, read-only, I/O error.
    """
    for name, data in documents.items():
        with storage_errors(f"writing {name}"), (folder / name).open("xb") as file:
            file.write(data)


@contextmanager
def building(destination: Path) -> Iterator[Path]:
    """Yield a new folder next to ``destination``, which is removed unless it was put in place.

    Leftovers of killed processes are removed first.

    Raises:
        NotFoundError: (``no-folder``) the parent folder does not exist any more.
        StorageError: Storage backend error: disk full, read-only, I/O error.
    """
    stem = f".{os.fsdecode(os.fsencode(destination.name)[:200])}.new-"
    remove_dead(destination.parent, stem)
    folder, held = _make(destination.parent, stem)
    try:
        yield folder
    finally:
        # After the rename this folder does not exist any more.
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _make(parent: Path, stem: str) -> tuple[Path, int]:
    while True:
        folder = parent / f"{stem}{secrets.token_hex(8)}"
        try:
            folder.mkdir()
        except FileNotFoundError:  # a deleted working directory is a folder still
            raise NotFoundError(
                "no-folder",
                f"no folder can be made in {parent}, which may have been deleted",
                hint="choose another folder",
            ) from None
        except OSError as error:
            raise storage_error(error, f"making {folder}") from error
        try:
            held = os.open(folder, _FOLDER)
        except FileNotFoundError:
            continue  # another process removed it before it was locked
        except OSError as error:
            raise storage_error(error, f"opening {folder}") from error
        lock(held)
        if os.fstat(held).st_nlink:
            return folder, held
        os.close(held)


def put_in_place(folder: Path, destination: Path) -> None:
    """Rename the built folder to ``destination``, after all of its files are durable.

    Raises:
        ConflictError: (``not-empty``) another process wrote to ``destination`` meanwhile.
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
