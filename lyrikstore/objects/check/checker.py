"""Checking the content of packs, in parts that worker processes can check (spec §11.6).

A *part* is some packs, checked as files with every blob in them, and the large blobs whose chunks
are in them, joined in the order of their bytes: so each pack is read once, each block unpacked
once. A part reports only which blocks and large blobs are doubtful; these are checked again one by
one to find the damaged blobs.
"""

import random
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeVar

from msgspec import Meta, Struct, ValidationError, convert

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError, NotFoundError, StorageError
from lyrikstore.canon.progress import OnProgress, Progress, silent
from lyrikstore.objects.backends.address import address_of
from lyrikstore.objects.backends.base import Backend, LocalBackend
from lyrikstore.objects.check.check_task import check_block, check_part, unreadable
from lyrikstore.objects.pack.format import PackRef
from lyrikstore.objects.pack.index import in_order
from lyrikstore.objects.pack.layout import COLUMNS, add_run, runs_of, usable_index
from lyrikstore.objects.parallel.processes import Workers, cores
from lyrikstore.objects.parallel.tasks import Message, Pool, Pools, Result, one_answer_each
from lyrikstore.objects.store.blobs import BlobStore

WORTH_WORKERS = 32 << 20
"""Number of bytes from which worker processes are started."""

_TOGETHER = 16  # large blobs that share blocks, walked side by side


class Checked(Struct, frozen=True):
    """The result of one check.

    Attributes:
        kind: ``pack`` or ``blob``.
        id: Its digest.
        problem: The problem, for people; empty if there is none.
        blobs: For packs, the number of blobs in it.
        bytes: For packs, the number of bytes read; 0 if only its footer was checked.
    """

    kind: Literal["pack", "blob"]
    id: Digest
    problem: str
    blobs: int = 0
    bytes: int = 0


def verify_blobs(
    blobs: BlobStore,
    progress: OnProgress = silent,
    *,
    share: float = 1,
    pools: Pools | None = None,
) -> Iterator[Checked]:
    """Check packs and blobs, in worker processes if there is much to read.

    A pack is checked as a file against its id, and every blob in it is hashed; the chunks of every
    large blob are joined and hashed.

    Args:
        blobs: The store's blobs.
        progress: Progress callback, in bytes.
        share: Share of the packs to read: 1 for all, 0 for none. Of the others only presence, size
            and footer are checked, and no large blob is joined.
        pools: Creates the workers; by default processes on this machine.

    Yields:
        One result per pack and per large blob, and one for every other damaged blob.

    Cost: see :meth:`Checker.check`.
    """
    checker = Checker(blobs, progress, pools)
    yield from checker.look(share) if share < 1 else checker.check(list(blobs.large()))


def find_damaged(
    blobs: BlobStore, digests: Iterable[Digest], progress: OnProgress = silent
) -> set[Digest]:
    """Read and hash blobs; return the absent or damaged ones. Reading one raises the reason.

    Args:
        blobs: The store's blobs.
        digests: The blobs to read.
        progress: Progress callback, in bytes.

    Cost: each block that contains one of them is read and unpacked once, in worker processes if
        there is much to read.
    """
    return Checker(blobs, progress).check_some(digests)


@dataclass(slots=True)
class _Part:
    """Packs to check as files, blobs to join, and the blocks that contain these blobs."""

    packs: list[int] = field(default_factory=list)
    blobs: list[Digest | None] = field(default_factory=list)
    runs: "list[array[int]]" = field(default_factory=list)
    blocks: set[tuple[int, int]] = field(default_factory=set)

    def add(self, blob: Digest | None, runs: "array[int]", blocks: set[tuple[int, int]]) -> None:
        self.blobs.append(blob)
        self.runs.append(runs)
        self.blocks |= blocks

    @property
    def length(self) -> int:
        """The number of bytes of its large blobs."""
        return sum(sum(runs[3::COLUMNS]) for runs in self.runs)


_T = TypeVar("_T")
_Count = Annotated[int, Meta(ge=0)]


class _Answer(Struct, frozen=True):
    """The final result of a worker about a part; see :func:`.check_task.check_part`."""

    packs: list[tuple[_Count, str]]
    blocks: list[tuple[_Count, _Count]]
    blobs: set[_Count]


