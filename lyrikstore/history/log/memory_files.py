"""The files of the log memory: one per log key or store, in a folder of the user."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Literal

from lyrikstore.canon import json
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    LyrikstoreError,
    NotFoundError,
    StorageError,
    storage_errors,
)
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.objects.backends.base import NOT_A_FILE, LocalBackend

LogName = VerifierKey | Digest
"""The name of a remembered log: a key of the log, or the id of the store with this log."""

Shelf = Literal["signed", "seen", "intended", "known"]


class MemoryFiles:
    """The memory as JSON files of a few texts each.

    Args:
        directory: Private to the user and outside every store; made (0700) when first written.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._files = LocalBackend(directory)

    def keys(self, shelf: Shelf) -> Iterator[VerifierKey]:
        """Yield the log keys that have a file in the memory.

        Raises:
            FormatError: (``bad-memory``) a file cannot be read.
        """
        for name in self._files.list(f"{shelf}/"):
            try:
                document = json.parse_canonical(self._files.read(name))
                key = VerifierKey.parse(document["key"])
            except NotFoundError:
                continue
            except (LyrikstoreError, KeyError, TypeError) as error:
                raise FormatError(
                    "bad-memory",
                    f"the log memory {self.directory / name} is unusable: {error}",
                    hint="restore that file",
                ) from None
            yield key

    def read(self, shelf: Shelf, key: LogName, members: set[str]) -> dict[str, str] | None:
        """Return the remembered texts of one log, or None.

        Raises:
            FormatError: (``bad-memory``) the file has other members, or cannot be read.
        """
        try:
            data = self._files.read(_file_name(shelf, key))
        except NotFoundError:
            return None
        except StorageError as error:
            if error.kind != NOT_A_FILE:
                raise
            raise self.unusable(shelf, key, error) from None
        try:
            return _decode(data, key, members)
        except FormatError as error:
            raise self.unusable(shelf, key, error) from None

    def write(self, shelf: Shelf, key: LogName, members: dict[str, str]) -> None:
        """Write the texts of one log durably, in place of the earlier ones.

        Raises:
            StorageError: Storage backend error: disk full, read-only, I/O error.
        """
        self.make()
        document = {**members, "key": str(key), "v": 1}
        self._files.replace(_file_name(shelf, key), json.encode(document))

    def unusable(self, shelf: Shelf, key: LogName, error: Exception) -> FormatError:
        """Return the error for a file that cannot be used."""
        path = self.directory / _file_name(shelf, key)
        return FormatError(
            "bad-memory",
            f"the log memory {path} is unusable: {error}",
            hint="restore that file; remove it only if you are sure that this is the newest store",
        )

    def make(self) -> None:
        """Create the folder unless it exists."""
        with storage_errors(f"making {self.directory}"):
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def _file_name(shelf: Shelf, key: LogName) -> str:
    return f"{shelf}/{sha256(str(key).encode()).hexdigest()}.json"


def _decode(data: bytes, key: LogName, members: set[str]) -> dict[str, str]:
    document = json.parse_canonical(data)
    if (
        not isinstance(document, dict)
        or document.keys() != {*members, "key", "v"}
        or document["v"] != 1
        or document["key"] != str(key)
    ):
        raise FormatError("bad-memory", "it has other members")
    texts = {member: value for member in members if isinstance(value := document[member], str)}
    if len(texts) != len(members):
        raise FormatError("bad-memory", "it has other members")
    return texts
