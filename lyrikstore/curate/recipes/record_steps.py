"""Processing of a batch of records by the steps that decide on each record alone.

This module does not access a store: a function opens blobs, so that a recipe can be tried on any
data. The same batch has the same results in this process, in another, and on another machine.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.json import JSON
from lyrikstore.curate.readers.fields import DOCUMENT_TEXT, FieldRoles
from lyrikstore.curate.readers.records import ROWS
from lyrikstore.curate.readers.rows import as_texts
from lyrikstore.curate.recipes.filters.allow import Allow
from lyrikstore.curate.recipes.filters.contract import (
    DATA,
    DOCUMENT_TEXTS,
    BatchFilter,
    Change,
    DatasetFilter,
    DecideAll,
    Divide,
    Drop,
    FieldReport,
    Filter,
    FilterRecord,
    OtherRecord,
    Outcome,
)
from lyrikstore.curate.recipes.recipe import Recipe
from lyrikstore.curate.recipes.source import (
    MAX_TEXT_BYTES,
    Batch,
    OpenBlob,
    parse_rows,
    read_document,
    read_start,
)
from lyrikstore.curate.recipes.step_records import (
    SourceRecord,
    keep_changes,
    left_id,
    made_line,
    record_of,
)
from lyrikstore.curate.recipes.step_results import (
    BatchResults,
    Changed,
    Divided,
    Dropped,
    Failed,
    Item,
    Reported,
    work_lost,
)
from lyrikstore.curate.text import HEAD_BYTES, foreign_format, suffix_label
from lyrikstore.history.records.order_root import record_id
from lyrikstore.history.records.rows import JSONL

MAX_VALUES = 1000
"""Most values of a field that are kept to suggest a similar one for a misspelt value."""

_GROUP_BYTES = 4 << 20
"""Bytes of documents that a step processes together; limits how many are in memory."""


class StepVerdict(Struct, frozen=True, array_like=True):
    """The decision of a step over the whole dataset on one record.

    Attributes:
        reason: Stable code; empty if the record was only assigned to a part.
        dropped: Whether the record is dropped.
        detail: An explanation for the user.
        other: The record that is kept in its place, or that it resembles.
        part: The part that the record is assigned to; None if the step does not split.
    """

    reason: str = ""
    dropped: bool = False
    detail: str = ""
    other: OtherRecord | None = None
    part: str | None = None


class StepRange(Struct, frozen=True):
    """A stage: steps that decide on each record alone, and the dataset step that follows.

    Attributes:
        first: 1-based number of its first step; a dataset step precedes it unless this is 1.
        last: Number of its last step; below ``first`` if the stage has no such step.
        barrier: Number of the dataset step that follows; 0 at the end of the recipe.
    """

    first: int
    last: int
    barrier: int

    @property
    def steps(self) -> tuple[int, ...]:
        """The numbers of its steps, and of the dataset step that follows, if any."""
        barrier = (self.barrier,) if self.barrier else ()
        return (*range(self.first, self.last + 1), *barrier)


def stages_of(recipe: Recipe) -> list[StepRange]:
    """Return the stages of a recipe."""
    stages: list[StepRange] = []
    first = 1
    for number, step in enumerate(recipe.steps, start=1):
        if isinstance(step.filter, DatasetFilter):
            stages.append(StepRange(first, number - 1, number))
            first = number + 1
    return [*stages, StepRange(first, len(recipe.steps), 0)]


class _Run(Struct):
    """The state of a record while the steps of a stage process it.

    Attributes:
        at: The index in the batch of the record, or of the record that it was made from.
        item: The results for the record.
        base: The record in the source.
        start: The record at the start of the stage.
        record: The record now.
    """

    at: int
    item: Item
    base: SourceRecord
    start: FilterRecord
    record: FilterRecord


class Examiner:
    """Processor of batches of records for one stage.

    Args:
        recipe: The recipe.
        stage: The steps to run.
        reader: The reader of the source.
        roles: The roles of the source's fields.
        open_blob: Opens a verified stream of a blob.
        prepared: Number of a step of the stage → its prepared data on the datasets that it compares
            with.
    """

    def __init__(
        self,
        recipe: Recipe,
        stage: StepRange,
        reader: str,
        roles: FieldRoles,
        open_blob: OpenBlob,
        prepared: Mapping[int, bytes],
    ) -> None:
        self._stage, self._reader = stage, reader
        self._shape = dict(enumerate(_shapes(recipe, reader, roles), start=1))
        self._open_blob = open_blob
        filters = {
            number: step.filter.bind(prepared[number]) if number in prepared else step.filter
            for number, step in enumerate(recipe.steps, start=1)
        }
        self._removing_steps = frozenset(n for n, step in filters.items() if step.TAKES_OUT)
        self._steps: list[tuple[int, DecideAll]] = [
            (number, _for_all(filters[number])) for number in range(stage.first, stage.last + 1)
        ]
        barrier = filters.get(stage.barrier)
        self._key = barrier.key() if isinstance(barrier, DatasetFilter) else None
        self._reads_text = any(self._reads_documents(filters, number) for number in stage.steps)
        self._reads_data = any(DATA in filters[number].reads() for number in stage.steps)
        self._checks_format = self._reads_text and not any(
            self._reads_documents(filters, number) for number in range(1, stage.first)
        )
        self._lists = [
            (number, step.column, step.values)
            for number, step in filters.items()
            if isinstance(step, Allow) and stage.first == 1
        ]

    def examine(
        self, batch: Batch, earlier: BatchResults | None, verdicts: Sequence[StepVerdict | None]
    ) -> BatchResults:
        """Return the results of a batch.

        Args:
            batch: The records.
            earlier: The results of the preceding stage; changed in place.
            verdicts: The decisions of the dataset step before this stage on the records that
                reached it, in order.

        Raises:
            StorageError: (``work-lost``) the earlier results belong to another batch.
        """
        results = BatchResults() if earlier is None else earlier
        if earlier is not None:
            waiting_for = sum(item.is_alive for items in earlier.records for item in items)
            if (len(earlier.records), waiting_for) != (len(batch), len(verdicts)):
                raise work_lost()
        decisions = iter(verdicts)
        seen: dict[int, dict[str, None]] = {number: {} for number, _, _ in self._lists}
        runs: list[_Run] = []
        waiting = 0
        for at, base in enumerate(self._bases(batch, earlier)):
            if self._checks_format:
                self._check_format(base, results)
            if earlier is None:
                results.records.append([Item(base.id(self._reader).raw)])
            for item in results.records[at]:
                if earlier is not None and item.is_alive:
                    self._apply(item, next(decisions))
                runs.append(self._begin(at, item, base, self._stage.first))
            for number, column, values in self._lists:
                for value in as_texts(base.fields.get(column)):
                    if value in values or len(seen[number]) < MAX_VALUES:
                        seen[number][value] = None
            waiting += len(base.data)
            if waiting >= _GROUP_BYTES:
                _set_items(results, self._run_steps(runs))
                runs, waiting = [], 0
        _set_items(results, self._run_steps(runs))
        if self._lists:
            results.values = {number: list(values) for number, values in seen.items()}
        return results

    def _reads_documents(self, filters: Mapping[int, Filter], number: int) -> bool:
        """Return whether a step reads the text of whole documents."""
        has_documents = self._shape[number][0] == (DOCUMENT_TEXT,)
        return has_documents and not DOCUMENT_TEXTS.isdisjoint(filters[number].reads())

    def _apply(self, item: Item, verdict: StepVerdict | None) -> None:
        item.key = b""
        if verdict is not None:
            step = self._stage.first - 1
            if verdict.part is not None:
                item.part, item.step = verdict.part, step
            elif verdict.dropped:
                item.findings.append(Dropped(step, verdict.reason, verdict.detail, verdict.other))
            else:
                report = FieldReport(verdict.reason, detail=verdict.detail, other=verdict.other)
                item.findings.append(Reported(step, (report,)))

    def _bases(self, batch: Batch, earlier: BatchResults | None) -> Iterator[SourceRecord]:
        for at, fields in enumerate(parse_rows(batch, self._reader)):
            yield SourceRecord(batch.path, batch.position + at, fields, batch.rows[at])
        for at, entry in enumerate(batch.entries):
            columns: dict[str, JSON] = dict(entry.meta or {})
            waits = earlier is None or any(
                item.is_alive and item.data is None for item in earlier.records[at]
            )
            data = b""
            if waits and self._reads_text:
                data = read_document(entry, self._open_blob)
                with suppress(UnicodeDecodeError):
                    columns[DOCUMENT_TEXT] = data.decode()
            elif waits and self._reads_data:
                # One byte more than a step may read, so that the step refuses a longer document.
                data = read_start(entry, self._open_blob, MAX_TEXT_BYTES + 1)
            elif self._checks_format:
                data = read_start(entry, self._open_blob, HEAD_BYTES)
            yield SourceRecord(entry.path, 0, columns, blob=entry.blake3, data=data)

    def _check_format(self, base: SourceRecord, results: BatchResults) -> None:
        """Add a document to ``results.foreign`` if its name or first bytes show a binary format."""
        kind = foreign_format(base.path, base.data[:HEAD_BYTES])
        if kind is not None:
            results.foreign.append((base.path, suffix_label(base.path, kind)))

    def _run_steps(self, runs: list[_Run]) -> list[_Run]:
        """Run all steps; return the records, each followed by those that were made from it.

        Raises:
            LyrikstoreError: A blob is damaged or lost.
        """
        # Index in the batch → how many records were made from that record, directly or indirectly.
        numbers = Counter(run.at for run in runs if run.item.number is not None)
        for number, decide in self._steps:
            outcomes = iter(decide([run.record for run in runs if run.item.is_alive]))
            after: list[_Run] = []
            for run in runs:
                after.append(run)
                if run.item.is_alive:
                    with _recording_failure(run):
                        after += self._apply_outcome(run, number, next(outcomes), numbers)
            runs = after
        for run in runs:
            if run.item.is_alive:
                with _recording_failure(run):
                    self._end(run)
        return runs

    def _apply_outcome(
        self,
        run: _Run,
        number: int,
        outcome: Outcome | InvalidInputError,
        numbers: Counter[int],
    ) -> list[_Run]:
        """Apply a step's outcome to a record; return the records that the step made from it."""
        item, fields = run.item, run.record.fields
        match outcome:
            case InvalidInputError():
                item.findings.append(Failed(outcome.to_json()))
                return []
            case Drop():
                item.findings.append(Dropped(number, outcome.reason, outcome.detail, outcome.other))
                return []
            case Divide():
                made = self._made(run, outcome, number + 1, numbers)
                item.findings.append(Divided(number, outcome.reason, len(made)))
                return made
            case Change():
                item.findings.append(Changed(number, outcome.changes))
                fields = outcome.fields
                item.path = outcome.path or item.path
            case _:
                if outcome.part is not None or outcome.folder is not None:
                    item.step = number
                    # A split after a partition leaves the folders as they are.
                    item.part = outcome.part or item.part
                    item.folder = outcome.folder or item.folder
        if outcome.reports:
            item.findings.append(Reported(number, outcome.reports))
        texts, roles = self._shape[number + 1]
        is_changed = fields is not run.record.fields
        if is_changed or self._shape[number] != (texts, roles):
            run.record = replace(
                run.record, fields=fields, text_fields=texts, roles=roles, new_path=item.path
            )
        if is_changed and number in self._removing_steps:
            left = left_id(item, run.base, run.start, run.record)
            item.left, run.record = left.raw, replace(run.record, left=left)
        return []

    def _made(self, run: _Run, outcome: Divide, first: int, numbers: Counter[int]) -> list[_Run]:
        runs: list[_Run] = []
        for number, made in enumerate(outcome.made, start=numbers[run.at]):
            line = made_line(run.item, run.base, run.start, made.fields)
            parent, item = run.item, Item(record_id(JSONL, line).raw, data=line)
            item.origin = parent.origin or parent.id
            item.number, item.before = number, parent.reasons
            item.part, item.folder, item.step = parent.part, parent.folder, parent.step
            runs.append(self._begin(run.at, item, run.base, first))
        numbers[run.at] += len(runs)
        return runs

    def _end(self, run: _Run) -> None:
        """Store the key and the new content of a record in its item, at the end of a stage."""
        if self._key is not None:
            run.item.key = self._key(run.record)
        if run.record.fields is not run.start.fields:
            keep_changes(run.item, run.base, run.start, run.record)

    def _begin(self, at: int, item: Item, base: SourceRecord, first: int) -> _Run:
        record = record_of(item, base, *self._shape[first])
        return _Run(at, item, base, record, record)


