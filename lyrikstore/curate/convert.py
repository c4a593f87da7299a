"""Conversion of a version to JSONL, CSV or Parquet, from any reader (docs/rows.md).

The converted files are not the version: their bytes and ids differ. JSONL keeps everything; CSV has
only text, and Parquet one type per column.
"""

import csv
import io
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, storage_errors
from lyrikstore.canon.files import open_private
from lyrikstore.canon.json import JSON, encode
from lyrikstore.canon.progress import OnProgress, Progress
from lyrikstore.canon.text import unknown_word
from lyrikstore.curate.readers.batches import batched
from lyrikstore.curate.readers.columns import ColumnKinds, arrow_column, arrow_type
from lyrikstore.curate.readers.rows import Fields, as_text
from lyrikstore.curate.recipes.source import (
    RecordSource,
    parse_rows,
    read_document,
)
from lyrikstore.curate.sheets.sheet import formula_cells
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree
from lyrikstore.history.trees.tree import Tree, TreeEntry

FORMATS = ("jsonl", "csv", "parquet")
PATH, TEXT = "path", "text"
"""Fields of a document's row, besides the columns of its sheet."""

RECORD = "record"
"""The field with a record's number, if the files are made without some fields."""


class Converted(Struct, frozen=True):
    """A version in another format.

    Attributes:
        tree: The converted files.
        files: Digest → location of the file.
        formulas: Number of CSV cells that a spreadsheet program could run as formulas.
    """

    tree: Tree
    files: Mapping[Digest, Path]
    formulas: int

    def open(self, digest: Digest) -> BinaryIO:
        """Return a stream of one of the files."""
        return self.files[digest].open("rb")


def convert(
    repository: Repository,
    manifest: Manifest,
    form: str,
    work: Path,
    progress: OnProgress,
    *,
    without: Collection[str] = (),
) -> Converted:
    """Return a version as files of one format, made in a work folder.

    Args:
        repository: The store.
        manifest: A dataset of rows or documents.
        form: One of :data:`FORMATS`.
        work: The folder to write the files to.
        progress: Progress callback, called per file.
        without: Fields to leave out. Then the result is one file with a neutral name, and each
            record has its number in storage order, from 0, in the field ``record``.

    Raises:
        InvalidInputError: (``no-reader``) its records cannot be read; (``bad-format``) an unknown
            format; (``undecodable-text``) a document is not UTF-8; (``too-many-columns``) its rows
            have too many different fields for a table; (``name-taken``) its sheet has a column
            ``path`` or ``text``, or, with ``without``, its records have a field ``record``;
            (``unknown-column``) no record has a field of ``without``.
        VerificationError, IncompleteError: Its data is damaged, missing or retired.
        StorageError: The disk is full.
        LyrikstoreError: See :func:`parse_rows`.

    Cost: one read; for CSV and Parquet two. Memory for some thousand rows.
    """
    if form not in FORMATS:
        raise InvalidInputError(
            "bad-format",
            f"there is no format {form[:40]!r}",
            hint=f"use one of: {', '.join(FORMATS)}",
        )
    source = RecordSource.of(manifest, present_tree(repository, manifest))
    made = _Made(work)
    shards = dict(_shards(source, repository))
    companions = source.companions
    if without:
        handed = _HandedOut(list(shards.values()), frozenset(without))
        shards, companions = {"records": handed.rows}, frozenset()
    names = new_names(shards, companions, form)
    write = {"jsonl": _write_lines, "csv": _write_table, "parquet": _write_parquet}[form]
    for number, (path, rows) in enumerate(shards.items(), start=1):
        with made.new(names[path], f"converting {path}") as out:
            made.formulas += write(rows, out)
        progress(Progress(number, phase="converting"))
    if without:
        handed.check()
    for entry in source.tree.entries:
        if entry.path in companions:
            with (
                made.new(entry.path, f"copying {entry.path}") as out,
                repository.blobs.open(entry.blake3) as stream,
            ):
                while part := stream.read(1 << 20):
                    out.write(part)
    return made.finish()


def new_names(shards: Iterable[str], companions: Iterable[str], form: str) -> dict[str, str]:
    """Return path → name of the file in another format.

    The suffix changes. If two files, or a file and a companion, would have the same name, or names
    that differ only in case, they keep their suffix and get the new one after it, more than once
    if that name is taken, too.

    Args:
        shards: Files of rows.
        companions: Files that keep their names.
        form: One of :data:`FORMATS`.
    """
    paths, kept = sorted(shards, key=str.encode), list(companions)
    names = {path: f"{_stem(path)}.{form}" for path in paths}
    folders = {str(one) for path in (*paths, *kept) for one in PurePosixPath(path).parents}
    wanted = Counter(one.casefold() for one in (*names.values(), *kept, *folders))
    taken = {name for name, count in wanted.items() if count == 1}
    taken.update(one.casefold() for one in (*kept, *folders))
    for path, name in names.items():
        if wanted[name.casefold()] > 1:
            longer = f"{path}.{form}"
            while longer.casefold() in taken:
                longer += f".{form}"
            names[path] = longer
            taken.add(longer.casefold())
    return names


