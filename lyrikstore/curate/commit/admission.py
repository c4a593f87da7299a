"""What a folder, its sheet and its name must be before they are committed (spec §12.1, §12.3.3)."""

from collections.abc import Sequence
from pathlib import Path

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.files import open_regular
from lyrikstore.curate.commit.model_files import Weights, inspect_weights
from lyrikstore.curate.readers import iter_records
from lyrikstore.curate.scan.listing import Listed
from lyrikstore.curate.scan.scan import Scan, judge
from lyrikstore.curate.sheets.mistakes import Mistakes
from lyrikstore.curate.sheets.sheet import Joined, Row, Sheet, join
from lyrikstore.history.manifests.names import Name
from lyrikstore.objects.chunk.sources import unreadable


def judged(listed: Listed, folder: Path, *, known: bool, compose: bool) -> Scan:
    """Return the scan of a folder; it has files, and every one can be in a tree.

    Args:
        listed: What was found in it.
        folder: What to call it.
        known: These very names were committed before.
        compose: Whether names that are not in NFC are recorded in NFC (spec §12.1).

    Raises:
        InvalidInputError: (``no-files``) there are none.
        LyrikstoreError: As :meth:`Scan.require_clean`.
    """
    scan = judge(listed, known=known, compose=compose)
    scan.require_clean(folder)
    if not scan.paths:
        raise InvalidInputError(
            "no-files",
            f"{folder}: no files to commit ({len(scan.ignored)} left out)",
            hint="check the folder and its .lyrikignore",
        )
    return scan


def joined_with(scan: Scan, sheet: Sheet | None, allow_orphans: bool, mistakes: Mistakes) -> Joined:
    """Return what the sheet says of each file.

    Args:
        scan: The files.
        sheet: One row per file, or no sheet.
        allow_orphans: Whether rows without a file may be left out.
        mistakes: What was found wrong with the sheet when it was read.

    Raises:
        InvalidInputError: What is wrong with the sheet, all of it (``orphan-rows``: rows without
            a file; else as :func:`join`).
    """
    if sheet is None:
        return Joined({}, (), ())
    joined = join(scan.paths, sheet, mistakes)
    if not allow_orphans:
        # A row without a file is metadata that would silently be lost; a file without a row
        # loses nothing and is named in the result.
        for row in joined.orphan_rows:
            mistakes.add(_orphan(sheet, joined, row))
    mistakes.check()
    return joined


def _orphan(sheet: Sheet, joined: Joined, row: Row) -> InvalidInputError:
    written, details = "", {}
    if row is joined.orphan_rows[0]:  # once: a search among all files, and lists of all
        meant = _meant(row.key, joined.orphan_files)
        written = "" if meant is None else f"; written {meant!r}, it is one"
        details = {
            "orphanRows": [
                {"row": other.number, "key": other.key} for other in joined.orphan_rows[:1000]
            ],
            "orphanFiles": list(joined.orphan_files[:1000]),
        }
    return InvalidInputError(
        "orphan-rows",
        f"{sheet.name}: row {row.number} names {row.key!r}, which is no file here",
        hint=f"correct column {sheet.key!r}{written}; or add --allow-orphans to leave such "
        "rows out",
        details=details,
    )


def _meant(key: str, files: Sequence[str]) -> str | None:
    """Return the file that a sheet names in another spelling, if there is just one."""
    wanted = "/" + key.strip().replace("\\", "/").removeprefix("./").casefold()
    for file in files:
        folded = f"/{file.casefold()}"
        if wanted in (folded, folded.rpartition(".")[0]):  # its case, or its suffix left out
            return file
    ends = [file for file in files if wanted.endswith(f"/{file.casefold()}")]
    return ends[0] if len(ends) == 1 else None


def check_kind(name: Name, scan: Scan, sheet: Sheet | None) -> Weights | None:
    """Return the model weights that a checkpoint consists of; None for a dataset.

    Raises:
        InvalidInputError: (``bad-name``) a commit makes nothing of this name; else as
            :func:`inspect_weights`.
    """
    if name.prefix == "datasets":
        return None
    if name.prefix != "checkpoints":
        raise InvalidInputError(
            "bad-name",
            f"a commit makes datasets or checkpoints, not {name.prefix}",
            hint=f"such as datasets/{name.part}",
        )
    if sheet is not None:
        raise InvalidInputError(
            "bad-name", "a checkpoint has no metadata sheet", hint="leave out --metadata"
        )
    return inspect_weights(scan)


def count_records(reader: str, scan: Scan) -> int:
    """Return how many records the files hold, all of which the reader reads.

    Raises:
        InvalidInputError: (``file-unreadable``, ``file-missing``); else as the reader.
    """
    total = 0
    for at, path in enumerate(scan.paths):
        try:
            with open_regular(Path(scan.location(at))) as stream:
                total += sum(1 for _ in iter_records(reader, path, stream))
        except OSError as error:
            raise unreadable(error, path) from None
    return total
