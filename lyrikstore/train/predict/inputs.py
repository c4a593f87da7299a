"""Reading of the records to predict: from a file, the files in a folder, or rows.

UTF-8 text is used unchanged, as in training; PDF, DOCX, HTML, mail and text in other encodings are
read by ``extract-text/2``, in separate processes; rows are read as by a commit.
"""

from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, StorageError, storage_error, storage_errors
from lyrikstore.canon.files import no_file, open_regular
from lyrikstore.canon.text import escape_control, unknown_word
from lyrikstore.curate.commit.rows.unpack import unpack
from lyrikstore.curate.extract.detect import find_format
from lyrikstore.curate.extract.limits import MAX_DOCUMENT_BYTES
from lyrikstore.curate.extract.result import REASONS, Unreadable, UnreadableError
from lyrikstore.curate.extract.workers import Extractor
from lyrikstore.curate.readers.fields import USUAL, FieldRoles
from lyrikstore.curate.readers.recognise import is_packed, recognise, row_reader
from lyrikstore.curate.readers.records import ROWS, iter_rows
from lyrikstore.curate.readers.rows import Fields, RowError, as_text, parse_row
from lyrikstore.curate.recipes.filters.contract import FilterRecord
from lyrikstore.curate.scan.listing import Listing
from lyrikstore.curate.text import is_blank
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.records.order_root import document_id, record_id
from lyrikstore.history.records.rows import BadRow, RawRow
from lyrikstore.train.snapshot import MAX_TEXT_BYTES

NO_TEXT = "no-text"
"""Reason without an answer: the record has no text."""

_SEEN = 100
"""Number of rows that are searched for a text, and whose fields an error lists."""


class Unanswered(Struct, frozen=True):
    """The reason why a record gets no answer.

    Attributes:
        reason: ``no-text``, ``too-large``, ``unreadable``, another kind of a file that a folder may
            not have, or a key of :data:`lyrikstore.curate.extract.result.REASONS`.
        summary: The reason as text.
        hint: The next step for the user.
    """

    reason: str
    summary: str
    hint: str = ""


class InferenceInput(Struct, frozen=True):
    """One record to predict.

    Attributes:
        path: Path of its file; in a folder relative to the folder.
        line: Line of a row, or row number in Parquet, from 1; None: it is no row.
        record: Its record id; None if it could not be read.
        id: Value of its field with the role ``id`` or with this name; empty: it has none.
        text: Its text; empty if there is none.
        fields: Further fields, which are used beside the text.
        problem: Why it cannot be answered; None: it can.
        notes: Notes on reading the text, such as ``encoding-guessed``.
    """

    path: str
    line: int | None = None
    record: Digest | None = None
    id: str = ""
    text: str = ""
    fields: Mapping[str, str] = {}
    problem: Unanswered | None = None
    notes: tuple[str, ...] = ()


class RecordLayout(Struct, frozen=True):
    """The fields of rows that are read.

    Attributes:
        text: The fields with the text.
        joined: Further fields that the model reads.
        id: The field that identifies the record, if rows have it.
    """

    text: tuple[str, ...]
    joined: tuple[str, ...] = ()
    id: str = USUAL["id"][0]

    @classmethod
    def of(cls, config: Mapping[str, Any], train: Manifest) -> Self:
        """Return the layout of the training data of a run.

        Args:
            config: The config of the run.
            train: One of its training datasets.
        """
        data, roles = config["data"], FieldRoles.of_body(train.body)
        named = data.get("text") or data.get("prompt")
        text = (named,) if named else roles.text or USUAL["text"]
        return cls(text, tuple(data.get("fields", ())), roles.id or USUAL["id"][0])


def read_inputs(
    place: Path, layout: RecordLayout, work: Path, store: Path
) -> Iterator[InferenceInput]:
    """Yield the records of a file or a folder, in the order of paths and lines.

    Args:
        place: A text, a document, a file of rows (by its suffix), or a folder of these, for which
            :func:`check_place` does not raise.
        layout: The fields of rows to read.
        work: A folder for unpacked files, which the caller removes.
        store: The folder of the store, which is never read.

    Raises:
        InvalidInputError: (``bad-record``) a line is not a row; (``text-missing``) no row of a
            file has a text; similar names are listed; (``no-parser``) the extra ``documents`` is
            not
            installed.
        StorageError: Storage backend error.

    Cost: memory for one document or one row.
    """
    with Extractor(count=1) as extractor:
        reading = _Reading(layout, work, extractor)
        if place.is_dir():
            yield from reading.folder(place, store)
        else:
            yield from reading.file(place, str(place))


def check_place(place: Path) -> None:
    """Raise `no-file` or `not-a-file` unless a path is a file or a folder.

    Raises:
        NotFoundError: (``no-file``) the path does not exist.
        InvalidInputError: (``not-a-file``) it is a pipe, socket or device.
        StorageError: It cannot be read.
    """
    with storage_errors(f"reading {place}"):
        if place.is_dir() or place.is_file():
            return
        if place.exists():
            # Reading a FIFO would block forever.
            raise InvalidInputError("not-a-file", f"{place} is neither a file nor a folder")
    raise no_file(place, "file or folder")


