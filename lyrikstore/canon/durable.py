"""Small files that are there, whole, after a power cut."""

import contextlib
import os
from pathlib import Path


def replace_file(path: Path, data: bytes, *, mode: int = 0o666, folder_mode: int = 0o777) -> None:
    """Create or replace a file, so that it has the old content or all of the new, for good.

    Args:
        path: Folders that are missing above it are made.
        data: The new content.
        mode: Mode of the file, less the umask.
        folder_mode: Mode of folders that are made, less the umask.

    Raises:
        OSError: The file system could not promise it; what was there may be there still.
    """
    _make_folder(path.parent, folder_mode)
    new = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(new, flags, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
    sync_directory(path.parent)


def sync_directory(folder: Path) -> None:
    """Make the names in ``folder`` survive a power cut.

    Raises:
        OSError: The file system could not promise it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_folder(folder: Path, mode: int) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent, mode)
    folder.mkdir(mode, exist_ok=True)
    sync_directory(folder.parent)
