"""Reading of files of rows in a commit: reader, unpacking, check of each line, statistics.

All mistakes in the rows are found in one pass, before the first byte is stored (spec §12.8).
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, storage_errors
from lyrikstore.canon.files import open_private, open_regular
from lyrikstore.canon.json import encode
from lyrikstore.canon.progress import OnProgress, Progress
from lyrikstore.canon.text import pluralize
from lyrikstore.curate.commit.inputs import CommitMetadata, CommitOptions
from lyrikstore.curate.commit.rows.check import (
    BadLine,
    FileCheck,
    RowLayout,
    check_rows,
    copy_header,
    id_hash,
    repeated_hashes,
    row_ids,
)
from lyrikstore.curate.commit.rows.unpack import unpack_files
from lyrikstore.curate.commit.rows.workbook import check_table, is_workbook, was_document
from lyrikstore.curate.readers.fields import USUAL, FieldRoles, check_given
from lyrikstore.curate.readers.recognise import Recognised, recognise, unpacked_path
from lyrikstore.curate.readers.records import CSV_1, PARQUET, check_reader
from lyrikstore.curate.readers.statistics import RowStatistics
from lyrikstore.curate.scan.hashing import hash_file
from lyrikstore.curate.scan.scan import Scan
from lyrikstore.curate.sheets.mistakes import Mistakes
from lyrikstore.history.records.order_root import DOCUMENT
from lyrikstore.history.records.rows import JSONL
from lyrikstore.objects.io.stat_cache import STATE, pack_state
from lyrikstore.objects.parallel.processes import Workers, cores
from lyrikstore.objects.parallel.tasks import Message

MANY_BYTES = 8 << 20
"""Total size from which several processes check the files."""

_TARGET = "lyrikstore.curate.commit.rows.check:check_task"


class CommittedRows(Struct, frozen=True):
    """The checked rows of a commit, and their statistics.

    Attributes:
        reader: Their reader.
        scan: The files, with packed files replaced by their unpacked content.
        roles: The roles of the fields.
        statistics: Statistics of the rows.
        companions: Paths of files that hold no records.
        skipped: Lines that were left out, in the order of the files.
        warnings: Warnings for the user.
        sources: Path → digest of the file in the folder, for files of which the scan has a copy
            without some lines.
        sample: The descriptor's member ``sample``; empty if no sample was measured.
    """

    reader: str
    scan: Scan
    roles: FieldRoles
    statistics: RowStatistics
    companions: tuple[str, ...]
    skipped: tuple[BadLine, ...]
    warnings: tuple[str, ...]
    sources: Mapping[str, Digest] = {}
    sample: Mapping[str, Any] = {}

    @property
    def skipped_list(self) -> bytes:
        """The bytes of the attachment ``skipped``: path, line and code of each (spec §12.8.3).

        It has no sentences, which could quote values of the rows.
        """
        return encode([{"path": b.path, "line": b.line, "reason": b.code} for b in self.skipped])


def recognised(
    scan: Scan, stated: CommitMetadata, place: Path, name: str, before: bytes
) -> Recognised:
    """Return the reader of the files of a scan, and which of them hold no records.

    Args:
        scan: The files.
        stated: Metadata of the files.
        place: The folder, or the single file.
        name: The dataset's name.
        before: The bytes of the previous version's tree, if it has documents.

    Raises:
        InvalidInputError: (``no-sheet``) a table is named, but PATH is not a workbook of rows;
            (``which-table``) see :func:`check_table`; (``no-rows``) roles of fields are named, but
            the files are documents without a sheet.
        LyrikstoreError: See :func:`check_reader`.
    """
    if stated.reader is not None:
        check_reader(stated.reader)
    is_file = place.is_file()
    from_workbook = is_file and stated.reader is None and is_workbook(scan.paths[0])
    if from_workbook and (stated.table is not None or not was_document(scan.paths[0], before)):
        return Recognised(JSONL, workbook=scan.paths[0])
    if stated.table is not None:
        raise InvalidInputError(
            "no-sheet",
            f"{place} is not a workbook of rows",
            hint="omit --sheet: it names a table of PATH if PATH is an .xlsx file",
        )
    found = recognise(scan.paths, stated.reader)
    if not is_file and stated.reader is None and stated.sheet is None and found.reader == DOCUMENT:
        check_table(scan, Path(scan.root), name, before)
    if found.reader in (DOCUMENT, CSV_1) and stated.sheet is None and stated.roles.names:
        mixed = (
            f"{pluralize(len(found.other), 'file')} of rows such as {found.other[0]} among others"
            if found.other
            else "no file of rows (.jsonl, .csv, .parquet)"
        )
        raise InvalidInputError(
            "no-rows",
            f"a document has no field {stated.roles.names[0]!r} without a sheet; there is {mixed}",
            hint="give --metadata SHEET; or, if the rest holds no records, --reader jsonl/1, "
            "csv/2 or parquet/1",
        )
    return found


def read_rows(
    scan: Scan,
    how: Recognised,
    stated: CommitMetadata,
    allow: CommitOptions,
    work: Path,
    progress: OnProgress,
) -> CommittedRows:
    """Return the checked rows of a commit; every row has been read.

    Args:
        scan: The files.
        how: The reader that :func:`recognised` returned.
        stated: Metadata of the files.
        allow: The options of the commit; ``skip_bad`` permits to leave malformed lines out.
        work: A private folder for unpacked files; the result refers to files in it.
        progress: Progress callback, called per file, in the phases ``unpacking`` and ``reading``.

    Raises:
        InvalidInputError: (``bad-rows``) malformed lines, all of them counted, a thousand listed;
            or, with ``skip_bad``, a malformed line that cannot be left out without losing good
            rows; (``bad-record``) a file cannot be read at all; (``duplicate-ids``) two rows have
            the same id; (``unknown-column``) no row has a named field; (``too-large``) a packed
            file unpacks to too much; (``bad-files``) two files would have the same path;
            (``no-records``) the files have no rows.
        StorageError: The disk is full.

    Cost: one read of every file; memory for 8 bytes a record with an id, and the statistics.
    """
    check_given(stated.roles.text)
    scan = unpack_files(scan, work, progress, how.workbook, stated.table)
    companions = frozenset(map(unpacked_path, how.companions))
    reading = _Reading(scan, how.reader, companions, stated.roles)
    reading.check(progress)
    bad = reading.bad
    if bad and (not allow.skip_bad or how.reader == PARQUET):
        raise _bad_rows("bad-rows", bad, how.reader)
    if not_skippable := [line for line in bad if line.remedy]:
        raise _bad_rows("bad-rows", not_skippable, how.reader)
    total = reading.statistics()
    reading.check_names(total)
    roles, warnings = reading.roles(total), list[str]()
    if roles.id and (double := reading.double_ids(roles.id)):
        if not stated.roles.id:  # guessed from the name of the field, not named by the user
            twice = pluralize(len(double), "record repeats", "records repeat")
            warnings.append(
                f"{roles.id!r} is not used as the id: {twice} the value of an earlier record"
            )
            roles = replace(roles, id="")
        elif allow.skip_bad and how.reader != PARQUET:
            bad = [*bad, *double]
        else:
            raise _bad_rows("duplicate-ids", double, how.reader)
    if bad:
        reading.leave_out(bad, work)
        total = reading.statistics()
    return CommittedRows(
        how.reader,
        reading.scan,
        roles,
        total,
        tuple(path for path in scan.paths if path in companions),
        tuple(sorted(bad, key=lambda item: (item.path, item.line))),
        (*warnings, *_warnings(roles, total)),
        reading.sources,
    )


class _Reading:
    """The files of rows of one commit, and the check of each."""

    def __init__(
        self, scan: Scan, reader: str, companions: frozenset[str], given: FieldRoles
    ) -> None:
        self.scan = scan
        self.sources: dict[str, Digest] = {}
        self.places = [at for at, path in enumerate(scan.paths) if path not in companions]
        self._given = given
        guess = {
            role: tuple(name for name in names if name not in given.names)
            for role, names in USUAL.items()
            if not getattr(given, role)
        }
        self._wanted = RowLayout(reader, given, guess)
        self._found: list[FileCheck] = []

    @property
    def bad(self) -> list[BadLine]:
        """The malformed lines of all files."""
        return [item for one in self._found for item in one.bad]

    def statistics(self) -> RowStatistics:
        """Return the statistics of all files together."""
        total = RowStatistics(named=self._wanted.names)
        for one in self._found:
            total.merge(one.statistics)
        return total

    def check(self, progress: OnProgress) -> None:
        """Read every file."""
        sizes = [self.scan.sizes[at] for at in self.places]
        found: list[FileCheck | None] = [None] * len(sizes)
        many = cores() > 1 and sum(sizes) >= MANY_BYTES
        tasks = (
            Message({"path": self.scan.paths[at], "location": self.scan.location(at)})
            for at in self.places
        )
        setup = msgspec.to_builtins(self._wanted)
        done = size = 0
        with Workers(_TARGET, setup, min(cores(), len(sizes)) if many else 0) as workers:
            for result in workers.map(tasks):
                found[result.task] = msgspec.msgpack.decode(result.buffers[0], type=FileCheck)
                done += 1
                size += sizes[result.task]
                progress(Progress(done, len(sizes), size, phase="reading"))
        self._found = [one for one in found if one is not None]

    def check_names(self, total: RowStatistics) -> None:
        """Raise `no-records` or `unknown-column` unless some record has each named field.

        Raises:
            InvalidInputError: (``no-records``) the files have no records; (``unknown-column``) no
                record has a field that the user named.
        """
        if not total.records:
            raise InvalidInputError(
                "no-records",
                f"the folder has no records in {pluralize(len(self.places), 'file')} of rows",
                hint="to commit each file as one record, add --reader document/1",
            )
        self._given.check(total.fields, "these rows")

    def roles(self, total: RowStatistics) -> FieldRoles:
        """Return the roles that the user named, and those guessed from usual field names."""
        misfits = frozenset(name for one in self._found for name in one.misfits)
        guessed: dict[str, Any] = {}
        for role, names in self._wanted.guess.items():
            name = next((name for name in names if name in total.fields), None)
            if name is None or f"{role} {name}" in misfits:
                continue
            if role != "id" or len(self._ids()) == total.records:
                guessed[role] = (name,) if role == "text" else name
        return replace(self._given, **guessed)

    def double_ids(self, name: str) -> list[BadLine]:
        """Return the lines whose id, in the field ``name``, is that of an earlier line."""
        again = repeated_hashes(one.ids for one in self._found)
        if not again:
            return []
        wanted = replace(self._wanted, roles=replace(self._given, id=name))
        first: dict[str, str] = {}
        double: list[BadLine] = []
        for at in self.places:
            path = self.scan.paths[at]
            with open_regular(Path(self.scan.location(at))) as stream:
                for line, identity in row_ids(path, stream, wanted):
                    if id_hash(identity) not in again:
                        continue
                    if identity in first:
                        reason = f"its id {identity[:80]!r} is that of {first[identity]}"
                        double.append(BadLine(path, line, reason, code="same-id"))
                    else:
                        first[identity] = f"{path} line {line}"
        return double

    def leave_out(self, bad: Sequence[BadLine], work: Path) -> None:
        """Replace each file that has lines of ``bad`` by a copy in ``work`` without them."""
        by_path: dict[str, dict[int, str]] = {}
        for item in bad:
            by_path.setdefault(item.path, {})[item.line] = item.reason
        states, elsewhere = bytearray(self.scan.states), dict(self.scan.elsewhere)
        for number, (path, lines) in enumerate(by_path.items()):
            at = bisect_left(self.scan.paths, path)
            target = work / f"good-{number}"
            self.sources[path] = hash_file(self.scan.location(at))
            found = _copy(path, self.scan.location(at), target, self._wanted, lines)
            self._found[self.places.index(at)] = found
            states[at * STATE.size : (at + 1) * STATE.size] = pack_state(target.stat())
            elsewhere[path] = str(target)
        self.scan = replace(self.scan, states=bytes(states), elsewhere=elsewhere)

    def _ids(self) -> Any:
        return np.concatenate([np.frombuffer(one.ids, "<u8") for one in self._found])


def _copy(
    path: str, location: str, target: Path, wanted: RowLayout, lines: Mapping[int, str]
) -> FileCheck:
    with (
        storage_errors(f"copying the good lines of {path}"),
        open_regular(Path(location)) as stream,
        open_private(target, "xb") as copy,
    ):
        copy_header(wanted.reader, stream, copy)
        return check_rows(path, stream, wanted, left_out=lines, copy=copy)


def _bad_rows(kind: str, bad: Sequence[BadLine], reader: str) -> InvalidInputError:
    what = "row" if reader == PARQUET else "line"
    hint = "correct these lines, or leave them out with --skip-bad"
    if reader == PARQUET:
        hint = "write the file again without these rows"
    elif any(item.remedy for item in bad):
        hint = "correct these lines"
    mistakes = Mistakes()
    for item in bad:
        text = f"{item.path}: {what} {item.line}: {item.reason}"
        mistakes.add(InvalidInputError(kind, text, hint=item.remedy or hint))
    try:
        mistakes.check()
    except InvalidInputError as error:
        return error
    raise AssertionError("no malformed line")


def _warnings(roles: FieldRoles, statistics: RowStatistics) -> list[str]:
    found: list[str] = []
    total = statistics.records
    for role in ("text", "label"):
        names = roles.text if role == "text" else (roles.label,) if roles.label else ()
        for name in names:
            missing = total - statistics.fields[name].present
            missing += statistics.fields[name].types.get("null", 0)
            if missing * 2 >= total:
                found.append(
                    f"{missing} of {pluralize(total, 'record has', 'records have')} no {role} "
                    f"({name})"
                )
    for name, measured in sorted(statistics.fields.items()):
        kinds = sorted(kind for kind in measured.types if kind != "null")
        if len(kinds) > 1:
            shares = ", ".join(f"{kind} {measured.types[kind]}" for kind in kinds)
            found.append(f"the type of {name[:80]!r} changes: {shares}")
    return found
