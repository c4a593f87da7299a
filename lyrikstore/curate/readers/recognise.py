"""The choice of a reader for a folder or a file, by the suffixes of its files (spec §12.8)."""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from msgspec import Struct

from lyrikstore.curate.readers.records import CSV, PARQUET
from lyrikstore.history.manifests.row_files import PACKED, SUFFIXES
from lyrikstore.history.records.order_root import DOCUMENT
from lyrikstore.history.records.rows import JSONL

_UNPACKED = (*SUFFIXES[JSONL], *SUFFIXES[CSV])
COMPANIONS = ("readme", "license", "licence", "copying", "notice", "citation", "datasheet")
"""Names, in lower case and without suffix, of files that lie beside rows but hold no records."""


class Recognised(Struct, frozen=True):
    """The reader of the files of a folder.

    Attributes:
        reader: The reader.
        companions: Paths of the files that hold no records, in path order.
        other: Paths of files with a suffix of rows, if the folder is read as documents.
        workbook: Path of the workbook of rows; empty if the rows are in other files.
    """

    reader: str
    companions: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    workbook: str = ""


def recognise(paths: Sequence[str], reader: str | None = None) -> Recognised:
    """Return the reader of files, and the files without records.

    The files are rows if all except READMEs, licences and similar files have suffixes of the same
    reader of rows; else each file is a document.

    Args:
        paths: The paths, in path order.
        reader: The reader that the user named, which takes precedence. If it reads rows, files with
            other suffixes hold no records.
    """
    readers = [row_reader(path) for path in paths]
    if reader is None:
        kinds = Counter(filter(None, readers))
        others = [path for path, kind in zip(paths, readers, strict=True) if kind is None]
        if len(kinds) != 1 or not all(map(is_companion, others)):
            found = tuple(path for path, kind in zip(paths, readers, strict=True) if kind)
            return Recognised(DOCUMENT, (), found)
        return Recognised(next(iter(kinds)), tuple(others))
    if reader not in readers:  # no rows, or named otherwise, and what they are was said
        return Recognised(reader)
    rest = (path for path, kind in zip(paths, readers, strict=True) if kind != reader)
    return Recognised(reader, tuple(rest))


def row_reader(path: str) -> str | None:
    """Return the reader of rows for a file's suffix; ``None`` if it is not a suffix of rows."""
    name = unpacked_path(path).lower()
    return next((one for one in (JSONL, CSV, PARQUET) if name.endswith(SUFFIXES[one])), None)


def is_packed(path: str) -> bool:
    """Return whether a commit unpacks a file, by its suffix."""
    return path != unpacked_path(path)


def unpacked_path(path: str) -> str:
    """Return the path of a packed file of rows without its last suffix; other paths unchanged."""
    for packed in PACKED:
        inner = path[: -len(packed)]
        if path.lower().endswith(packed) and inner.lower().endswith(_UNPACKED):
            return inner
    return path


def is_companion(path: str) -> bool:
    """Return whether a file, by its name, lies beside rows but holds no records."""
    stem = PurePosixPath(path).name.lower().partition(".")[0]
    return stem in COMPANIONS or stem.partition("-")[0] in COMPANIONS
