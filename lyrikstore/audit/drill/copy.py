"""A copy of a store for attacks: no change of the copy reaches the store."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lyrikstore.canon.errors import StorageError


class StoreCopy:
    """A copy of a store whose changes are undone by :meth:`restore`.

    Packs are hard links where the file system allows it. So a change always puts a new file in
    the place of the old one: it never writes to a file, and never changes its mode.
    """

    def __init__(self, store: Path, folder: Path) -> None:
        self.root = folder / "store"
        self._kept = folder / "kept"
        self._changed: dict[str, bool] = {}
        self._kept.mkdir(parents=True)
        self._copy(store)

    def names(self, prefix: str) -> list[str]:
        """Return the names of the files below a folder of the copy, sorted."""
        found = (self.root / prefix).rglob("*")
        return sorted(str(path.relative_to(self.root)) for path in found if path.is_file())

    def read(self, name: str) -> bytes:
        """The bytes of one file of the copy."""
        return (self.root / name).read_bytes()

    def write(self, name: str, data: bytes) -> None:
        """Put a new file with these bytes in the place of *name*."""
        self._keep(name)
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def remove(self, name: str) -> None:
        """Remove one file of the copy."""
        self._keep(name)

    def restore(self) -> None:
        """Undo every change since the copy was made or last restored."""
        for name, existed in self._changed.items():
            path = self.root / name
            path.unlink(missing_ok=True)
            if existed:
                (self._kept / name).replace(path)
        self._changed.clear()

    def _keep(self, name: str) -> None:
        path = self.root / name
        if name in self._changed:
            path.unlink(missing_ok=True)
            return
        self._changed[name] = path.exists()
        if self._changed[name]:
            kept = self._kept / name
            kept.parent.mkdir(parents=True, exist_ok=True)
            path.replace(kept)

    def _copy(self, store: Path) -> None:
        for source in sorted(store.rglob("*")):
            name = source.relative_to(store)
            target = self.root / name
            if source.is_symlink() or not (source.is_dir() or source.is_file()):
                continue
            if source.is_dir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if name.parts[0] != "packs" or not _link(source, target):
                _copy_file(source, target)


@contextmanager
def attacked(copy: StoreCopy) -> Iterator[StoreCopy]:
    """Undo the changes made inside the block, also after an error."""
    try:
        yield copy
    finally:
        copy.restore()


def _link(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        return False
    return True


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _copy_file(source: Path, target: Path) -> None:
    if source.stat().st_size > _free(target.parent):
        raise StorageError(
            "disk-full",
            "there is not enough space for a copy of the store",
            hint="set TMPDIR to a folder with more space",
        )
    shutil.copyfile(source, target)
