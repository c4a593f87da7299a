"""Replay of randomly drawn segments of a run, from their starting states (spec §13.14.1)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    IncompleteError,
    InvalidInputError,
    NotFoundError,
)
from lyrikstore.context import StoreContext
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.train.formats.blend import OTHER
from lyrikstore.train.formats.formats import BLEND, CANDIDATES
from lyrikstore.train.preflight import RunPlan
from lyrikstore.train.replay.segment_store import SegmentStore
from lyrikstore.train.reproduction.compare import DigestOnly
from lyrikstore.train.reproduction.reproduce import (
    Reproduction,
    begin_again,
    do_again,
    find_untrainable,
)
from lyrikstore.train.seal import seal
from lyrikstore.train.snapshot import staged_base
from lyrikstore.train.statements.inputs import copy_inputs
from lyrikstore.train.worker.process import run_job
from lyrikstore.train.worker.staging import TRAIN, VALIDATION, Staging
from lyrikstore.verify.evaluation.choice.candidates import FORMAT_IDS
from lyrikstore.verify.store.statements.reproductions import (
    NOT_KEPT,
    SEGMENTS,
)
from lyrikstore.verify.store.statements.segments import (
    MAX_BYTES,
    POINT_ROLE,
    ROLE,
    SegmentList,
    draw_segments,
    find_problems,
    miss_chance,
    read_segments,
)

_PART = 1 << 20


def replay_segments(
    context: StoreContext, ref: str, wanted: int, *, nonce: bytes, message: str = ""
) -> Reproduction:
    """Replay drawn segments of a run and return the result; log it if the key may sign it.

    Progress is reported in the phases ``check``, ``replay``, ``log`` and ``done``.

    Args:
        context: The store, opened to append; its cache may have segment states.
        ref: A checkpoint whose run signed states, or that run.
        wanted: Number of segments to draw.
        nonce: A random value that was unknown when the checkpoint was logged; with the log's head
            it
            determines the draw.
        message: Free text for the statement.

    Raises:
        InvalidInputError: (``no-segments``) the run signed no states; (``not-in-log``) the signed
            log
            does not yet contain the checkpoint; else as
            :func:`lyrikstore.train.reproduction.reproduce.reproduce_run`.
        PolicyError, VerificationError, RunFailedError: As
            :func:`lyrikstore.train.reproduction.reproduce.reproduce_run`.
        ConflictError, LockedError, StorageError: As any transaction.

    Cost: training of the drawn segments; all data is read.
    """
    repo = context.repository
    run, made = begin_again(context, ref)
    checkpoint = next((one for one in reversed(made) if ROLE in one.body), None)
    if checkpoint is None:
        raise InvalidInputError(
            "no-segments",
            f"{run.name} has no signed training states",
            hint="reproduce the whole run; or train with [replay] steps = N in the config",
        )
    head = repo.checkpoint.head
    if repo.index_of(checkpoint.id) >= head.size:
        raise InvalidInputError(
            "not-in-log",
            f"{checkpoint.name} is not in the home log yet, so nothing can be drawn after it",
            hint="run lyrikstore push, then this again",
        )
    segments = _segments_of(repo, checkpoint)
    drawn = draw_segments(segments.count, wanted, nonce=nonce, size=head.size, root=head.root)
    stated: dict[str, Any] = {
        "count": segments.count,
        "drawn": drawn,
        "nonce": nonce.hex(),
        "head": {"size": head.size, "root": head.root.hex()},
        "missChance": miss_chance(segments.count, len(drawn)),
    }

    def work(plan: RunPlan, staging: Staging, reasons: list[str]) -> dict[str, Any]:
        config = plan.config
        copied = copy_inputs(repo, plan, staging)
        resume_state = _Points(repo, checkpoint, context.own_cache, run, segments, staging)
        compared: dict[str, Any] = {"checkpoint": str(checkpoint.id)}
        # ATTACK: a list of another candidate's states, which no worker could replay.
        strange = FORMAT_IDS[segments.candidate] not in _formats(run)
        if differs := [*find_untrainable(run, copied), *([ROLE] if strange else [])]:
            compared["differs"] = differs
        else:
            job: dict[str, Any] = {
                "job": "replay",
                **copied.job,
                "candidate": segments.candidate,
                "task": copied.task,
                "config": config.to_json(),
                "precision": config.training.precision,
                "segmentSteps": segments.steps,
                "segments": [one for one in map(resume_state.begin, drawn) if one is not None],
            }
            if final := resume_state.final(checkpoint):
                job["final"] = final
            result = run_job(
                staging,
                job,
                reads=(TRAIN, VALIDATION, *staged_base(staging), *resume_state.staged),
                threads=config.training.threads,
                base_env=context.environment,
                progress=context.progress,
            )
            stated.update(resume_state.judged(result))
            base = None if plan.base is None else plan.base.tree
            if resume_state.is_sound(result):
                compared |= _held_against(repo, checkpoint, segments, result, staging, base)
            # Settings that the config omits have their default values.
            announced = {**run.body, "config": config.to_json()}
            problems = find_problems(segments, announced, checkpoint.body, result["epochSteps"])
            if problems or resume_state.forged or resume_state.stopped:
                compared["differs"] = [ROLE]
        if resume_state.lost:
            reasons.append(NOT_KEPT)
        return {"compared": [compared]} if len(compared) > 1 else {}

    about = {"method": SEGMENTS, "segments": stated}
    return do_again(context, run, [checkpoint], about, work, message=message)


def _formats(run: Manifest) -> set[str]:
    return {one["format"] for one in run.body["candidates"]}


def _segments_of(repo: Repository, checkpoint: Manifest) -> SegmentList:
    attached = present_attachments(repo, checkpoint, ROLE)[0]
    if attached.bytes > MAX_BYTES:
        raise FormatError("bad-segments", "its list of segments is too long")
    return read_segments(repo.blobs.read(attached.id, max_bytes=MAX_BYTES))


_STATE_TIMES, _MORE_BYTES = 4, 1 << 24
"""Longest segment state: this many times the files of its checkpoint, plus these bytes."""


class _Points:
    """The segment states of a run: copies for a worker, and the verdict on each result.

    Attached states were signed, so one that differs from its signed state was forged; one in a
    cache
    was damaged.
    """

    def __init__(
        self,
        repo: Repository,
        checkpoint: Manifest,
        cache: Path | None,
        run: Manifest,
        segments: SegmentList,
        staging: Staging,
    ) -> None:
        self._repo, self._segments, self._staging = repo, segments, staging
        self._attached = present_attachments(repo, checkpoint, POINT_ROLE)
        # A state has the weights, the optimizer's state of twice their size, and random numbers.
        weights = sum(one.bytes for one in repo.tree(checkpoint).entries)
        self._most = _STATE_TIMES * weights + _MORE_BYTES
        self._kept = None if cache is None else SegmentStore.of_run(cache, run.name, run.id)
        self.staged: dict[str, None] = {}
        self.lost = self.forged = self.stopped = False
        self._final = 0

    def begin(self, number: int) -> dict[str, Any] | None:
        """Return the job members for a segment; None if its state is not available."""
        state = self._segments.states[number]
        stated = {"number": number, "position": dict(state.position)}
        if number == 0:
            return stated
        name = self._stage(number)
        return None if name is None else {**stated, "point": name}

    def final(self, checkpoint: Manifest) -> dict[str, Any] | None:
        """Return the job members for the state that became the model."""
        for number, state in enumerate(self._segments.states):
            if number and state.place[0] == checkpoint.body["step"] and not state.place[2]:
                name = self._stage(number)
                self._final = number
                position = dict(state.position)
                return None if name is None else {"point": name, "position": position}
        return None

    def _stage(self, number: int) -> str | None:
        name = f"segments/{number}.safetensors"
        if name in self.staged:
            return name
        try:
            with self._staging.create(name) as write:
                for part in self._read(number):
                    write(part)
        except (OSError, IncompleteError, NotFoundError):
            (self._staging.path / name).unlink(missing_ok=True)
            self.lost = True
            return None
        self.staged[name] = None
        return name

    def _read(self, number: int) -> Iterator[bytes]:
        opened: Callable[[], Any]
        if number <= len(self._attached):
            # ATTACK: a state that fills disk and memory of everyone who replays it.
            if self._attached[number - 1].bytes > self._most:
                self.stopped = True
                raise NotFoundError("not-kept", "a segment state is larger than possible")
            identity = self._attached[number - 1].id
            opened = lambda: self._repo.blobs.open(identity)  # noqa: E731
        elif self._kept is not None:
            path = self._kept.path(self._segments.candidate, number)
            opened = lambda: path.open("rb")  # noqa: E731
        else:
            raise NotFoundError("not-kept", "no segment states of this run were kept")
        with opened() as file:
            while part := file.read(_PART):
                yield part

    def judged(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``start`` and ``replayed`` of the statement."""
        states = self._segments.states
        replayed = []
        for one in result["replayed"]:
            number = int(one["number"])
            began, ended = states[number].state, states[number + 1].state
            item = {"number": number, "expected": ended, "found": str(one["ended"])}
            if number and one["began"] != began:
                if number > len(self._attached):
                    self.lost = True
                    continue
                item |= {"expected": began, "found": str(one["began"])}
            elif not one["ended"]:
                # ATTACK: a segment that begins after the epoch in which patience ended the run, or
                # in a signed state that is not a training state.
                self.stopped = True
                continue
            replayed.append(item)
        start = {"expected": states[0].state, "found": str(result["start"])}
        return {"start": start, "replayed": replayed}

    def is_sound(self, result: Mapping[str, Any]) -> bool:
        """Return whether the worker's model is that of the signed final state."""
        signed = self._segments.states[self._final].state
        final = result.get("final", {})
        if final.get("state") == signed and "folder" in final:
            return True
        if final.get("state") == signed:  # ATTACK: the signed digest belongs to no training state
            self.forged = True
            return False
        # ATTACK A61: states of honest training are signed, and the model is made of another state.
        self.forged = "final" in result and self._final <= len(self._attached)
        self.lost |= not self.forged
        return False