class Checker:
    """The checker of the packs and large blobs of one store.

    Args:
        blobs: The store's blobs.
        progress: Progress callback, in bytes.
        pools: Creates the workers; by default processes on this machine.
    """

    def __init__(self, blobs: BlobStore, progress: OnProgress, pools: Pools | None = None) -> None:
        self._blobs = blobs
        self._backend = blobs.backend
        self._packs = in_order(blobs.packs)
        self._progress = progress
        self._bytes = 0
        self._pools = pools

    def check(self, large: Iterable[Digest]) -> Iterator[Checked]:
        """Read everything; yield every pack, every large blob and every other damaged blob.

        Args:
            large: The blobs that are stored in chunks.

        Cost: each pack is read once and each block unpacked once, as long as the chunks of large
            blobs are stored in the order in which they were written; 40 MiB per process.
        """
        every = sum(pack.bytes for pack in self._packs)
        with self._pool(len(self._packs), every) as pool:  # starts while the plan is made
            parts, alone = self._plan(large)
            self._share_packs(parts)
            yield from self._run(parts, pool)
        for blob in alone:
            yield Checked("blob", blob, self._reread(blob))

    def _share_packs(self, parts: list[_Part]) -> None:
        users: dict[int, Counter[int]] = {}
        for number, part in enumerate(parts):
            for pack, _ in part.blocks:
                users.setdefault(pack, Counter())[number] += 1
        for pack in range(len(self._packs)):
            if pack in users:
                parts[users[pack].most_common(1)[0][0]].packs.append(pack)
            else:
                parts.append(_Part([pack]))

    def check_some(self, wanted: Iterable[Digest]) -> set[Digest]:
        """Read and hash the blobs of ``wanted``; return the absent or damaged ones.

        Cost: each block that contains one of them is read and unpacked once.
        """
        digests = set(wanted)
        table = self._blobs.table
        places = [(digest, table.find(digest.raw)) for digest in digests]
        parts, alone = self._plan(digest for digest, number in places if number < 0)
        blocks = {table.place(number)[:2] for _, number in places if number >= 0}
        for pack in sorted({pack for pack, _ in blocks}):
            part, runs = _Part(), array("Q")
            mine = {block for block in blocks if block[0] == pack}
            for _, block in sorted(mine):
                add_run(runs, pack, block, 0, 0)
            part.add(None, runs, mine)
            parts.append(part)
        with self._pool(len(parts), sum(part.length for part in parts)) as pool:
            doubtful = {result.id for result in self._run(parts, pool) if result.problem}
        return (doubtful & digests) | set(alone)

    def look(self, share: float) -> Iterator[Checked]:
        """Yield every pack and every damaged blob; a random ``share`` of the packs is read.

        Of the others only presence, size, header and footer are checked. Large blobs are not
        joined.
        """
        drawn: set[int] = set()
        if share > 0 and self._packs:
            count = max(1, round(len(self._packs) * share))
            drawn.update(random.SystemRandom().sample(range(len(self._packs)), count))
        with self._pool(len(drawn), sum(self._packs[number].bytes for number in drawn)) as pool:
            yield from self._run([_Part([number]) for number in sorted(drawn)], pool)
        for number, pack in enumerate(self._packs):
            if number not in drawn:
                yield self._glance(pack)

    def _glance(self, pack: PackRef) -> Checked:
        try:
            index, problem = usable_index(self._backend, pack)
        except (NotFoundError, StorageError) as error:
            return Checked("pack", pack.id, unreadable(pack, error))
        return Checked("pack", pack.id, problem, len(index))

    def _plan(self, large: Iterable[Digest]) -> tuple[list[_Part], list[Digest]]:
        parts: list[_Part] = []
        owner: dict[tuple[int, int], int] = {}
        alone: list[Digest] = []
        for blob in large:
            try:
                runs = runs_of(self._blobs.table, self._blobs.chunks(blob))
            except LyrikstoreError:
                runs = None
            if runs is None:
                alone.append(blob)
                continue
            blocks = set(zip(runs[::COLUMNS], runs[1::COLUMNS], strict=True))
            # Neighbours share the block where one ends and the other starts; versions share most.
            shared = Counter(owner[block] for block in blocks if block in owner)
            number, common = max(shared.items(), key=lambda item: item[1], default=(-1, 0))
            if common * 4 < len(blocks) or len(parts[number].blobs) >= _TOGETHER:
                number = len(parts)
                parts.append(_Part())
            parts[number].add(blob, runs, blocks)
            owner.update(dict.fromkeys(blocks, number))
        return parts, alone

    @contextmanager
    def _pool(self, tasks: int, work: int) -> Iterator[Pool]:
        backend = self._backend
        if self._pools is not None:
            target = "lyrikstore.objects.check.check_task:check_share"
            with self._pools(target, address_of(backend)) as pool:
                yield pool
        elif isinstance(backend, LocalBackend):
            count = min(cores(), tasks) if work >= WORTH_WORKERS else 0
            target = "lyrikstore.objects.check.check_task:check_task"
            with Workers(target, {"root": str(backend.root)}, count) as workers:
                yield workers
        else:
            yield _Here(backend)

    def _run(self, parts: list[_Part], pool: Pool) -> Iterator[Checked]:
        sizes = [part.length + sum(self._packs[n].bytes for n in part.packs) for part in parts]
        order = sorted(range(len(parts)), key=sizes.__getitem__, reverse=True)
        elsewhere: dict[int, set[int]] = {}
        for part in parts:
            for pack, block in part.blocks:
                elsewhere.setdefault(pack, set()).add(block)

        messages = (self._message(parts[number], elsewhere) for number in order)
        suspects: set[tuple[int, int]] = set()
        for number, header, _ in one_answer_each(self._reported(pool.map(messages)), len(order)):
            part = parts[order[number]]
            answer = self._answer(header, part)
            for pack, (count, problem) in zip(part.packs, answer.packs, strict=True):
                yield Checked("pack", self._packs[pack].id, problem, count, self._packs[pack].bytes)
            suspects.update(answer.blocks)
            for position, blob in enumerate(part.blobs):
                if blob is not None:
                    doubtful = position in answer.blobs
                    yield Checked("blob", blob, self._reread(blob) if doubtful else "")
        yield from self._name(suspects)

    def _reported(self, results: Iterable[Result]) -> Iterator[Result]:
        for result in results:
            if "read" in result.header:
                self._report(_parsed(result.header["read"], int))
            else:
                yield result

    def _answer(self, header: Mapping[str, Any], part: _Part) -> "_Answer":
        answer = _parsed(header, _Answer)
        if len(answer.packs) != len(part.packs):
            raise FormatError(
                "bad-answer", "a worker returned results for other packs than requested"
            )
        if any(pack >= len(self._packs) for pack, _ in answer.blocks):
            raise FormatError("bad-answer", "a worker named a pack that does not exist")
        return answer

    def _reread(self, blob: Digest) -> str:
        """Read a large blob by its stream; return its problem, or an empty string."""
        try:
            with self._blobs.open(blob) as stream:
                while chunk := stream.read(1 << 20):
                    self._report(len(chunk))
        except LyrikstoreError as error:
            return str(error)
        return ""

    def _report(self, count: int) -> None:
        self._bytes += count
        self._progress(Progress(bytes=self._bytes))

    def _message(self, part: _Part, elsewhere: Mapping[int, set[int]]) -> Message:
        used = sorted({pack for pack, _ in part.blocks}.union(part.packs))
        others = {}
        for pack in part.packs:
            mine = {block for number, block in part.blocks if number == pack}
            others[pack] = sorted(elsewhere.get(pack, set()) - mine)
        header = {
            "packs": {
                number: [pack.id.hex, pack.bytes, pack.role]
                for number, pack in ((number, self._packs[number]) for number in used)
            },
            "files": others,
            "blobs": [blob.hex if blob is not None else None for blob in part.blobs],
        }
        return Message(header, tuple(runs.tobytes() for runs in part.runs))

    def _name(self, suspects: set[tuple[int, int]]) -> Iterator[Checked]:
        for number, block in sorted(suspects):
            pack = self._packs[number]
            try:
                index, _ = usable_index(self._backend, pack)
                stored = self._backend.read(pack.name, *index.span(block))
            except (NotFoundError, StorageError, IndexError):
                continue  # then the pack itself was reported
            wrong = check_block(index, block, stored)
            for blob, problem in wrong:
                raw = index.digests[blob * 32 : blob * 32 + 32]
                yield Checked("blob", Digest(raw), problem)
            if not wrong:
                problem = f"pack {pack.id.short} was read twice and gave different bytes"
                yield Checked("pack", pack.id, problem)


def _parsed(answer: Any, kind: type[_T]) -> _T:
    try:
        return convert(answer, kind)
    except ValidationError as error:
        raise FormatError("bad-answer", "a worker returned an unexpected result") from error


class _Here:
    """A pool in this process, for stores that other processes cannot open."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def map(self, tasks: Iterable[Message]) -> Iterator[Result]:
        """Run one task after the other."""
        for number, task in enumerate(tasks):
            for header in check_part(self._backend, task.header, *task.buffers):
                yield Result(number, header, ())
