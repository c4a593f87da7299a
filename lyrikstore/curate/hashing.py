"""The hashing of a snapshot: only what the stat cache does not know is read."""

from collections.abc import Callable, Mapping
from pathlib import Path

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import StorageError
from lyrikstore.curate.sheet import Joined
from lyrikstore.curate.snapshot import Found, Scan
from lyrikstore.history.repository import Repository
from lyrikstore.history.tree import Entry, Tree
from lyrikstore.objects.statcache import StatCache
from lyrikstore.objects.writer import BlobWriter

Progress = Callable[[int, int, int, int], None]
"""Called with files done, files in all, bytes done, bytes in all."""


class Hashing:
    """What the cache knows of one snapshot, and what must be read.

    Attributes:
        pending: Files that must be read.
        bytes_read: Bytes read so far.
    """

    def __init__(
        self,
        repository: Repository,
        snapshot: Scan,
        joined: Joined,
        cache: StatCache | None,
        progress: Progress | None,
    ) -> None:
        self._repository = repository
        self._files = snapshot.files
        self._meta: Mapping[str, Mapping[str, str]] = joined.meta
        self._cache = cache
        self._progress = progress
        self._total = snapshot.total_bytes
        self._done = 0
        self._entries: dict[str, Entry] = {}
        self._tree: Tree | None = None
        self.pending: list[Found] = []
        self.bytes_read = 0

    def look_up(self) -> None:
        """Take from the cache what it knows and the store still has."""
        for found in self._files:
            digest = self._cache.lookup(found.stat) if self._cache is not None else None
            if digest is None or not self._repository.blobs.has(digest):
                self.pending.append(found)
            else:
                self._add(found, digest, found.stat.st_size)

    def tree(self) -> Tree:
        """Return the tree without storing anything; reads what is pending."""
        if self._tree is None:
            for found in self.pending:
                self._add(found, _hash(found), found.stat.st_size)
            self._tree = Tree.of(self._entries.values())
        return self._tree

    def store(self, writer: BlobWriter) -> Tree:
        """Store what is pending and return the tree.

        Raises:
            InvalidInputError: (``file-changed``, ``file-unreadable``, ``file-missing``).
            StorageError: The store's medium failed.
        """
        for found in self.pending:
            digest, size = writer.put_file(Path(found.location), follow_links=True)
            self.bytes_read += size
            if self._cache is not None:
                self._cache.record(found.stat, digest)
            self._add(found, digest, size)
        return Tree.of(self._entries.values())

    def remember(self) -> None:
        """Save the cache. A failure to write it is no failure of the commit."""
        if self._cache is not None:
            self._cache.save()

    def _add(self, found: Found, digest: Digest, size: int) -> None:
        meta = self._meta.get(found.path)
        self._entries[found.path] = Entry(found.path, size, digest, meta or None)
        self._done += size
        if self._progress is not None:
            self._progress(len(self._entries), len(self._files), self._done, self._total)


def _hash(found: Found) -> Digest:
    try:
        return Digest.of_file(Path(found.location))
    except OSError as error:
        raise StorageError(
            "io", f"{found.path}: cannot be read ({error.strerror or error})", hint="run it again"
        ) from None