@contextmanager
def _recording_failure(run: _Run) -> Iterator[None]:
    """Record an error of the body as the failure of this record."""
    try:
        yield
    except InvalidInputError as error:
        run.item.findings.append(Failed(error.to_json()))
    except FormatError as error:
        run.item.findings.append(Failed(_unwritable(run.record, error).to_json()))


def _unwritable(record: FilterRecord, error: FormatError) -> InvalidInputError:
    return InvalidInputError(
        "bad-value",
        f"{record.place}: {error.message}",
        hint="correct the record, or drop it with a where/1 step before this one",
    )


def _for_all(step: Filter) -> DecideAll:
    """Return the function by which a step decides on a list of records."""
    if isinstance(step, BatchFilter):
        return step.start_batch()
    decide = step.start()

    def decide_all(records: Sequence[FilterRecord]) -> list[Outcome | InvalidInputError]:
        outcomes: list[Outcome | InvalidInputError] = []
        for record in records:
            try:
                outcomes.append(decide(record))
            except InvalidInputError as error:
                outcomes.append(error)
            except FormatError as error:
                outcomes.append(_unwritable(record, error))
        return outcomes

    return decide_all


def _set_items(results: BatchResults, runs: Sequence[_Run]) -> None:
    for at in {run.at for run in runs}:
        results.records[at] = []
    for run in runs:
        results.records[run.at].append(run.item)


def _shapes(
    recipe: Recipe, reader: str, roles: FieldRoles
) -> Iterator[tuple[tuple[str, ...], FieldRoles]]:
    """Yield the text fields and the roles before each step, and once more after the last."""
    is_rows = reader in ROWS
    for step in (*recipe.steps, None):
        yield roles.text if is_rows else (DOCUMENT_TEXT,), roles
        if step is not None:
            roles = step.filter.roles(roles)
            is_rows = is_rows or step.filter.MAKES_ROWS
