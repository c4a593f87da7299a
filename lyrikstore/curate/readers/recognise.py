"""Which reader a folder or a file asks for, by the suffixes of its files (spec §12.8)."""

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
"""Names, without suffix and case, of files that lie beside rows and hold none."""


class Recognised(Struct, frozen=True):
    """How the files of a folder are read.

    Attributes:
        reader: The reader.
        companions: Paths of the files that hold no records, in path order.
        other: Paths of files that look like rows where the folder is read as documents.
        workbook: Path of the workbook that holds the rows; empty: they are in files of rows.
    """

    reader: str
    companions: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    workbook: str = ""


def recognise(paths: Sequence[str], reader: str | None = None) -> Recognised:
    """Return how files are read.

    They are rows if all but READMEs, licences and the like have suffixes of one reader of rows;
    else each is a document.

    Args:
        paths: In path order.
        reader: What the committer says instead. Of a reader of rows, all files with other suffixes
            hold no records.
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
    """Return the reader that a file's suffix asks for; ``None`` if it names no rows."""
    name = unpacked_path(path).lower()
    return next((one for one in (JSONL, CSV, PARQUET) if name.endswith(SUFFIXES[one])), None)


def is_packed(path: str) -> bool:
    """Return whether a file is unpacked when it is committed."""
    return path != unpacked_path(path)


def unpacked_path(path: str) -> str:
    """Return the path of what a packed file of rows holds; of others their own."""
    for packed in PACKED:
        inner = path[: -len(packed)]
        if path.lower().endswith(packed) and inner.lower().endswith(_UNPACKED):
            return inner
    return path


def is_companion(path: str) -> bool:
    """Return whether a file is one that lies beside rows, by its name."""
    stem = PurePosixPath(path).name.lower().partition(".")[0]
    return stem in COMPANIONS or stem.partition("-")[0] in COMPANIONS
