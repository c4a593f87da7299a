"""Hashing of a scan's files; files that the stat cache knows are not read."""

import os
import stat
from bisect import bisect_left
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.progress import OnProgress, Progress, silent
from lyrikstore.curate.scan.scan import Scan
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.diff import TreeDifference, differences
from lyrikstore.history.trees.paths import TreePaths
from lyrikstore.history.trees.tree import Tree
from lyrikstore.history.trees.tree_entry import NO_META, encode_line
from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.io.stat_cache import StatCache
from lyrikstore.objects.parallel.tasks import Pools

if TYPE_CHECKING:
    from lyrikstore.objects.store.writer import BlobWriter


class Hashing:
    """The digests of one scan: those from the cache, and those of files that must be read.

    Args:
        scan: The scan.
        metas: Path to metadata.
        cache: The stat cache, if there is one.
        progress: Progress callback, called per file; unchanged ones count too.

    Attributes:
        pending: Positions in the scan of the files that must be read.
        new: Positions of the files that the previous version does not have in the same form; None
            for all.
        gone: Paths of that version that are not in the scan.
        bytes_read: Number of bytes read so far.
    """

    def __init__(
        self,
        scan: Scan,
        metas: Mapping[str, Mapping[str, str]],
        cache: StatCache | None,
        progress: OnProgress = silent,
    ) -> None:
        self._scan = scan
        get = metas.get
        self._metas = (
            {at: meta for at, path in enumerate(scan.paths) if (meta := get(path))} if metas else {}
        )
        self._cache = cache
        self._progress = progress
        self._sizes = scan.sizes
        self._total = sum(self._sizes)
        self._digests = bytearray(32 * len(scan.paths))
        self._tree: Tree | None = None
        self._draft: _Draft | None = None
        self.pending: Sequence[int] = range(len(scan.paths))
        self.new: Sequence[int] | None = None
        self.gone: list[str] = []
        self.bytes_read = 0

    def look_up(self, repository: Repository, before: bytes) -> None:
        """Use the cached digests of files whose blobs are still in the store.

        Args:
            repository: The store.
            before: The bytes of the current version's tree, or empty. As long as the store is not
                damaged, it has the blobs of this tree, so they need not be looked up.
        """
        unknown: Sequence[int] = self.pending
        if self._cache is not None:
            self._digests, unknown = self._cache.lookup(self._scan.states)
        candidates: Sequence[int] = range(len(self._sizes))
        if before:
            draft = _Draft(self._assemble(None).encode(), before)
            self.gone = draft.gone
            if repository.blobs.is_whole_here:
                self._draft = draft
                candidates = self.new = draft.places(self._scan.paths)
        if len(unknown) < len(self._sizes):
            read = set(unknown)
            known = [at for at in candidates if at not in read]
            raws = b"".join([self._digests[at * 32 : at * 32 + 32] for at in known])
            missing = [known[at] for at in repository.blobs.missing(raws)] if raws else []
            self.pending = sorted((*unknown, *missing)) if missing else unknown
            self._report(len(self._sizes) - len(self.pending), self._known_bytes())

    def tree(self) -> Tree:
        """Return the tree without storing anything; the pending files are read."""
        if self._tree is None:
            done, known_bytes = len(self._sizes) - len(self.pending), self._known_bytes()
            for at in self.pending:
                digest = hash_file(self._scan.location(at))
                self._digests[at * 32 : at * 32 + 32] = digest.raw
                self.bytes_read += self._sizes[at]
                done += 1
                self._report(done, known_bytes + self.bytes_read)
            self._tree = self._assemble(self._draft)
        return self._tree

    def store(
        self, writer: "BlobWriter", backend: Backend | None = None, pools: Pools | None = None
    ) -> Tree:
        """Store the pending files and return the tree.

        Args:
            writer: The writer of the store.
            backend: The backend of the store, for ``pools``.
            pools: Makes a pool of workers on other machines that read and store the files.

        Raises:
            InvalidInputError: (``file-changed``, ``file-unreadable``, ``file-missing``) a file
                changed while it was read, or cannot be read.
            StorageError: The store's medium failed.
        """
        locations = [self._scan.location(at) for at in self.pending]
        done, known_bytes = len(self._sizes) - len(locations), self._known_bytes()
        if backend is not None and pools is not None:
            from lyrikstore.objects.distributed import distribute_files

            files = [str(Path(location).absolute()) for location in locations]
            sizes = [self._sizes[at] for at in self.pending]
            stored = distribute_files(writer, backend, pools, files, sizes)
        else:
            sizes = [self._sizes[at] for at in self.pending]
            stored = writer.put_files(locations, sizes=sizes, follow_links=True)
        for place, digest, size in stored:
            at = self.pending[place]
            self._digests[at * 32 : at * 32 + 32] = digest.raw
            self._sizes[at] = size
            self.bytes_read += size
            done += 1
            self._report(done, known_bytes + self.bytes_read)
        self._tree = self._assemble(self._draft)
        return self._tree

    def remember(self) -> None:
        """Save the cache; errors are ignored, as the commit does not depend on it."""
        if self._cache is not None:
            self._cache.save(self._scan.states, bytes(self._digests))

    def _assemble(self, draft: "_Draft | None") -> Tree:
        paths, digests = self._scan.paths, bytes(self._digests)
        data = None
        if draft is not None:
            data = draft.finish(paths, self._sizes, digests, self._metas, set(self.pending))
        return Tree.of_columns(paths, self._sizes, digests, self._metas, data)

    def _known_bytes(self) -> int:
        return self._total - sum(self._sizes[at] for at in self.pending)

    def _report(self, files: int, size: int) -> None:
        self._progress(Progress(files, len(self._sizes), size))


