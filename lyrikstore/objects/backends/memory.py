"""Backend in the memory of this process, for tests, notebooks and dry runs."""

import threading
from collections.abc import Iterator
from pathlib import Path

from lyrikstore.canon.errors import NotFoundError
from lyrikstore.objects.backends.base import check_name


class MemoryBackend:
    """A store in a dictionary.

    Args:
        scratch: A folder for unfinished files.
        files: The dictionary of the files; several backends may share one.
    """

    _guard = threading.Lock()  # one for all: backends may share their files

    def __init__(self, scratch: Path, files: dict[str, bytes] | None = None) -> None:
        self._scratch = scratch
        self.files: dict[str, bytes] = {} if files is None else files

    @property
    def scratch(self) -> Path:
        """The scratch folder."""
        return self._scratch

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Return bytes of a file."""
        check_name(name)
        data = self.files.get(name)
        if data is None:
            raise NotFoundError("no-file", f"reading {name}: there is no such file")
        return data[start : None if length is None else start + length]

    def size(self, name: str) -> int | None:
        """Return the size of a file, or None if there is none."""
        check_name(name)
        data = self.files.get(name)
        return None if data is None else len(data)

    def create(self, name: str, source: bytes | Path) -> bool:
        """Create a file if it does not exist."""
        check_name(name)
        data = source if isinstance(source, bytes) else source.read_bytes()
        with self._guard:
            if name in self.files:
                return False
            self.files[name] = data
            return True

    def replace(self, name: str, source: bytes | Path) -> None:
        """Replace a file."""
        check_name(name)
        self.files[name] = source if isinstance(source, bytes) else source.read_bytes()

    def swap(self, name: str, expected: bytes | None, new: bytes) -> bool:
        """Replace a file if it is unchanged."""
        check_name(name)
        with self._guard:
            if self.files.get(name) != expected:
                return False
            self.files[name] = new
            return True

    def list(self, prefix: str) -> Iterator[str]:
        """Yield names in order."""
        names = tuple(self.files)  # a copy: others may write meanwhile
        yield from sorted(name for name in names if name.startswith(prefix))

    def remove(self, name: str) -> None:
        """Remove a file."""
        check_name(name)
        self.files.pop(name, None)


_NAMED: dict[str, dict[str, bytes]] = {}


def shared_files(name: str) -> dict[str, bytes]:
    """Return the files of the store ``memory://name``, which the whole process shares."""
    return _NAMED.setdefault(name, {})
