"""Content ids of datasets' records, kept in the user's cache (spec §11.7.3).

Content ids reveal nothing beyond the data, but allow guesses about the data to be tested. So they
are kept only in the user's own cache, and deleted together with the data.
"""

import contextlib
from array import array
from collections import OrderedDict
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from blake3 import blake3
from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, storage_errors
from lyrikstore.canon.files import open_regular, remember
from lyrikstore.canon.text import pluralize
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.datasets.reading import CONTENT_BYTES, DatasetReading
from lyrikstore.version import __version__

MAX_CONTENTS = 1 << 24
"""Most records of a dataset of which contents are compared: a quarter of a gibibyte of ids."""

_IN_MEMORY = 512 << 20
_FOLDER = "contents"
_SUM = 32
_DTYPE = f"S{CONTENT_BYTES}"


class FileContents(Struct, frozen=True):
    """The content ids of a dataset's records, file by file.

    Attributes:
        counts: How many ids each file of the tree has.
        ids: All ids, one after another.
    """

    counts: Sequence[int]
    ids: bytes

    def of_files(self, chosen: Sequence[bool]) -> Any:
        """Return the ids of the files for which ``chosen`` is true."""
        import numpy as np

        every = np.frombuffer(self.ids, _DTYPE)
        return every[np.repeat(np.asarray(chosen, np.bool_), np.asarray(self.counts, np.int64))]


def count_shared(mine: Any, theirs: Any) -> int:
    """Return how many of ``mine`` are among ``theirs``, as :meth:`FileContents.of_files` gives."""
    import numpy as np

    if not len(theirs):
        return 0
    there = np.sort(theirs)
    at = np.searchsorted(there, mine)
    at[at == len(there)] = 0
    return int(np.count_nonzero(there[at] == mine))


class Contents:
    """Gives the content ids of datasets' records.

    Args:
        repository: The store. Ids are kept in its user's cache, if it has one. A store being
            verified has none, because a cache is not evidence.
        reading: Reads the data.
    """

    def __init__(self, repository: Repository, reading: DatasetReading) -> None:
        self._repository, self._reading = repository, reading
        self._known: OrderedDict[Digest, FileContents] = OrderedDict()

    def of(self, dataset: Manifest) -> FileContents:
        """Return the content ids of a dataset's records.

        Raises:
            IncompleteError: (``too-many-records``) there are more than :data:`MAX_CONTENTS`.
            LyrikstoreError: Its data cannot be read, or the manifest has no data.

        Cost: one read of the data, unless the ids are in the cache; 16 bytes for each record.
        """
        found = self._known.get(dataset.id) or self._recalled(dataset) or self._read(dataset)
        self._known[dataset.id] = found
        self._known.move_to_end(dataset.id)
        while len(self._known) > 1 and sum(len(one.ids) for one in self._known.values()) > (
            _IN_MEMORY
        ):
            self._known.popitem(last=False)
        return found

    def _read(self, dataset: Manifest) -> FileContents:
        tree, ids = self._repository.tree(dataset), bytearray()
        counts = array("I", bytes(4 * len(tree.paths)))
        for number, identity in self._reading.contents(
            dataset.body, tree, self._repository.blobs.open
        ):
            counts[number] += 1
            ids += identity
            if len(ids) > MAX_CONTENTS * CONTENT_BYTES:
                most = pluralize(MAX_CONTENTS, "record")
                raise IncompleteError("too-many-records", f"more than {most}")
        found = FileContents(counts, bytes(ids))
        path = self._path(dataset.id)
        if path is not None:
            data = len(counts).to_bytes(4, "little") + counts.tobytes() + ids
            remember(path, _sum(data), data)
        return found

    def _recalled(self, dataset: Manifest) -> FileContents | None:
        path = self._path(dataset.id)
        if path is None:
            return None
        with contextlib.suppress(OSError):
            with open_regular(path) as file:
                data = file.read()
            data, kept = data[_SUM:], data[:_SUM]
            if _sum(data) == kept:
                start = 4 + 4 * int.from_bytes(data[:4], "little")
                return FileContents(array("I", data[4:start]), data[start:])
        return None

    def _path(self, identity: Digest) -> Path | None:
        folder = self._repository.own_cache
        return None if folder is None else folder / _FOLDER / identity.hex


def forget_contents(directory: Path, datasets: Collection[Digest]) -> int:
    """Delete the cached content ids of some datasets; return the number of bytes deleted.

    Args:
        directory: The user's cache folder for the store.
        datasets: The datasets.

    Raises:
        StorageError: A cache file cannot be removed.
    """
    freed = 0
    with storage_errors(f"forgetting contents in {directory}"):
        for identity in datasets:
            path = directory / _FOLDER / identity.hex
            with contextlib.suppress(FileNotFoundError):
                freed += path.lstat().st_size
                path.unlink()
    return freed


def _sum(data: bytes) -> bytes:
    return blake3(__version__.encode() + b"\0" + data).digest()
