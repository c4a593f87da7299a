"""What depends on one record alone: a batch of records put through some steps of a recipe.

Nothing here knows a store: blobs come from a function, so that a recipe can be tried on anything,
and the same batch gives the same findings in this process, in another, and on another machine.
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
"""Values of a field among which one that resembles a slip is looked for."""

_GROUP_BYTES = 4 << 20
"""Documents that are put through a step together, so that few are in memory at a time."""


class StepVerdict(Struct, frozen=True, array_like=True):
    """What a step for the whole dataset said of a record.

    Attributes:
        reason: Stable code; empty where the record was only dealt to a part.
        goes: Whether the record goes.
        detail: For people.
        other: The record that it goes for, or is like.
        part: The part it goes to; None: it was not dealt.
    """

    reason: str = ""
    goes: bool = False
    detail: str = ""
    other: OtherRecord | None = None
    part: str | None = None


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

    @property
    def steps(self) -> tuple[int, ...]:
        """The numbers of its steps and, if there is one, of the step that they lead to."""
        barrier = (self.barrier,) if self.barrier else ()
        return (*range(self.first, self.last + 1), *barrier)


def stages_of(recipe: Recipe) -> list[StepRange]:
    """Return the stages of a recipe."""
    found: list[StepRange] = []
    first = 1
    for number, step in enumerate(recipe.steps, start=1):
        if isinstance(step.filter, DatasetFilter):
            found.append(StepRange(first, number - 1, number))
            first = number + 1
    return [*found, StepRange(first, len(recipe.steps), 0)]


class _Run(Struct):
    """A record on its way through the steps of a stage.

    Attributes:
        at: Its place in the batch, or that of what it was made of.
        item: What is found of it.
        base: What the source has there.
        start: What came into the stage.
        record: What it is now.
    """

    at: int
    item: Item
    base: SourceRecord
    start: FilterRecord
    record: FilterRecord


class Examiner:
    """Puts batches of records through one stage.

    Args:
        recipe: What to do.
        stage: Which steps of it.
        reader: Of the source.
        roles: Of the source.
        open_blob: Gives a verified stream of a blob.
        prepared: Number of a step of the stage → what it compares with.
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
        self._taking_out = frozenset(n for n, one in filters.items() if one.TAKES_OUT)
        self._steps: list[tuple[int, DecideAll]] = [
            (number, _for_all(filters[number])) for number in range(stage.first, stage.last + 1)
        ]
        barrier = filters.get(stage.barrier)
        self._key = barrier.key() if isinstance(barrier, DatasetFilter) else None
        self._reads_text = any(self._takes_text(filters, number) for number in stage.steps)
        self._reads_data = any(DATA in filters[number].reads() for number in stage.steps)
        self._looks = self._reads_text and not any(
            self._takes_text(filters, number) for number in range(1, stage.first)
        )
        self._lists = [
            (number, one.column, one.values)
            for number, one in filters.items()
            if isinstance(one, Allow) and stage.first == 1
        ]

    def examine(
        self, batch: Batch, earlier: BatchResults | None, verdicts: Sequence[StepVerdict | None]
    ) -> BatchResults:
        """Return what is found of a batch.

        Args:
            batch: The records.
            earlier: What the stage before found of them.
            verdicts: What the step between the two said of those that had come so far, in order.

        Raises:
            StorageError: (``work-lost``) what the stage before found is of another batch.
        """
        found = BatchResults() if earlier is None else earlier
        if earlier is not None:
            waiting_for = sum(item.is_alive for items in earlier.records for item in items)
            if (len(earlier.records), waiting_for) != (len(batch), len(verdicts)):
                raise work_lost()
        said = iter(verdicts)
        seen: dict[int, dict[str, None]] = {number: {} for number, _, _ in self._lists}
        runs: list[_Run] = []
        waiting = 0
        for at, base in enumerate(self._bases(batch, earlier)):
            if self._looks:
                self._look_at(base, found)
            if earlier is None:
                found.records.append([Item(base.id(self._reader).raw)])
            for item in found.records[at]:
                if earlier is not None and item.is_alive:
                    self._apply(item, next(said))
                runs.append(self._begin(at, item, base, self._stage.first))
            for number, column, values in self._lists:
                for value in as_texts(base.fields.get(column)):
                    if value in values or len(seen[number]) < MAX_VALUES:
                        seen[number][value] = None
            waiting += len(base.data)
            if waiting >= _GROUP_BYTES:
                _note(found, self._put_through(runs))
                runs, waiting = [], 0
        _note(found, self._put_through(runs))
        if self._lists:
            found.values = {number: list(values) for number, values in seen.items()}
        return found

    def _takes_text(self, filters: Mapping[int, Filter], number: int) -> bool:
        """Return whether a step reads the text of whole documents."""
        takes_documents = self._shape[number][0] == (DOCUMENT_TEXT,)
        return takes_documents and not DOCUMENT_TEXTS.isdisjoint(filters[number].reads())

    def _apply(self, item: Item, verdict: StepVerdict | None) -> None:
        item.key = b""
        if verdict is not None:
            step = self._stage.first - 1
            if verdict.part is not None:
                item.part, item.step = verdict.part, step
            elif verdict.goes:
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
                # What is longer than a step may read is a byte too long for it: it says so.
                data = read_start(entry, self._open_blob, MAX_TEXT_BYTES + 1)
            elif self._looks:
                data = read_start(entry, self._open_blob, HEAD_BYTES)
            yield SourceRecord(entry.path, 0, columns, blob=entry.blake3, data=data)

    def _look_at(self, base: SourceRecord, found: BatchResults) -> None:
        """Note a document that is no text, where a step takes texts of documents."""
        kind = foreign_format(base.path, base.data[:HEAD_BYTES])
        if kind is not None:
            found.foreign.append((base.path, suffix_label(base.path, kind)))

    def _put_through(self, runs: list[_Run]) -> list[_Run]:
        """Put records through the steps; what was made of one comes after it.

        Raises:
            LyrikstoreError: A blob is damaged or lost.
        """
        # Of each record, how many were made of it, directly or through others.
        numbers = Counter(run.at for run in runs if run.item.number is not None)
        for number, decide in self._steps:
            said = iter(decide([run.record for run in runs if run.item.is_alive]))
            after: list[_Run] = []
            for run in runs:
                after.append(run)
                if run.item.is_alive:
                    with _naming(run):
                        after += self._take(run, number, next(said), numbers)
            runs = after
        for run in runs:
            if run.item.is_alive:
                with _naming(run):
                    self._end(run)
        return runs

    def _take(
        self,
        run: _Run,
        number: int,
        outcome: Outcome | InvalidInputError,
        numbers: Counter[int],
    ) -> list[_Run]:
        """Do what a step said of a record; return what it made of it."""
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
        if is_changed and number in self._taking_out:
            left = left_id(item, run.base, run.start, run.record)
            item.left, run.record = left.raw, replace(run.record, left=left)
        return []

    def _made(self, run: _Run, outcome: Divide, first: int, numbers: Counter[int]) -> list[_Run]:
        found: list[_Run] = []
        for number, made in enumerate(outcome.made, start=numbers[run.at]):
            line = made_line(run.item, run.base, run.start, made.fields)
            parent, item = run.item, Item(record_id(JSONL, line).raw, data=line)
            item.origin = parent.origin or parent.id
            item.number, item.before = number, parent.reasons
            item.part, item.folder, item.step = parent.part, parent.folder, parent.step
            found.append(self._begin(run.at, item, run.base, first))
        numbers[run.at] += len(found)
        return found

    def _end(self, run: _Run) -> None:
        """Note the key of a record that has come so far, and what it is now."""
        if self._key is not None:
            run.item.key = self._key(run.record)
        if run.record.fields is not run.start.fields:
            keep_changes(run.item, run.base, run.start, run.record)

    def _begin(self, at: int, item: Item, base: SourceRecord, first: int) -> _Run:
        record = record_of(item, base, *self._shape[first])
        return _Run(at, item, base, record, record)


@contextmanager
def _naming(run: _Run) -> Iterator[None]:
    """Note that a record cannot be taken, and which it is."""
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
        hint="correct the record, or leave it out with where/1 before that step",
    )


def _for_all(step: Filter) -> DecideAll:
    """Return the decision function of a step for many records."""
    if isinstance(step, BatchFilter):
        return step.start_batch()
    decide = step.start()

    def decide_all(records: Sequence[FilterRecord]) -> list[Outcome | InvalidInputError]:
        found: list[Outcome | InvalidInputError] = []
        for record in records:
            try:
                found.append(decide(record))
            except InvalidInputError as error:
                found.append(error)
            except FormatError as error:
                found.append(_unwritable(record, error))
        return found

    return decide_all


def _note(found: BatchResults, runs: Sequence[_Run]) -> None:
    for at in {run.at for run in runs}:
        found.records[at] = []
    for run in runs:
        found.records[run.at].append(run.item)


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
