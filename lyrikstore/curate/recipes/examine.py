"""What depends on one record alone: a batch of records put through some steps of a recipe.

Nothing here knows a store: blobs come from a function, so that a recipe can be tried on anything,
and the same batch gives the same findings in this process, in another, and on another machine.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import JSON, encode
from lyrikstore.curate.readers.fields import DOCUMENT_TEXT, FieldRoles
from lyrikstore.curate.readers.records import JSONL, ROWS
from lyrikstore.curate.readers.rows import Fields, RowError, as_texts, encode_row, parse_row
from lyrikstore.curate.recipes.filters.allow import Allow
from lyrikstore.curate.recipes.filters.contract import (
    DATA,
    DOCUMENT_TEXTS,
    Candidate,
    Change,
    DatasetFilter,
    Decide,
    Divide,
    Drop,
    FieldReport,
    Filter,
)
from lyrikstore.curate.recipes.findings import (
    BatchFindings,
    Changed,
    Divided,
    Dropped,
    Failed,
    Item,
    Reported,
)
from lyrikstore.curate.recipes.recipe import Recipe
from lyrikstore.curate.recipes.source import Batch, OpenBlob, read_document
from lyrikstore.curate.text import foreign_format, suffix_label
from lyrikstore.history.records.order_root import document_id, record_id

MAX_VALUES = 1000
"""Values of a field among which one that resembles a slip is looked for."""

Verdict = tuple[str, bool, str]
"""Reason, whether the record goes, detail: what a step for the whole dataset said of it."""


class StepRange(Struct, frozen=True):
    """Steps that look at one record, and the step for the whole dataset that they lead to.

    Attributes:
        first: 1-based number of its first step; the step before, if any, was for the whole dataset.
        last: Number of its last step; below ``first`` if it has none.
        barrier: Number of the step for the whole dataset; 0 at the end of the recipe.
    """

    first: int
    last: int
    barrier: int


def stages_of(recipe: Recipe) -> list[StepRange]:
    """Return the stages of a recipe."""
    found: list[StepRange] = []
    first = 1
    for number, step in enumerate(recipe.steps, start=1):
        if isinstance(step.filter, DatasetFilter):
            found.append(StepRange(first, number - 1, number))
            first = number + 1
    return [*found, StepRange(first, len(recipe.steps), 0)]


class _Base(Struct, frozen=True):
    """A record as the source has it.

    Attributes:
        path: Its file.
        position: Its place there.
        fields: Its fields.
        row: Its bytes, if it is a row.
        blob: The digest of the file, if it is a document.
        data: The file, if a step reads that.
    """

    path: str
    position: int
    fields: Fields
    row: bytes = b""
    blob: Digest | None = None
    data: bytes = b""


class Examiner:
    """Puts batches of records through one stage.

    Args:
        recipe: What to do.
        stage: Which steps of it.
        reader: Of the source.
        roles: Of the source.
        open_blob: Gives a verified stream of a blob.
        prepared: Number of a step → the file with what it compares with.
    """

    def __init__(
        self,
        recipe: Recipe,
        stage: StepRange,
        reader: str,
        roles: FieldRoles,
        open_blob: OpenBlob,
        prepared: Mapping[int, Path] | None = None,
    ) -> None:
        self._stage, self._reader = stage, reader
        self._shape = dict(enumerate(_shapes(recipe, reader, roles), start=1))
        self._open_blob = open_blob
        filters = {
            number: _bound(step.filter, (prepared or {}).get(number))
            for number, step in enumerate(recipe.steps, start=1)
        }
        self._steps: list[tuple[int, Decide]] = [
            (number, filters[number].start()) for number in range(stage.first, stage.last + 1)
        ]
        barrier = filters.get(stage.barrier)
        self._key = barrier.key() if isinstance(barrier, DatasetFilter) else None
        reads = {
            name
            for number in (*range(stage.first, stage.last + 1), stage.barrier)
            if number in filters
            for name in filters[number].reads()
        }
        self._reads_text, self._reads_data = bool(DOCUMENT_TEXTS & reads), DATA in reads
        self._lists = [
            (number, one.column, one.values)
            for number, one in filters.items()
            if isinstance(one, Allow) and stage.first == 1
        ]

    def examine(
        self, batch: Batch, earlier: BatchFindings | None, verdicts: Sequence[Verdict | None]
    ) -> BatchFindings:
        """Return what is found of a batch.

        Args:
            batch: The records.
            earlier: What the stage before found of them.
            verdicts: What the step between the two said of those that had come so far, in order.
        """
        found = BatchFindings() if earlier is None else earlier
        said = iter(verdicts)
        seen: dict[int, dict[str, None]] = {number: {} for number, _, _ in self._lists}
        for at, base in enumerate(self._bases(batch, earlier)):
            if earlier is None:
                self._look_at(base, found)
                found.records.append([Item(self._id(base).raw)])
            items: list[Item] = []
            for item in found.records[at]:
                if earlier is not None and item.is_alive:
                    self._apply(item, next(said))
                items += self._run(item, base, self._stage.first) if item.is_alive else [item]
            found.records[at] = items
            for number, column, values in self._lists:
                for value in as_texts(base.fields.get(column)):
                    if value in values or len(seen[number]) < MAX_VALUES:
                        seen[number][value] = None
        if self._lists:
            found.values = {number: list(values) for number, values in seen.items()}
        return found

    def _apply(self, item: Item, verdict: Verdict | None) -> None:
        item.key = b""
        if verdict is not None:
            reason, goes, detail = verdict
            step = self._stage.first - 1
            if goes:
                item.findings.append(Dropped(step, reason, detail))
            else:
                item.findings.append(Reported(step, (FieldReport(reason, detail=detail),)))

    def _id(self, base: _Base) -> Digest:
        return record_id(self._reader, base.row) if base.blob is None else document_id(base.blob)

    def _bases(self, batch: Batch, earlier: BatchFindings | None) -> Iterator[_Base]:
        for at, row in enumerate(batch.rows):
            yield _Base(batch.path, batch.position + at, self._parsed(batch, at, row), row)
        for at, entry in enumerate(batch.entries):
            fields: dict[str, JSON] = dict(entry.meta or {})
            waits = earlier is None or any(
                item.is_alive and item.data is None for item in earlier.records[at]
            )
            data = b""
            if waits and (self._reads_text or self._reads_data):
                data = read_document(entry, self._open_blob)
                with suppress(UnicodeDecodeError):
                    fields[DOCUMENT_TEXT] = data.decode()
            yield _Base(entry.path, 0, fields, blob=entry.blake3, data=data)

    def _parsed(self, batch: Batch, at: int, row: bytes) -> Fields:
        try:
            return parse_row(row)
        except RowError as error:
            raise InvalidInputError(
                "bad-record",
                f"{batch.path}: record {batch.position + at + 1}: {error}",
                hint="commit the data again: a commit looks at every row",
            ) from None

    def _look_at(self, base: _Base, found: BatchFindings) -> None:
        """Note a document that is no text though a step reads texts."""
        if base.blob is not None and self._reads_text and not self._reads_data:
            kind = foreign_format(base.path, base.data[:16])
            if kind is not None:
                found.foreign.append((base.path, suffix_label(base.path, kind)))

    def _run(self, item: Item, base: _Base, first: int) -> list[Item]:
        """Put an item through the steps from ``first``; it comes first, what was made of it next.

        Raises:
            LyrikstoreError: A blob is damaged or lost.
        """
        start = candidate = self._candidate(item, base, first)
        for number, decide in self._steps:
            if number < first:
                continue
            try:
                outcome = decide(candidate)
            except InvalidInputError as error:
                item.findings.append(Failed(error.to_json()))
                return [item]
            match outcome:
                case Drop(reason, detail):
                    item.findings.append(Dropped(number, reason, detail))
                    return [item]
                case Divide():
                    item.findings.append(Divided(number, outcome.reason, len(outcome.made)))
                    return [item, *self._divided(item, outcome, base, number + 1)]
                case Change():
                    item.findings.append(Changed(number, outcome.changes))
                    texts, roles = self._shape[number + 1]
                    candidate = replace(
                        candidate, fields=outcome.fields, text_fields=texts, roles=roles
                    )
                case _:
                    if outcome.part is not None or outcome.folder is not None:
                        item.step = number
                        item.part, item.folder = outcome.part or item.part, outcome.folder
            if outcome.reports:
                item.findings.append(Reported(number, outcome.reports))
        if self._key is not None:
            try:
                item.key = self._key(candidate)
            except InvalidInputError as error:
                item.findings.append(Failed(error.to_json()))
                return [item]
        if candidate.fields is not start.fields:
            _keep_changes(item, base, start, candidate)
        return [item]

    def _divided(self, parent: Item, outcome: Divide, base: _Base, first: int) -> list[Item]:
        found: list[Item] = []
        for number, made in enumerate(outcome.made):
            line = encode(made.fields)
            item = Item(record_id(JSONL, line).raw, data=line)
            item.origin = parent.origin or parent.id
            item.number, item.place = number, encode(dict(made.place)).decode()
            item.part, item.folder, item.step = parent.part, parent.folder, parent.step
            found += self._run(item, base, first)
        return found

    def _candidate(self, item: Item, base: _Base, first: int) -> Candidate:
        texts, roles = self._shape[first]
        fields = base.fields
        if texts != (DOCUMENT_TEXT,):
            fields = base.fields if item.data is None else parse_row(item.data)
        elif item.data is not None or item.meta is not None:
            fields = dict(base.fields if item.meta is None else item.meta)
            if item.data is not None:
                fields[DOCUMENT_TEXT] = item.data.decode()
            elif DOCUMENT_TEXT in base.fields:
                fields[DOCUMENT_TEXT] = base.fields[DOCUMENT_TEXT]
        data = base.data if self._reads_data else b""
        return Candidate(
            base.path,
            base.position,
            Digest(item.id),
            fields,
            base.fields,
            texts,
            roles,
            data,
            Digest(item.origin or item.id),
        )


def _keep_changes(item: Item, base: _Base, start: Candidate, end: Candidate) -> None:
    """Note in ``item`` what it is now."""
    if not end.is_document:
        if start.is_document:
            item.data, item.meta = encode(dict(end.fields)), None
        else:
            line = encode_row(item.data or base.row, start.fields, end.fields)
            item.data = None if line == base.row else line
        return
    text = end.fields.get(DOCUMENT_TEXT)
    if isinstance(text, str) and text != start.fields.get(DOCUMENT_TEXT):
        item.data = text.encode()
    meta = {name: str(value) for name, value in end.fields.items() if name != DOCUMENT_TEXT}
    if meta != {name: value for name, value in start.fields.items() if name != DOCUMENT_TEXT}:
        item.meta = meta


def _shapes(
    recipe: Recipe, reader: str, roles: FieldRoles
) -> Iterator[tuple[tuple[str, ...], FieldRoles]]:
    """Yield, before each step and at the end, the fields that are the text, and all roles."""
    is_rows = reader in ROWS
    for step in (*recipe.steps, None):
        yield roles.text if is_rows else (DOCUMENT_TEXT,), roles
        if step is not None:
            roles = step.filter.roles(roles)
            is_rows = is_rows or step.filter.MAKES_ROWS


def _bound(step: Filter, prepared: Path | None) -> Filter:
    return step if prepared is None else step.bind(prepared.read_bytes())