class _Reading:
    def __init__(self, layout: RecordLayout, work: Path, extractor: Extractor) -> None:
        self._layout, self._work, self._extractor = layout, work, extractor
        self._unpacked = 0

    def folder(self, folder: Path, store: Path) -> Iterator[InferenceInput]:
        with Listing(folder, store=store) as listing:
            listed = listing.finish()
        known = recognise(listed.names)
        bad = {one.path: Unanswered(one.kind, one.reason, one.hint) for one in listed.offenders}
        names = set(listed.names) - set(known.companions)
        for name in sorted(names | bad.keys()):
            shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            if name in bad:
                yield InferenceInput(shown, problem=bad[name])
            elif shown != name:
                yield InferenceInput(
                    shown, problem=Unanswered("not-text", "its name is not UTF-8", "rename it")
                )
            else:
                yield from self._in_folder(folder / name, name, whole=known.reader in ROWS)

    def _in_folder(self, place: Path, name: str, *, whole: bool) -> Iterator[InferenceInput]:
        """Yield the records of a file; a table without texts among documents is one record."""
        try:
            yield from self.file(place, name)
        except InvalidInputError as error:
            if whole or error.kind not in {"text-missing", "bad-record", "too-large"}:
                raise
            yield InferenceInput(name, problem=Unanswered(error.kind, error.message, error.hint))

    def file(self, place: Path, name: str) -> Iterator[InferenceInput]:
        reader = row_reader(name)
        if reader is not None:
            yield from self._rows(place, name, reader)
        else:
            yield self._document(place, name)

    def _document(self, place: Path, name: str) -> InferenceInput:
        try:
            with open_regular(place) as file:
                data = file.read(MAX_DOCUMENT_BYTES + 1)
        except OSError as error:
            return InferenceInput(name, problem=_unreadable(error))
        record = document_id(Digest.of(data))
        text, notes = _plain(name, data), tuple[str, ...]()
        if text is None:
            found = self._extractor.extract(name, data)
            if isinstance(found, Unreadable):
                summary = found.detail or found.reason
                problem = Unanswered(found.reason, summary, REASONS.get(found.reason, ""))
                return InferenceInput(name, record=record, problem=problem)
            text, notes = found.text, tuple(note.code for note in found.notes)
        return InferenceInput(name, record=record, text=text, problem=_fault(text), notes=notes)

    def _rows(self, place: Path, name: str, reader: str) -> Iterator[InferenceInput]:
        if is_packed(name):
            self._unpacked += 1
            target = self._work / f"unpacked-{self._unpacked}"
            unpack(name, str(place), target)
            place = target
        seen, waiting = dict[str, None](), list[InferenceInput]()
        answerable = False
        try:
            with open_regular(place) as stream:
                for row in iter_rows(reader, name, stream):
                    one, fields = self._row(name, reader, row)
                    if answerable:
                        yield one
                        continue
                    # Wait for a row with a text: if there is none, the file is refused as a whole.
                    waiting.append(one)
                    seen.update(dict.fromkeys(fields))
                    if one.problem is None or len(waiting) == _SEEN:
                        answerable = True
                        yield from waiting
        except StorageError:
            raise
        except OSError as error:
            raise storage_error(error, f"reading {name}") from error
        if answerable:
            return
        if waiting and not seen.keys() & set(self._layout.text):
            raise unknown_word("text-missing", f"text field of {name}:", self._layout.text[0], seen)
        yield from waiting

    def _row(self, name: str, reader: str, row: RawRow | BadRow) -> tuple[InferenceInput, Fields]:
        if isinstance(row, BadRow):
            raise _bad_row(name, row.place(reader), row.reason, row.remedy)
        where = BadRow(row.line, "").place(reader)
        if row.data.startswith(BOM_UTF8):
            raise _bad_row(name, where, "begins with a byte order mark")
        try:
            fields = parse_row(row.data)
        except RowError as error:
            raise _bad_row(name, where, str(error)) from None
        record = record_id(reader, row.data)
        text = FilterRecord(name, row.line, record, fields, fields, self._layout.text).text or ""
        joined = {
            one: value
            for one in self._layout.joined
            if (value := as_text(fields.get(one))) is not None
        }
        called = as_text(fields.get(self._layout.id))
        return InferenceInput(
            name, row.line, record, called or "", text, joined, _fault(text)
        ), fields


def _plain(name: str, data: bytes) -> str | None:
    """Return the text of a UTF-8 document unchanged; None if it needs a parser."""
    try:
        if find_format(name, data) != "txt":
            return None
        return data.decode("utf-8")
    except (UnreadableError, UnicodeDecodeError):
        return None


def _fault(text: str) -> Unanswered | None:
    if is_blank(text):
        return Unanswered(NO_TEXT, "it contains no text")
    if len(text) > MAX_TEXT_BYTES:
        hint = "cut it into several documents"
        return Unanswered("too-large", f"more than {MAX_TEXT_BYTES} characters", hint)
    return None


def _unreadable(error: OSError) -> Unanswered:
    return Unanswered("unreadable", error.strerror or str(error), "check its owner and permissions")


def _bad_row(name: str, where: str, reason: str, remedy: str = "") -> InvalidInputError:
    return InvalidInputError(
        "bad-record",
        f"{escape_control(name)}: {where}: {reason}",
        hint=remedy or "correct the file: every line must be a row",
    )
