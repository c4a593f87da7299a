"""Completeness check: every blob that a transaction names must be readable once committed."""

from collections.abc import Iterator, Sequence

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import ConflictError, IncompleteError
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree
from lyrikstore.objects.store.blobs import BlobStore
from lyrikstore.objects.store.transactions import PackChanges


class Reachable:
    """The blobs that will be readable once a transaction is committed.

    The new packs are searched separately from the old ones: building one index over all of them
    would cost a read per pack and commit.

    Args:
        repository: The current store.
        changes: The packs that the transaction adds.
        thorough: Check every chunk of every blob, because ``gc`` may have dropped some.
    """

    def __init__(self, repository: Repository, changes: PackChanges, *, thorough: bool) -> None:
        self._repository = repository
        self._thorough = self._together(repository, changes) if thorough else None
        self._changes = changes
        self._lists = dict(changes.chunk_lists)
        self._new = BlobStore(repository.backend, changes.added)

    def require(self, digest: Digest, manifest: Manifest | None, what: str) -> None:
        """Raise `blob-missing` or `repacked` unless a blob will be readable.

        Raises:
            IncompleteError: (``blob-missing``) it will not be.
            ConflictError: (``repacked``) it will not be, and ``gc`` ran meanwhile.
        """
        label = f"{manifest.name}: {what}" if manifest else what
        if self._thorough is not None:
            if not self._thorough.is_whole(digest):
                raise repacked_error(f"{label} ({digest.short}) relied on it")
            return
        if digest in self._lists or self._new.has(digest) or self._repository.blobs.has(digest):
            return
        raise IncompleteError("blob-missing", f"{label} ({digest.short}) is not in the store")

    def require_all(self, tree: Tree, manifest: Manifest, new: Sequence[int] | None = None) -> None:
        """Call :meth:`require` for every file of a tree, and raise its errors.

        Args:
            tree: The tree.
            manifest: The manifest of the tree.
            new: Positions of the files that no current version has; ``gc`` has not run since
                these were determined. None for all.
        """
        if self._thorough is not None:
            for path, digest in zip(tree.paths, _digests(tree.digests), strict=True):
                self.require(digest, manifest, path)
            return
        asked = range(len(tree)) if new is None else new
        raws = b"".join([tree.digests[at * 32 : at * 32 + 32] for at in asked])
        old = [asked[place] for place in self._repository.blobs.missing(raws)]
        raws = b"".join([tree.digests[at * 32 : at * 32 + 32] for at in old])
        for place in self._new.missing(raws):
            digest = Digest(raws[place * 32 : place * 32 + 32])
            self.require(digest, manifest, tree.paths[old[place]])

    def tree(self, digest: Digest) -> Tree:
        """Return a tree that will be readable; raises the errors of reading and parsing it."""
        blobs = self._new if self._new.has(digest) else self._repository.blobs
        if digest in self._lists:  # its chunks may lie in old and new packs
            blobs = self._together(self._repository, self._changes)
        with blobs.open(digest) as stream:
            return Tree.parse(stream)

    @staticmethod
    def _together(repository: Repository, changes: PackChanges) -> BlobStore:
        live = repository.live
        return BlobStore(
            repository.backend,
            (*live.packs, *changes.added),
            (*live.chunk_lists.items(), *changes.chunk_lists),
        )


def _digests(joined: bytes) -> Iterator[Digest]:
    return (Digest(joined[at : at + 32]) for at in range(0, len(joined), 32))


def repacked_error(what: str) -> ConflictError:
    """Return the error for a writer that needs data which ``gc`` dropped meanwhile."""
    return ConflictError(
        "repacked", f"gc dropped data meanwhile: {what}", hint="run the command again"
    )
