"""Checks of a folder, its sheet and its name before a commit (spec §12.1, §12.3.3)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.files import open_regular
from lyrikstore.curate.commit.model_files import Weights, inspect_weights
from lyrikstore.curate.readers import iter_records
from lyrikstore.curate.scan.listing import Listed
from lyrikstore.curate.scan.mapping import ORIGINAL_PATH
from lyrikstore.curate.scan.scan import Scan, judge
from lyrikstore.curate.sheets.mistakes import Mistakes
from lyrikstore.curate.sheets.sheet import Joined, Row, Sheet, join, table_of
from lyrikstore.history.manifests.names import Name
from lyrikstore.objects.chunk.sources import unreadable


def judged(
    listed: Listed, folder: Path, *, known: bool, compose: bool, map_names: bool = False
) -> Scan:
    """Return the scan of a folder that has files, all with paths that a tree can hold.

    Args:
        listed: The listing of the folder.
        folder: The path of the folder, for messages.
        known: Whether an earlier commit accepted exactly these names.
        compose: Whether names that are not in NFC are recorded in NFC (spec §12.1).
        map_names: Whether refused names are recorded under allowed ones (spec §12.1.2).

    Raises:
        InvalidInputError: (``no-files``) the folder has no files to commit.
        LyrikstoreError: See :meth:`Scan.require_clean`.
    """
    scan = judge(listed, known=known, compose=compose or map_names, mapping=map_names)
    scan.require_clean(folder)
    if not scan.paths:
        raise InvalidInputError(
            "no-files",
            f"{folder}: no files to commit ({len(scan.ignored)} left out)",
            hint="check the folder and its .lyrikignore",
        )
    return scan


def joined_with(
    scan: Scan, sheet: Sheet | None, allow_orphans: bool, mistakes: Mistakes
) -> tuple[Sheet | None, Joined]:
    """Return the metadata table, and its values joined to each file.

    The table is the sheet, plus a column with the original names of mapped files (spec §12.1.2).

    Args:
        scan: The files.
        sheet: The sheet with one row per file, or None.
        allow_orphans: Whether rows without a file may be left out.
        mistakes: The mistakes found while the sheet was read; more are added.

    Raises:
        InvalidInputError: All mistakes of the sheet together (``orphan-rows``: rows without a
            file; ``bad-sheet``: the sheet itself has the column of original names; else see
            :func:`join`).
    """
    original = {path: {ORIGINAL_PATH: name} for path, name in sorted(scan.mapped.items())}
    if sheet is None:
        table = table_of(original, [ORIGINAL_PATH]) if original else None
        return table, Joined(original, (), ())
    if original and ORIGINAL_PATH in (sheet.key, *sheet.columns):
        mistakes.add(
            InvalidInputError(
                "bad-sheet",
                f"{sheet.name}: the column {ORIGINAL_PATH!r} is reserved for the original names "
                "of mapped files",
                hint="rename the column, or rename the files and omit --map-names",
            )
        )
    joined = join(scan.paths, sheet, mistakes, scan.mapped)
    if not allow_orphans:
        # Metadata of a row without a file would be lost silently. A file without a row loses
        # nothing, and the result lists it.
        for row in joined.orphan_rows:
            mistakes.add(_orphan(sheet, joined, row, scan.mapped))
    mistakes.check()
    if not original:
        return sheet, joined
    meta = {
        path: {**joined.meta.get(path, {}), **original.get(path, {})}
        for path in scan.paths
        if path in joined.meta or path in original
    }
    columns = (*sheet.columns, ORIGINAL_PATH)
    return replace(sheet, columns=columns), replace(joined, meta=meta)


def _orphan(sheet: Sheet, joined: Joined, row: Row, mapped: Mapping[str, str]) -> InvalidInputError:
    written, details = "", {}
    if row is joined.orphan_rows[0]:  # once: it searches all files, and lists all orphans
        meant = _meant(row.key, [mapped.get(path, path) for path in joined.orphan_files])
        if meant is None and row.key in mapped:  # the row has the path that the tree records
            meant = mapped[row.key]
        written = "" if meant is None else f" (the folder has {meant!r})"
        details = {
            "orphanRows": [
                {"row": other.number, "key": other.key} for other in joined.orphan_rows[:1000]
            ],
            "orphanFiles": list(joined.orphan_files[:1000]),
        }
    return InvalidInputError(
        "orphan-rows",
        f"{sheet.name}: row {row.number} names {row.key!r}, which is not a file of the folder",
        hint=f"correct column {sheet.key!r}{written}; or add --allow-orphans to leave such "
        "rows out",
        details=details,
    )


def _meant(key: str, files: Sequence[str]) -> str | None:
    """Return the file whose name differs from ``key`` only in spelling, if exactly one does."""
    wanted = "/" + key.strip().replace("\\", "/").removeprefix("./").casefold()
    for file in files:
        folded = f"/{file.casefold()}"
        if wanted in (folded, folded.rpartition(".")[0]):  # other case, or without the suffix
            return file
    ends = [file for file in files if wanted.endswith(f"/{file.casefold()}")]
    return ends[0] if len(ends) == 1 else None


def check_kind(name: Name, scan: Scan, sheet: Sheet | None) -> Weights | None:
    """Return the model weights that a checkpoint consists of; None for a dataset.

    Raises:
        InvalidInputError: (``bad-name``) commits do not make versions of this kind of name; else
            see :func:`inspect_weights`.
    """
    if name.prefix == "datasets":
        return None
    if name.prefix != "checkpoints":
        raise InvalidInputError(
            "bad-name",
            f"commit creates datasets or checkpoints, not {name.prefix}",
            hint=f"use a name such as datasets/{name.part}",
        )
    if sheet is not None:
        raise InvalidInputError(
            "bad-name",
            "a checkpoint cannot have a metadata sheet or mapped names",
            hint="omit --metadata and --map-names",
        )
    return inspect_weights(scan)


def count_records(reader: str, scan: Scan) -> int:
    """Return the number of records in the files, counted by reading them all.

    Raises:
        InvalidInputError: (``file-unreadable``, ``file-missing``) a file cannot be read; else the
            errors of the reader.
    """
    total = 0
    for at, path in enumerate(scan.paths):
        try:
            with open_regular(Path(scan.location(at))) as stream:
                total += sum(1 for _ in iter_records(reader, path, stream))
        except OSError as error:
            raise unreadable(error, path) from None
    return total