class _Made:
    """Files made so far."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._files: dict[str, Path] = {}
        self.formulas = 0

    @contextmanager
    def new(self, path: str, action: str) -> Iterator[BinaryIO]:
        """Yield a new file for the content of ``path``; errors quote ``action``."""
        file = self._work / f"converted-{len(self._files)}"
        self._files[path] = file
        with storage_errors(action), open_private(file, "xb") as out:
            yield out

    def finish(self) -> Converted:
        entries, files = [], {}
        for path, file in self._files.items():
            digest = Digest.of_file(file)
            entries.append(TreeEntry(path, file.stat().st_size, digest, None))
            files[digest] = file
        return Converted(Tree.of(entries), files, self.formulas)


_Rows = Callable[[], Iterator[tuple[bytes, Fields]]]
"""Returns the rows of one file, each as a line and as its members; may be called repeatedly."""


def _shards(source: RecordSource, repository: Repository) -> Iterator[tuple[str, _Rows]]:
    if not source.is_rows:
        yield "records", lambda: _documents(source, repository)
        return
    for entry in source.files():
        one = RecordSource(Tree((entry,)), source.reader, source.roles)
        yield entry.path, lambda one=one: _rows(one, repository)  # type: ignore[misc]


def _rows(source: RecordSource, repository: Repository) -> Iterator[tuple[bytes, Fields]]:
    for batch in source.batches(repository.blobs.open):
        yield from zip(batch.rows, parse_rows(batch, source.reader), strict=True)


class _HandedOut:
    """All rows of a version, numbered and without some of their fields.

    Args:
        shards: The rows of each file, in storage order.
        without: The fields that are left out.
    """

    def __init__(self, shards: Sequence[_Rows], without: frozenset[str]) -> None:
        self._shards, self._without = shards, without
        self._seen: dict[str, None] = {}

    def rows(self) -> Iterator[tuple[bytes, Fields]]:
        """Yield the rows of the version."""
        every = (fields for rows in self._shards for _, fields in rows())
        for number, fields in enumerate(every):
            if RECORD in fields and RECORD not in self._without:
                raise InvalidInputError(
                    "name-taken",
                    f"the records already have a field {RECORD!r}, which their number needs",
                    hint=f"leave this field out, too: --without {RECORD}",
                )
            self._seen.update(dict.fromkeys(fields))
            kept = {name: one for name, one in fields.items() if name not in self._without}
            found: dict[str, JSON] = {RECORD: number, **kept}
            yield encode(found), found

    def check(self) -> None:
        """Raise `unknown-column` for a field that no record has: the intended one would remain."""
        for name in sorted(self._without - self._seen.keys()):
            raise unknown_word("unknown-column", "field:", name, list(self._seen))


def _documents(source: RecordSource, repository: Repository) -> Iterator[tuple[bytes, Fields]]:
    for batch in source.batches(repository.blobs.open):
        for entry in batch.entries:
            meta = dict(entry.meta or {})
            taken = next((name for name in (PATH, TEXT) if name in meta), None)
            if taken is not None:
                raise InvalidInputError(
                    "name-taken",
                    f"the sheet has a column {taken!r}, a name that the document's field needs",
                    hint="rename the column first, with a recipe with map/1",
                )
            try:
                text = read_document(entry, repository.blobs.open).decode()
            except UnicodeDecodeError:
                raise InvalidInputError(
                    "undecodable-text",
                    f"{entry.path}: not UTF-8 text",
                    hint="extract its text first, with a recipe with extract-text/2",
                ) from None
            fields: dict[str, JSON] = {PATH: entry.path, **meta, TEXT: text}
            yield encode(fields), fields


def _write_lines(rows: _Rows, out: BinaryIO) -> int:
    out.writelines(line + b"\n" for line, _ in rows())
    return 0


def _write_table(rows: _Rows, out: BinaryIO) -> int:
    names = list(_kinds(rows))
    formulas = 0
    text = io.TextIOWrapper(out, "utf-8", newline="", write_through=False)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for _, fields in rows():
        cells = [as_text(fields.get(name)) or "" for name in names]
        formulas += formula_cells(cells)
        writer.writerow(cells)
    text.flush()
    text.detach()
    return formulas


def _write_parquet(rows: _Rows, out: BinaryIO) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = _kinds(rows)
    schema = pa.schema([pa.field(name, arrow_type(kind)) for name, kind in kinds.items()])
    with pq.ParquetWriter(out, schema, compression="zstd", store_schema=False) as writer:
        for batch in batched((fields, len(line)) for line, fields in rows()):
            columns = [
                arrow_column(kind, [one.get(name) for one in batch]) for name, kind in kinds.items()
            ]
            writer.write_table(pa.table(columns, schema=schema))
    return 0


def _kinds(rows: _Rows) -> dict[str, str]:
    kinds = ColumnKinds()
    for _, fields in rows():
        kinds.add(fields)
    return kinds.to_dict()


def _stem(path: str) -> str:
    for suffix in (".csv.jsonl", ".parquet.jsonl", ".tsv.jsonl", ".jsonl", ".ndjson"):
        if path.lower().endswith(suffix):
            return path[: -len(suffix)]
    return path.rpartition(".")[0] if path.lower().endswith((".csv", ".tsv", ".parquet")) else path
