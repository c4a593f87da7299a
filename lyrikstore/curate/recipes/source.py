"""Reading of the records of a filter's source, in storage order and in batches."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, Self

import msgspec
from msgspec import Struct, field

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.text import pluralize
from lyrikstore.curate.readers.batches import batched
from lyrikstore.curate.readers.fields import DOCUMENT_TEXT, FieldRoles
from lyrikstore.curate.readers.records import ROWS, iter_rows
from lyrikstore.curate.readers.rows import Fields, RowError, parse_row
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.records.order_root import DOCUMENT
from lyrikstore.history.records.rows import BadRow
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree, TreeEntry

BATCH_FILES = 64
"""Most documents of a batch. A batch is one task, and the unit that a resumed filter skips."""

BATCH_FILE_BYTES = 64 << 20
"""Most bytes of a batch of several documents: their texts are in memory at the same time."""

MAX_TEXT_BYTES = 256 << 20
"""Longest document that a filter reads."""

OpenBlob = Callable[[Digest], Any]
"""Opens a verified, seekable stream of a blob."""


_CHECK_ROWS = (
    "commit your own data again, which checks every row; for imported data, ask its publisher"
)


class RecordSource(Struct, frozen=True):
    """Files, and how to read records from them.

    Attributes:
        tree: All files.
        reader: Their reader.
        roles: The roles of the fields.
        companions: Paths of files without records.
    """

    tree: Tree
    reader: str
    roles: FieldRoles
    companions: frozenset[str] = frozenset()

    @classmethod
    def of(cls, manifest: Manifest, tree: Tree) -> Self:
        """Return the records of a dataset.

        Args:
            manifest: The manifest of the dataset.
            tree: All files of the dataset, or some.

        Raises:
            LyrikstoreError: As :func:`source_reader`.
        """
        body = manifest.body
        companions = frozenset(body.get("companions", ()))
        return cls(tree, source_reader(body), FieldRoles.of_body(body), companions)

    @property
    def is_rows(self) -> bool:
        """Whether its records are rows."""
        return self.reader in ROWS

    @property
    def text_fields(self) -> tuple[str, ...]:
        """The fields that are the text of its records."""
        return self.roles.text if self.is_rows else (DOCUMENT_TEXT,)

    def batches(self, open_blob: OpenBlob) -> "Iterator[Batch]":
        """Yield all records in storage order; the same batches every time.

        Raises:
            VerificationError, IncompleteError: A blob is damaged or lost.
            LyrikstoreError: As :func:`read_records`.
        """
        if self.is_rows:
            yield from self._row_batches(open_blob)
        else:
            for number, some in enumerate(self._documents()):
                yield Batch(number, tree=Tree(some).encode())

    def files(self) -> Iterator[TreeEntry]:
        """Yield the files with records."""
        return (entry for entry in self.tree.entries if entry.path not in self.companions)

    def _documents(self) -> "Iterator[tuple[TreeEntry, ...]]":
        entries = self.tree.entries
        start = size = 0
        for at, entry in enumerate(entries):
            if at > start and (at - start == BATCH_FILES or size + entry.bytes > BATCH_FILE_BYTES):
                yield entries[start:at]
                start, size = at, 0
            size += entry.bytes
        if start < len(entries):
            yield entries[start:]

    def _row_batches(self, open_blob: OpenBlob) -> "Iterator[Batch]":
        number = 0
        for entry in self.files():
            position = 0
            with open_blob(entry.blake3) as stream:
                rows_of_file = read_records(self.reader, entry.path, stream)
                for rows in batched((row, len(row)) for row in rows_of_file):
                    yield Batch(number, entry.path, position, rows)
                    number, position = number + 1, position + len(rows)


class Batch(Struct, array_like=True):
    """Consecutive records of a source: rows of one file, or documents.

    Attributes:
        number: The number of the batch, from 0.
        path: The file of the rows.
        position: The position of the first row in that file.
        rows: The rows.
        tree: For documents, in place of rows: their tree, encoded.
    """

    number: int
    path: str = ""
    position: int = 0
    rows: list[bytes] = field(default_factory=list)
    tree: bytes = b""

    @property
    def entries(self) -> tuple[TreeEntry, ...]:
        """The documents."""
        return Tree.parse(self.tree).entries if self.tree else ()

    def __len__(self) -> int:
        return len(self.rows) or self.tree.count(b"\n")

    def encode(self) -> bytes:
        """Return the batch as MessagePack."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> "Batch":
        """Decode the bytes of :meth:`encode`.

        Raises:
            FormatError: (``bad-answer``) the bytes are not a batch.
        """
        try:
            return msgspec.msgpack.decode(data, type=Batch)
        except msgspec.MsgspecError as error:
            raise FormatError("bad-answer", "the bytes are not a batch of records") from error