class _Draft:
    # The bytes of a tree in which the digests of files that are not read yet are zeros, compared
    # with the previous tree. After these files are read, most of the bytes are kept.
    def __init__(self, data: bytes, before: bytes) -> None:
        self._data = data
        self._here: list[TreeDifference] = []
        self.gone: list[str] = []
        for item in differences(before, data):
            if item.new:
                self._here.append(item)
            else:
                self.gone.append(item.path)

    def places(self, paths: TreePaths) -> list[int]:
        """Return the positions of the files that the previous tree does not have in this form."""
        return [bisect_left(paths, item.path) for item in self._here]

    def finish(
        self,
        paths: TreePaths,
        sizes: Sequence[int],
        digests: bytes,
        metas: Mapping[int, Mapping[str, str]],
        read: Container[int],
    ) -> bytes:
        """Return the bytes of the tree, with new lines for the files that were read meanwhile."""
        parts: list[bytes | memoryview] = []
        data, start = memoryview(self._data), 0  # a view, so that only one copy is made
        for at, item in zip(self.places(paths), self._here, strict=True):
            if at in read:
                digest = digests[at * 32 : at * 32 + 32].hex()
                line = encode_line(paths[at], sizes[at], digest, metas.get(at, NO_META))
                parts += (data[start : item.at], line.encode())
                start = item.at + len(item.new)
        return b"".join((*parts, data[start:])) if parts else self._data


def hash_file(location: str) -> Digest:
    """Return the digest of a file of a scan.

    Raises:
        InvalidInputError: (``file-unreadable``) it cannot be read, or is no longer a file.

    Cost: one read, 1 MiB of memory.
    """
    hasher = blake3()
    try:
        # Not blocking: a file that was listed may have been replaced by a FIFO.
        with open(location, "rb", buffering=0, opener=_open) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _unreadable(location, "it is no longer a regular file")
            while part := file.read(1 << 20):
                hasher.update(part)
    except OSError as error:
        raise _unreadable(location, error.strerror or str(error)) from None
    return Digest(hasher.digest())


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _unreadable(location: str, reason: str) -> InvalidInputError:
    return InvalidInputError(
        "file-unreadable",
        f"{location}: cannot be read ({reason})",
        hint="check the file, then run the command again",
    )
