"""Record ids of a dataset's files, gathered while they are compared (spec §9.4)."""

from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Any, BinaryIO

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.quoting import quote
from lyrikstore.history.records.order_root import DOCUMENT, document_id
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.verify.delivery.quality import Measuring


class RecordIds:
    """Collects record ids while files are read, so that one read serves both digests.

    Attributes:
        counts: Number of records of each file given, none of a companion.
        problem: Why there are no records.
    """

    def __init__(
        self,
        reader: str | None,
        companions: frozenset[str],
        record_ids: Callable[[str, TreeEntry, BinaryIO], Iterable[Digest]] | None,
        measuring: Measuring | None,
    ) -> None:
        """Collect the ids from ``measuring``, which measures, or else from ``record_ids``."""
        self._reader = reader
        self._companions = companions
        self._record_ids = record_ids if measuring is None else measuring.record_ids
        self._measuring = measuring
        self._raw = bytearray()
        self.counts = array("q")
        self.problem = ""
        if reader is None:
            self.problem = "no manifest names the reader"
        elif self._record_ids is None:
            self.problem = "no reader of records was given"

    @property
    def active(self) -> bool:
        """Whether record ids are collected."""
        return self._reader is not None and self._record_ids is not None

    @property
    def reads(self) -> bool:
        """Whether files must be read, and not only hashed, to know their records."""
        return self.active and self._reader != DOCUMENT

    def add(self, entry: TreeEntry, stream: BinaryIO) -> None:
        """Read one file, in tree order."""
        if self.problem or self._reader is None or self._record_ids is None:
            return
        if entry.path in self._companions:
            self.counts.append(0)
            return
        before = len(self._raw)
        try:
            for record in self._record_ids(self._reader, entry, stream):
                self._raw += record.raw
            self.counts.append((len(self._raw) - before) // 32)
        except LyrikstoreError as error:
            self.problem = f"{quote(entry.path)}: {quote(error.message, 200)}"

    def add_documents(self, tree: Tree) -> None:
        """Add the files of ``tree`` as records without reading them."""
        self.counts.extend(int(entry.path not in self._companions) for entry in tree.entries)
        if self._companions:
            tree = Tree.of(one for one in tree.entries if one.path not in self._companions)
        for entry in tree.entries:
            self._raw += document_id(entry.blake3).raw
        if self._measuring is not None:
            self._measuring.add_documents(tree)

    @property
    def records(self) -> Sequence[Digest]:
        """The ids of all records, in storage order."""
        return _Digests(bytes(self._raw))


class _Digests(Sequence[Digest]):
    """Digests in one block of memory: 32 bytes a record instead of an object each."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def __len__(self) -> int:
        return len(self._raw) // 32

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        start = index % len(self) * 32
        return Digest(self._raw[start : start + 32])
