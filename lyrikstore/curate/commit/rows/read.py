"""Files of rows on their way into a version: recognised, unpacked, checked line by line, measured.

Everything that is wrong with the rows is found in one run, before the first byte is stored
(spec §12.8).
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
"""From here on several processes check the files."""

_TARGET = "lyrikstore.curate.commit.rows.check:check_task"


class CommittedRows(Struct, frozen=True):
    """What was found of files of rows.

    Attributes:
        reader: Their reader.
        scan: The files, with what was unpacked in place of what was packed.
        roles: Which field has which role.
        statistics: What was measured.
        companions: Paths of files that hold no records.
        skipped: Lines left out, in the order of the files.
        warnings: What the committer should know, for people.
        sources: Path → digest of the file of which that in the scan is a copy without some lines.
        sample: What was measured of a sample only, as the descriptor has it; usually nothing.
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
        """What the attachment ``skipped`` holds: codes, as sentences name values (spec §12.8.3)."""
        return encode([{"path": b.path, "line": b.line, "reason": b.code} for b in self.skipped])


def recognised(
    scan: Scan, stated: CommitMetadata, place: Path, name: str, before: bytes
) -> Recognised:
    """Return how the files of a scan are read.

    Args:
        scan: The files.
        stated: What is said of them.
        place: The folder, or the one file.
        name: The dataset's.
        before: The tree of the version before, if it has documents.

    Raises:
        InvalidInputError: (``no-sheet``) a table is named, and there is no workbook of rows; as
            :func:`check_table`.
        InvalidInputError: (``no-rows``) roles of fields are named, and the files are documents
            without a sheet.
        LyrikstoreError: As :func:`check_reader`.
    """
    if stated.reader is not None:
        check_reader(stated.reader)
    is_file = place.is_file()
    is_registry = is_file and stated.reader is None and is_workbook(scan.paths[0])
    if is_registry and (stated.table is not None or not was_document(scan.paths[0], before)):
        return Recognised(JSONL, workbook=scan.paths[0])
    if stated.table is not None:
        raise InvalidInputError(
            "no-sheet",
            f"{place} is no workbook of rows",
            hint="--sheet names a table of PATH, where that is an .xlsx file",
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
    """Return what the files of rows hold; every row was looked at.

    Args:
        scan: The files.
        how: As :func:`recognised` found.
        stated: What is said of them.
        allow: Whether malformed lines may be left out.
        work: A private folder for what is unpacked; what is returned refers to it.
        progress: Progress callback, called per file, in the phases ``unpacking`` and ``reading``.

    Raises:
        InvalidInputError: (``bad-rows``) malformed lines, all of them counted, a thousand listed;
            or, though such may be left out, a file in which that loses rows that are none of them;
            (``bad-record``) a file that cannot be read at all; (``duplicate-ids``);
            (``unknown-column``) no row has a field that is named; (``too-large``) a packed file
            unpacks to too much; (``bad-files``) two files would have one path; (``no-records``).
        StorageError: The disk is full.

    Cost: one read of every file; memory for 8 bytes a record with an id, and the statistics.
    """
    check_given(stated.roles.text)
    scan = unpack_files(scan, work, progress, how.workbook, stated.table)
    beside = frozenset(map(unpacked_path, how.companions))
    reading = _Reading(scan, how.reader, beside, stated.roles)
    reading.check(progress)
    bad = reading.bad
    if bad and (not allow.skip_bad or how.reader == PARQUET):
        raise _bad_rows("bad-rows", bad, how.reader)
    if whole := [item for item in bad if item.remedy]:
        raise _bad_rows("bad-rows", whole, how.reader)
    total = reading.statistics()
    reading.check_names(total)
    roles, warnings = reading.roles(total), list[str]()
    if roles.id and (double := reading.double_ids(roles.id)):
        if not stated.roles.id:  # a field called so, and no more than that
            twice = pluralize(len(double), "record has", "records have")
            warnings.append(f"{roles.id!r} is not taken as the id: {twice} that of an earlier one")
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
        tuple(path for path in scan.paths if path in beside),
        tuple(sorted(bad, key=lambda item: (item.path, item.line))),
        (*warnings, *_warnings(roles, total)),
        reading.sources,
    )


class _Reading:
    """The files of rows of one commit, and what was found of each."""

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
        """Return what was measured of all files."""
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
        """Return if there are records, and some of them have the fields that were named.

        Raises:
            InvalidInputError: (``no-records``, ``unknown-column``).
        """
        if not total.records:
            raise InvalidInputError(
                "no-records",
                f"no record in {pluralize(len(self.places), 'file')} of rows",
                hint="--reader document/1 takes each file as one record",
            )
        self._given.check(total.fields, "these rows")

    def roles(self, total: RowStatistics) -> FieldRoles:
        """Return the roles that were given, and those that fields of the usual names have."""
        misfits = frozenset(name for one in self._found for name in one.misfits)
        settled: dict[str, Any] = {}
        for role, names in self._wanted.guess.items():
            name = next((name for name in names if name in total.fields), None)
            if name is None or f"{role} {name}" in misfits:
                continue
            if role != "id" or len(self._ids()) == total.records:
                settled[role] = (name,) if role == "text" else name
        return replace(self._given, **settled)

    def double_ids(self, name: str) -> list[BadLine]:
        """Return the lines whose id in the field ``name`` an earlier line has."""
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
                        said = f"its id {identity[:80]!r} is that of {first[identity]}"
                        double.append(BadLine(path, line, said, code="same-id"))
                    else:
                        first[identity] = f"{path} line {line}"
        return double

    def leave_out(self, bad: Sequence[BadLine], work: Path) -> None:
        """Take copies without some lines in place of the files that have them."""
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
    hint = "correct them, or leave them out with --skip-bad"
    if reader == PARQUET:
        hint = "write the file again without them"
    elif any(item.remedy for item in bad):
        hint = "correct them"
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
