"""Lists folders, and reads small files in them, without following links."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from lyrikstore.canon.errors import IncompleteError, NotFoundError, StorageError
from lyrikstore.verify.delivery.file_hash import FLAGS


def walk(root: Path, aside: str = "") -> Iterator[tuple[str, bool | None]]:
    """Yield every path below ``root`` except folders, and whether it is a regular file.

    Args:
        root: The folder.
        aside: Name of a folder in it that is not read.

    Raises:
        IncompleteError: (``linked``) the folder is a link.
        NotFoundError: (``no-data``) the folder does not exist.
        StorageError: (``io``) it cannot be listed.

    A folder that cannot be listed comes as its path and ``/``, with None: ATTACK: one below more
    folders than a path can name, laid there so that there is no answer at all.
    """
    # ATTACK: a delivery whose data is whatever the verifier has at some path.
    if root.is_symlink():
        raise IncompleteError("linked", "the folder of data is a link, which is not followed")
    if not root.is_dir():
        raise NotFoundError("no-data", f"there is no folder {root}")
    pending = [""]
    while pending:
        prefix = pending.pop()
        try:
            with os.scandir(root / prefix) as entries:
                here = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if not prefix:
                raise StorageError("io", f"cannot list {root}: {error.strerror}") from None
            yield f"{prefix}/", None
            continue
        for entry in here:
            path = f"{prefix}/{entry.name}" if prefix else entry.name
            if entry.is_dir(follow_symlinks=False):
                if path != aside:
                    pending.append(path)
            else:
                yield path, entry.is_file(follow_symlinks=False)


def read_small(path: Path, limit: int) -> bytes | None:
    """Return the bytes of a regular file; None if it is not one, is too large, or is unreadable.

    Args:
        path: The file; not followed if it is a link.
        limit: Most bytes that it may have.
    """
    try:
        descriptor = os.open(path, FLAGS)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            data = file.read(limit + 1)
    except OSError:
        return None
    return data if len(data) <= limit else None
