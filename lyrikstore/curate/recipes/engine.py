"""The engine: runs all steps of a recipe over all records of a source, stage by stage.

Normative text: spec §12.5.1. Steps that decide on each record alone run over batches, for large
sources in several processes. A step over the whole dataset decides after the keys of all records
are known. The results of each batch are kept in a work folder: memory use stays constant, and a
filter that was killed resumes with the first missing batch.
"""

import json
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, NamedTuple

import msgspec
import numpy as np

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import StorageError
from lyrikstore.canon.files import open_nameless
from lyrikstore.canon.json import encode
from lyrikstore.canon.progress import OnProgress, Progress, silent
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.recipes.filters.contract import DatasetFilter, OtherRecord
from lyrikstore.curate.recipes.filters.dataset_steps import KeyedRecords
from lyrikstore.curate.recipes.recipe import Recipe
from lyrikstore.curate.recipes.record_steps import Examiner, StepRange, StepVerdict, stages_of
from lyrikstore.curate.recipes.references import prepared_data
from lyrikstore.curate.recipes.source import Batch, OpenBlob, RecordSource
from lyrikstore.curate.recipes.step_results import BatchResults, work_lost
from lyrikstore.curate.work_folder import WorkFolder, load_kept, storing
from lyrikstore.history.repository.repository import Repository
from lyrikstore.objects.backends.address import address_of
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.objects.backends.open import open_backend
from lyrikstore.objects.parallel.processes import Workers, cores
from lyrikstore.objects.parallel.tasks import Message, Pool, Pools, Result

MANY_BYTES = 8 << 20
"""Size of a source from which several processes share the work."""

_TARGET = "lyrikstore.curate.recipes.engine:run_steps_task"


class Engine:
    """The run of one recipe over one source.

    Args:
        recipe: The recipe.
        source: The records.
        open_blob: Opens a verified stream of a blob.
        work: A private folder; results of an interrupted run of the same work are reused.
        prepared: Number of a step → name in ``work`` of its prepared data on other datasets.
        against: REF of a dataset that a step compares with → its version.
    """

    def __init__(
        self,
        recipe: Recipe,
        source: RecordSource,
        open_blob: OpenBlob,
        work: WorkFolder,
        prepared: Mapping[int, str] | None = None,
        against: Mapping[str, Digest] | None = None,
    ) -> None:
        self.recipe, self.source, self.open_blob = recipe, source, open_blob
        self.work, self._prepared, self._against = work, dict(prepared or {}), dict(against or {})
        self._stages = stages_of(recipe)

    def run(
        self,
        progress: OnProgress = silent,
        *,
        total: int = 0,
        repository: Repository | None = None,
        pools: Pools | None = None,
    ) -> None:
        """Process all records; :meth:`findings` yields the results.

        Args:
            progress: Progress callback, called per batch; counts the records of a stage.
            total: Number of records, for progress.
            repository: The store, from which other processes read documents; None to use this
                process only.
            pools: Workers on other machines; they must have access to the store.

        Raises:
            InvalidInputError: (``bad-record``) a row of the source is invalid.
            StorageError: (``worker-differs``) a worker on another machine has other libraries,
                models or data than the signed filter states.
            VerificationError, IncompleteError: A blob is damaged or lost.
            StorageError: The disk is full; finished results are kept. (``work-lost``) Results of an
                earlier stage are missing or damaged.
            LyrikstoreError: As :func:`address_of`.

        Cost: one read of the source for each stage; memory for a few batches, and for the keys of a
        step over the whole dataset.
        """
        judged: _Judged | None = None
        for number, stage in enumerate(self._stages):
            work = _StageWork(self, number, stage, judged)
            phase = f"stage {number + 1} of {len(self._stages)}"
            report = partial(_report, progress, total, phase)
            work.examine(report, self._pool(stage, repository, pools))
            if stage.barrier:
                judged = work.judge()

    def foreign(self) -> list[tuple[str, str]]:
        """Return path and format of files that a text step cannot read, after :meth:`run`."""
        if self.source.is_rows:
            return []
        last = len(self._stages) - 1
        files: list[tuple[str, str]] = []
        for batch in self.source.batches(self.open_blob):
            files += BatchResults.decode(self.results_of(last, batch.number)).foreign
        return files

    def findings(self) -> Iterator[tuple[Batch, BatchResults]]:
        """Yield every batch of the source with its results."""
        last = len(self._stages) - 1
        for batch in self.source.batches(self.open_blob):
            yield batch, BatchResults.decode(self.results_of(last, batch.number))

    def results_of(self, stage: int, batch: int) -> bytes:
        """Return the results of a finished stage for a batch.

        Raises:
            StorageError: (``work-lost``) the results are missing or damaged.
        """
        results = self.load(stage, batch)
        if results is None:
            # The next stage would otherwise start from the source, without the earlier changes.
            raise work_lost()
        return results

    def load(self, stage: int, batch: int) -> bytes | None:
        """Return the results of a stage for a batch; None if they are missing or incomplete.

        Raises:
            StorageError: The file cannot be read.
        """
        return self.work.load(_name(stage, batch))

    def save(self, stage: int, batch: int, results: bytes) -> None:
        """Write the results of a stage for a batch to the work folder."""
        self.work.keep(_name(stage, batch), results)

    def _pool(
        self, stage: StepRange, repository: Repository | None, pools: Pools | None
    ) -> AbstractContextManager[Pool]:
        setup = {
            "recipe": self.recipe.to_json(),
            "stage": msgspec.to_builtins(stage),
            "reader": self.source.reader,
            "roles": self.source.roles.to_json(),
        }
        prepared = {step: name for step, name in self._prepared.items() if step in stage.steps}
        if repository is not None and (pools is not None or self._pays(repository)):
            setup["store"] = {**address_of(repository.backend), "size": len(repository.entries())}
            if pools is None:
                setup["prepared"] = {
                    str(step): [str(self.work.path / name), *self.work.proof(name)]
                    for step, name in prepared.items()
                }
                return Workers(_TARGET, setup, cores())
            # Other machines can read the store, but not this user's cache.
            setup["against"] = {ref: str(version) for ref, version in self._against.items()}
            setup["digests"] = {
                str(step): f"blake3:{self.work.proof(name)[0]}" for step, name in prepared.items()
            }
            setup["body"] = encode(self.recipe.body()).decode()
            return pools(_TARGET, setup)
        loaded = {
            step: _load(self.work.path / name, *self.work.proof(name))
            for step, name in prepared.items()
        }
        return nullcontext(_Here(self._examiner(stage, loaded)))

    def _pays(self, repository: Repository) -> bool:
        return (
            cores() > 1
            and self.source.tree.total_bytes >= MANY_BYTES
            and isinstance(repository.backend, LocalBackend)
        )

    def _examiner(self, stage: StepRange, prepared: Mapping[int, bytes]) -> Examiner:
        source = self.source
        return Examiner(self.recipe, stage, source.reader, source.roles, self.open_blob, prepared)