def read_records(reader: str, path: str, stream: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of each row of a file.

    Raises:
        InvalidInputError: (``bad-record``) a row cannot be read.
    """
    for row in iter_rows(reader, path, stream):
        if isinstance(row, BadRow):
            raise InvalidInputError(
                "bad-record",
                f"{path}: {row.place(reader)}: {row.reason}",
                hint=_CHECK_ROWS,
            )
        yield row.data


def parse_rows(batch: Batch, reader: str) -> Iterator[Fields]:
    """Yield the fields of each row of a batch.

    Raises:
        InvalidInputError: (``bad-record``) a row is not a JSON object; early versions of
            ``commit`` did not check rows.
    """
    for at, row in enumerate(batch.rows, start=1):
        try:
            yield parse_row(row)
        except RowError as error:
            raise InvalidInputError(
                "bad-record",
                f"{batch.path}: {BadRow(batch.position + at, '').place(reader)}: {error}",
                hint=_CHECK_ROWS,
            ) from None


def read_document(entry: TreeEntry, open_blob: OpenBlob) -> bytes:
    """Return the bytes of a document.

    Raises:
        InvalidInputError: (``too-large``) the document exceeds :data:`MAX_TEXT_BYTES`.
        VerificationError, IncompleteError: The document is damaged or lost.
    """
    if entry.bytes > MAX_TEXT_BYTES:
        raise InvalidInputError(
            "too-large",
            f"{entry.path} has {pluralize(entry.bytes, 'byte')}; a text filter reads at most "
            f"{MAX_TEXT_BYTES}",
            hint="cut the file into smaller files and commit again",
        )
    return read_start(entry, open_blob, MAX_TEXT_BYTES)


def read_start(entry: TreeEntry, open_blob: OpenBlob, most: int) -> bytes:
    """Return the first ``most`` bytes of a document, or all if it has fewer.

    Raises:
        VerificationError, IncompleteError: The document is damaged or lost.
    """
    with open_blob(entry.blake3) as stream:
        data: bytes = stream.read(most)
    return data


def source_reader(body: Mapping[str, Any]) -> str:
    """Return the reader of a dataset.

    Raises:
        InvalidInputError: (``no-reader``) filters do not support that reader.
    """
    reader = str(body["reader"])
    if reader != DOCUMENT and reader not in ROWS:
        raise InvalidInputError(
            "no-reader",
            f"filters read documents and rows; the reader {reader} is not supported",
            hint="use file suffixes that select a reader, such as .jsonl, and commit your own data "
            "again; for imported data, ask its publisher",
        )
    return reader


def resolve_dataset(repository: Repository, ref: str) -> Manifest:
    """Return the dataset version that a REF names.

    Raises:
        InvalidInputError: (``not-a-dataset``) the REF names something else; as
            :meth:`Repository.resolve`.
        NotFoundError: As :meth:`Repository.resolve`.
    """
    manifest = repository.resolve(ref)
    if manifest.kind != "dataset":
        raise InvalidInputError(
            "not-a-dataset", f"{ref} is a {manifest.kind}, not a dataset", hint="name a dataset"
        )
    return manifest
