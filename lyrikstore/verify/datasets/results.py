"""Comparison of the decisions' results with the dataset that a filter made (spec §11.7.4)."""

from array import array
from bisect import bisect_left
from collections.abc import Mapping

from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.records.order_root import DOCUMENT, document_id, record_id
from lyrikstore.history.trees.tree import Tree
from lyrikstore.verify.datasets.reading import Rows

_ANY = bytes(32)


class UnsoundDecisionError(Exception):
    """A decision contradicts the data. The message has neither paths nor values."""


class ResultFiles:
    """The files of a filter's result, and the records that decisions assign to them.

    Args:
        manifest: Manifest of the dataset.
        tree: Its files.

    Cost: for rows, 40 bytes a file, and one bit for each record with an unknown id.
    """

    def __init__(self, manifest: Manifest, tree: Tree) -> None:
        self._reader, self._tree = manifest.body["reader"], tree
        self.is_rows = self._reader != DOCUMENT
        self._counts = array("q", bytes(8 * len(tree)))
        self._sums = bytearray(32 * len(tree)) if self.is_rows else bytearray()
        self._any: dict[int, bytearray] = {}

    def take_row(self, path: str | None, position: int | None, identity: bytes | None) -> None:
        """Record that a decision puts a record at the next position of a file.

        Args:
            path: Its file.
            position: Its place there.
            identity: Its id; None: unknown.

        Raises:
            UnsoundDecisionError: The file does not exist, or the position is not the next one.
        """
        at = self._at(path)
        if position != self._counts[at]:
            raise UnsoundDecisionError(f"puts a record of file {at + 1} of the result out of order")
        if identity is None:
            marks = self._any.setdefault(at, bytearray())
            if len(marks) <= position // 8:
                marks.extend(bytes(position // 8 + 1 - len(marks)))
            marks[position // 8] |= 1 << position % 8
        self._add(self._counts, self._sums, at, identity)

    def take_document(
        self,
        path: str | None,
        *,
        blob: bytes | None = None,
        identity: str | None = None,
        meta: Mapping[str, str] | None = None,
        same_meta: bool = False,
    ) -> None:
        """Record that a decision makes a document one of the files.

        Args:
            path: Its path.
            blob: Its raw digest; None: unknown.
            identity: Its record id, in hex; None: unknown.
            meta: Its metadata.
            same_meta: Whether the file must have exactly this metadata.

        Raises:
            UnsoundDecisionError: The file does not exist, was named before, or differs.
        """
        at = self._at(path)
        if self._counts[at]:
            raise UnsoundDecisionError(f"puts two records where file {at + 1} of the result is")
        self._counts[at] = 1
        found = self._tree.digests[at * 32 : at * 32 + 32]
        if (
            (blob is not None and blob != found)
            or (identity is not None and identity != document_id(Digest(found)).hex)
            or (same_meta and (meta or {}) != self._tree.metas.get(at, {}))
        ):
            raise UnsoundDecisionError(f"puts another record where file {at + 1} of the result is")

    def compare_documents(self) -> None:
        """Raise unless decisions name every file; raises as :meth:`take_document`."""
        if 0 in self._counts:
            at = self._counts.index(0)
            raise UnsoundDecisionError(f"says nothing of file {at + 1} of the result")

    def compare_rows(self, rows: Rows) -> None:
        """Raise unless the dataset has exactly the records that decisions name.

        Args:
            rows: All records of the dataset.

        Raises:
            UnsoundDecisionError: A record differs, or is missing.
            LyrikstoreError: The records cannot be read.
        """
        counts = array("q", bytes(8 * len(self._tree)))
        sums = bytearray(32 * len(self._tree))
        for at, some in rows:
            marks = self._any.get(at, b"")
            for data in some:
                byte, bit = divmod(counts[at], 8)
                is_any = byte < len(marks) and marks[byte] >> bit & 1
                self._add(counts, sums, at, None if is_any else record_id(self._reader, data).raw)
        for at in range(len(self._tree)):
            if (counts[at], sums[at * 32 : at * 32 + 32]) != (
                self._counts[at],
                self._sums[at * 32 : at * 32 + 32],
            ):
                raise UnsoundDecisionError(f"puts other records into file {at + 1} of the result")

    def _at(self, path: str | None) -> int:
        paths = self._tree.paths
        at = len(paths) if path is None else bisect_left(paths, path)
        if at == len(paths) or paths[at] != path:
            raise UnsoundDecisionError("puts a record into a file that the result does not have")
        return at

    @staticmethod
    def _add(counts: "array[int]", sums: bytearray, at: int, identity: bytes | None) -> None:
        counts[at] += 1
        place = slice(at * 32, at * 32 + 32)
        sums[place] = blake3(sums[place] + (identity or _ANY)).digest()