class _Here:
    """A pool that runs its tasks in this process."""

    def __init__(self, examiner: Examiner) -> None:
        self._examiner = examiner

    def map(self, tasks: Iterable[Message]) -> Iterator[Result]:
        for number, task in enumerate(tasks):
            yield Result(number, {}, (_examined(self._examiner, *task.buffers),))


class _Judged(NamedTuple):
    """The decisions of a step over the whole dataset.

    Attributes:
        verdicts: Returns the decisions for a batch, on the records that reached the step, in order.
    """

    verdicts: Callable[[int], list[StepVerdict | None]]


class _StageWork:
    """The work of an engine on one stage."""

    def __init__(
        self, engine: Engine, number: int, stage: StepRange, judged: _Judged | None
    ) -> None:
        self._engine, self._number, self._stage, self._judged = engine, number, stage, judged
        self._places: list[tuple[str, int]] = []
        self._first: list[int] = []

    def examine(self, report: Callable[[int], None], opened: AbstractContextManager[Pool]) -> None:
        """Process the batches that have no results yet."""
        engine, number = self._engine, self._number
        pending: list[tuple[int, int]] = []
        known = 0

        def tasks() -> Iterator[Message]:
            nonlocal known
            records = 0
            for batch in engine.source.batches(engine.open_blob):
                self._first.append(records)
                self._places.append((batch.path, batch.position))
                records += len(batch)
                if engine.load(number, batch.number) is not None:
                    known += len(batch)
                    continue
                earlier = engine.results_of(number - 1, batch.number) if number else b""
                verdicts = self._judged.verdicts(batch.number) if self._judged else []
                pending.append((batch.number, len(batch)))
                yield Message({}, (batch.encode(), earlier, msgspec.msgpack.encode(verdicts)))

        done = 0
        with opened as pool:
            for result in pool.map(tasks()):
                at, records = pending[result.task]
                engine.save(number, at, result.buffers[0])
                done += records
                report(known + done)

    def judge(self) -> _Judged:
        """Return the decisions of the dataset step that follows this stage."""
        step = self._engine.recipe.steps[self._stage.barrier - 1].filter
        if not isinstance(step, DatasetFilter):
            raise TypeError("the step after a stage is not a DatasetFilter")
        ends, origins, starts = array("q"), array("q"), [0]
        numbers = array("i")
        folder = self._engine.work.path
        with (
            storing(f"writing keys of records to {folder}"),
            open_nameless(folder / "keys") as keys,
        ):
            for batch in range(len(self._first)):
                for at, items in enumerate(self._results(batch).records):
                    for item in items:
                        if item.is_alive:
                            keys.write(item.key)
                            numbers.append(-1 if item.number is None else item.number)
                            ends.append(len(item.key) + (ends[-1] if ends else 0))
                            origins.append(self._first[batch] + at)
                starts.append(len(ends))
            mapped = _mapped(keys)
        judgement = step.judge(KeyedRecords(mapped, np.frombuffer(ends, np.int64)))

        files = self._engine.source.tree.paths

        def find(at: int) -> OtherRecord:
            batch = bisect_right(self._first, origins[at]) - 1
            path, position = self._places[batch]
            item = numbers[at] if numbers[at] >= 0 else None
            if not path:
                return OtherRecord(origins[at], 0, item)
            inside = origins[at] - self._first[batch]
            return OtherRecord(bisect_left(files, path), position + inside, item)

        def called(other: OtherRecord) -> str:
            item = "" if other.item is None else f", item {other.item}"
            if not self._engine.source.is_rows:
                return f"{files[other.file]}{item}"
            return f"{files[other.file]}:{other.position + 1}{item}"

        def verdicts(batch: int) -> list[StepVerdict | None]:
            decisions: list[StepVerdict | None] = []
            for at in range(starts[batch], starts[batch + 1]):
                decision = judgement.of(at)
                if decision is None:
                    part = judgement.part(at)
                    decisions.append(None if part is None else StepVerdict(part=part))
                else:
                    reason, dropped, place = decision
                    other = find(place) if place >= 0 else None
                    detail = step.detail(reason, "" if other is None else called(other))
                    detail += judgement.likeness(at)
                    decisions.append(StepVerdict(reason, dropped, detail, other))
            return decisions

        return _Judged(verdicts)

    def _results(self, batch: int) -> BatchResults:
        return BatchResults.decode(self._engine.results_of(self._number, batch))