def _held_against(
    repo: Repository,
    checkpoint: Manifest,
    segments: SegmentList,
    result: Mapping[str, Any],
    staging: Staging,
    base: Digest | None,
) -> dict[str, Any]:
    """Return the comparison of a checkpoint's tree with the model of its signed state.

    Files that do not belong to that model are taken from the checkpoint and listed as
    ``notRedone``.
    """
    form = CANDIDATES[segments.candidate]
    folder = staging.path / str(result["final"]["folder"])
    sealed = seal(folder, DigestOnly(), form, base=base, private=staging.path)
    inside = f"{OTHER}/" if checkpoint.body["format"] == BLEND else ""
    came = {f"{inside}{one.path}": one for one in sealed.tree.entries}
    whole = Tree.of(
        TreeEntry(one.path, came[one.path].bytes, came[one.path].blake3)
        if one.path in came
        else one
        for one in repo.tree(checkpoint).entries
    )
    found: dict[str, Any] = {"tree": str(Digest.of(whole.encode()))}
    # ATTACK: forged word counts in a blend whose other model is sound.
    if kept := [one.path for one in whole.entries if one.path not in came]:
        found["notRedone"] = kept
    if whole.id != checkpoint.tree:
        found["files"] = _differing(repo.tree(checkpoint).entries, whole.by_path)
    return found


def _differing(before: Sequence[TreeEntry], now: Mapping[str, TreeEntry]) -> dict[str, str]:
    return {
        one.path: str(now[one.path].blake3) for one in before if now[one.path].blake3 != one.blake3
    }
