"""The hashing of a snapshot: only what the stat cache does not know is read."""

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.snapshot import Scan
from lyrikstore.history.repository import Repository
from lyrikstore.history.tree import Tree
from lyrikstore.objects.backend import Backend
from lyrikstore.objects.cluster import Pools
from lyrikstore.objects.statcache import StatCache
from lyrikstore.objects.writer import BlobWriter

Progress = Callable[[int, int, int, int], None]
"""Called with files done, files in all, bytes done, bytes in all."""


class Hashing:
    """What the cache knows of one snapshot, and what must be read. It works on whole columns.

    Args:
        snapshot: The listing.
        metas: Path to metadata.
        cache: What was hashed before, if that is remembered.
        progress: Told about files and bytes.

    Attributes:
        pending: Positions in the snapshot of the files that must be read.
        bytes_read: Bytes read so far.
    """

    def __init__(
        self,
        snapshot: Scan,
        metas: Mapping[str, Mapping[str, str]],
        cache: StatCache | None,
        progress: Progress | None = None,
    ) -> None:
        self._snapshot = snapshot
        self._metas = metas
        self._cache = cache
        self._progress = progress
        self._sizes = snapshot.sizes
        self._total = sum(self._sizes)
        self._digests = bytearray(32 * len(snapshot.paths))
        self._tree: Tree | None = None
        self.pending: Sequence[int] = range(len(snapshot.paths))
        self.bytes_read = 0

    def look_up(self, repository: Repository) -> None:
        """Take from the cache what it knows and the store still has."""
        if self._cache is None:
            return
        self._digests, unknown = self._cache.lookup(self._snapshot.states)
        if len(unknown) < len(self._sizes):
            self.pending = repository.blobs.missing(bytes(self._digests))
            self._tell(len(self._sizes) - len(self.pending), self._settled())

    def tree(self) -> Tree:
        """Return the tree without storing anything; reads what is pending."""
        if self._tree is None:
            for at in self.pending:
                digest = hash_file(self._snapshot.location(at))
                self._digests[at * 32 : at * 32 + 32] = digest.raw
            self._tree = self._assemble()
        return self._tree

    def store(
        self, writer: BlobWriter, backend: Backend | None = None, pools: Pools | None = None
    ) -> Tree:
        """Store what is pending and return the tree.

        Args:
            writer: Of the store.
            backend: Where the store is, for ``pools``.
            pools: Makes the pool of other machines' workers that read and store the files.

        Raises:
            InvalidInputError: (``file-changed``, ``file-unreadable``, ``file-missing``).
            StorageError: The store's medium failed.
        """
        locations = [self._snapshot.location(at) for at in self.pending]
        done, settled = len(self._sizes) - len(locations), self._settled()
        if backend is not None and pools is not None:
            from lyrikstore.objects.spread import spread_files

            files = [str(Path(location).absolute()) for location in locations]
            sizes = [self._sizes[at] for at in self.pending]
            stored = spread_files(writer, backend, pools, files, sizes)
        else:
            sizes = [self._sizes[at] for at in self.pending]
            stored = writer.put_files(locations, sizes=sizes, follow_links=True)
        for place, digest, size in stored:
            at = self.pending[place]
            self._digests[at * 32 : at * 32 + 32] = digest.raw
            self._sizes[at] = size
            self.bytes_read += size
            done += 1
            self._tell(done, settled + self.bytes_read)
        self._tree = self._assemble()
        return self._tree

    def remember(self) -> None:
        """Save the cache. A failure to write it is no failure of the commit."""
        if self._cache is not None:
            self._cache.save(self._snapshot.states, bytes(self._digests))

    def _assemble(self) -> Tree:
        paths = self._snapshot.paths
        metas = {}
        if self._metas:
            get = self._metas.get
            metas = {at: meta for at, path in enumerate(paths) if (meta := get(path))}
        return Tree.of_columns(paths, self._sizes, bytes(self._digests), metas)

    def _settled(self) -> int:
        return self._total - sum(self._sizes[at] for at in self.pending)

    def _tell(self, files: int, size: int) -> None:
        if self._progress is not None:
            self._progress(files, len(self._sizes), size, self._total)


def hash_file(location: str) -> Digest:
    """Return the digest of a file of a snapshot.

    Raises:
        InvalidInputError: (``file-unreadable``) it cannot be read, or is no file any more.

    Cost: one read, 1 MiB of memory.
    """
    hasher = blake3()
    try:
        # Not blocking: what was a file when it was listed may be a FIFO by now.
        with open(location, "rb", buffering=0, opener=_open) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _unreadable(location, "not a regular file any more")
            while piece := file.read(1 << 20):
                hasher.update(piece)
    except OSError as error:
        raise _unreadable(location, error.strerror or str(error)) from None
    return Digest(hasher.digest())


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _unreadable(location: str, reason: str) -> InvalidInputError:
    return InvalidInputError(
        "file-unreadable",
        f"{location}: cannot be read ({reason})",
        hint="check the file and run it again",
    )