def run_steps_task(
    setup: Mapping[str, Any], _task: Mapping[str, Any], *buffers: bytes
) -> Iterator[tuple[Any, ...]]:
    """Process a batch in a worker; see :mod:`lyrikstore.objects.parallel.tasks`."""
    with _ONE_AT_A_TIME:
        examiner = _examiner_for(json.dumps(setup, sort_keys=True))
    yield {}, _examined(examiner, *buffers)


def _examined(examiner: Examiner, batch: bytes, earlier: bytes, verdicts: bytes) -> bytes:
    return examiner.examine(
        Batch.decode(batch),
        BatchResults.decode(earlier) if earlier else None,
        msgspec.msgpack.decode(verdicts, type=list[StepVerdict | None]),
    ).encode()


_ONE_AT_A_TIME = Lock()
"""Lock held while an examiner is created, which can take long; a worker's threads share it."""


@lru_cache(maxsize=2)
def _examiner_for(setup: str) -> Examiner:
    # Cached between tasks, until the store grows: a step may have loaded a model.
    settings = json.loads(setup)
    store = settings["store"]
    backend = open_backend(store["url"], options=dict(store["options"]))
    location = backend.root if isinstance(backend, LocalBackend) else store["url"]
    repository = Repository.over(backend, location=location)
    roles = FieldRoles.of_body({"fields": settings["roles"]})
    recipe = Recipe.from_json(settings["recipe"])
    stage = msgspec.convert(settings["stage"], StepRange)
    if "body" in settings:
        _check_same(recipe, settings["body"])
        prepared = _prepared_here(recipe, settings, repository)
    else:
        prepared = {
            int(step): _load(Path(path), *proof)
            for step, (path, *proof) in settings["prepared"].items()
        }
    return Examiner(recipe, stage, settings["reader"], roles, repository.blobs.open, prepared)


def _check_same(recipe: Recipe, body: str) -> None:
    """Raise `worker-differs` unless this machine would sign the same filter body."""
    here = encode(recipe.body()).decode()
    if here != body:
        ours, theirs = json.loads(here), json.loads(body)
        names = sorted(n for n in ours.keys() | theirs if ours.get(n) != theirs.get(n))
        raise _worker_differs(
            f"in its {' and '.join(names)}",
            {name: [ours.get(name), theirs.get(name)] for name in names},
        )


def _prepared_here(
    recipe: Recipe, settings: Mapping[str, Any], repository: Repository
) -> dict[int, bytes]:
    """Return number of a step → its prepared data, computed from the store on this machine."""
    prepared: dict[int, bytes] = {}
    for number, digest in settings["digests"].items():
        step = recipe.steps[int(number) - 1]
        versions = [
            repository.manifest(Digest.parse(settings["against"][ref])) for ref in step.filter.refs
        ]
        data = prepared_data(step, repository, versions)
        if str(Digest.of(data)) != digest:
            raise _worker_differs(f"in the data that {step.use} compares with", {})
        prepared[int(number)] = data
    return prepared


def _worker_differs(where: str, differs: Mapping[str, Any]) -> StorageError:
    return StorageError(
        "worker-differs",
        f"a worker differs from this machine {where}",
        hint="install the same versions of Python, libraries and models on every worker",
        details={"differs": dict(differs)},
    )


def _load(prepared: Path, digest: str, size: int) -> bytes:
    data = load_kept(prepared, digest, size)
    if data is None:
        raise work_lost()
    return data


def _mapped(file: BinaryIO) -> Any:
    return np.memmap(file, np.uint8, "r") if file.tell() else np.zeros(0, np.uint8)


def _name(stage: int, batch: int) -> str:
    return f"stage-{stage}/{batch:08}"


def _report(progress: OnProgress, total: int, phase: str, done: int) -> None:
    progress(Progress(done, total, phase=phase))
