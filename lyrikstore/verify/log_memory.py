"""The check ``log.memory``: whether a log extends the user's remembered one (spec §11.6.2).

A store that was rolled back, and a clone that is behind, pass all checks of their own contents.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from lyrikstore.canon.errors import ConflictError, LyrikstoreError
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.history.commit.publisher import location_text
from lyrikstore.history.log.checkpoint import SignedCheckpoint
from lyrikstore.history.log.entries import Records, read_records
from lyrikstore.history.log.memory import LogMemory, MemoryState
from lyrikstore.history.log.memory_files import LogName
from lyrikstore.history.log.merkle import consistency_proof
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.repository.clone import check_none_lost, local_origin, read_local_key
from lyrikstore.history.repository.repository import Repository
from lyrikstore.objects.backends.base import Backend
from lyrikstore.verify.checks import not_proven
from lyrikstore.verify.report import Check, failed, not_applicable, passed, unchecked


def check_remembered(
    repository: Repository, signed: SignedCheckpoint, records: Records, memory: LogMemory | None
) -> Check:
    """Return the check ``log.memory``: whether the log extends everything remembered of it.

    Args:
        repository: The open store.
        signed: The log checkpoint of the store, verified.
        records: The log records, which give the root of that log checkpoint.
        memory: The log checkpoints that were signed and seen before, or None.
    """
    if memory is None:
        return not_applicable("log.memory", "no memory of earlier log checkpoints is kept")
    mirror = _mirror(repository)

    def prove(old: int, new: int) -> list[bytes]:
        return consistency_proof(records.hashes[:new], old)

    behind: set[int] = set()
    states: set[MemoryState] = set()
    try:
        logs: list[LogName] = [*_keys(repository), repository.store_id]
        for log in logs:
            last = memory.last_signed(log) if isinstance(log, VerifierKey) else None
            # Whoever holds a home could mark it as a mirror. The memory knows where it was.
            if (
                last
                and mirror not in {None, last.location}
                and last.head.size > len(records.hashes)
            ):
                behind.add(last.head.size)
            elif isinstance(log, VerifierKey):
                _check_signed(memory, log, repository.backend, records)
            state = memory.check_seen(log, signed.head, prove)
            states.add(state)
            if state is MemoryState.OLDER and (seen := memory.last_seen(log)):
                behind.add(seen.head.size)
        _check_local(repository, memory)
    except LyrikstoreError as error:
        if error.kind == "copied-store":
            return failed("log.memory", "rollback", quote(error.message, 300))
        return unchecked("log.memory", error.kind, quote(error.message, 300))
    if MemoryState.FORK in states:
        summary = "contradicts a log checkpoint seen before: this log was forked"
        return failed("log.memory", "fork", summary)
    if MemoryState.OLDER in states and mirror is None:
        summary = "older than a log checkpoint seen before: this store was rolled back"
        return failed("log.memory", "rollback", summary)
    if behind:
        return _behind(repository, signed.size, max(behind), max(_sizes_seen(memory, logs)))
    first = states == {MemoryState.FIRST}
    summary = "first log checkpoint seen of this log" if first else "extends what was seen before"
    return passed("log.memory", summary)


def _behind(repository: Repository, size: int, known: int, seen: int) -> Check:
    # This user's key signed for what nobody saw published, and there is something to push here: a
    # push that was cut off, most likely, which only another push ends. That pulls as well.
    unseen = known > seen
    step = "push" if unseen and repository.pending else "pull"
    summary = (
        f"this clone is behind: it holds {size} of the {pluralize(known, 'entry')} "
        f"of the log that were {'signed' if unseen else 'seen'} before; what came after is not here"
    )
    detail = {"size": size, "seen": known, "unseen": unseen, "next": step}
    return unchecked("log.memory", "behind", summary, **detail)


def _sizes_seen(memory: LogMemory, logs: Sequence[LogName]) -> Iterator[int]:
    yield 0
    for log in logs:
        last = memory.last_seen(log)
        if last is not None:
            yield last.head.size


def not_known_lost(repository: Repository, memory: LogMemory | None) -> list[str]:
    """Return what is not proven if this clone may have been moved (spec §15.2).

    Args:
        repository: The open store.
        memory: The log checkpoints that were signed before, or None.
    """
    if memory is None or not repository.is_mirror:
        return []
    # ATTACK (A30): whoever moves a clone and removes its local log is not missed at the new place.
    own, name = read_local_key(repository.backend), local_origin(repository.origin)
    with suppress(LyrikstoreError):  # log.memory says that the memory cannot be read
        return [
            not_proven("unpushed", pluralize(last.head.size, "entry"), str(last.location))
            for key, last in memory.signed_anywhere()
            if key != own and key.name.startswith(name) and _is_gone(last.location)
        ]
    return []


def _is_gone(location: str) -> bool:
    return location.startswith("/") and not os.path.lexists(location)


def _keys(repository: Repository) -> Sequence[VerifierKey]:
    added: Sequence[VerifierKey] = ()
    with suppress(LyrikstoreError):  # what is wrong with the policies, `refs` says
        added = repository.policy.logs
    return tuple(dict.fromkeys((*repository.log_keys, *added)))


def _mirror(repository: Repository) -> str | None:
    # Where the store is, if its log is extended elsewhere, so that it may be behind.
    if not repository.is_mirror:
        return None
    location = repository.location
    return location_text(location) if isinstance(location, Path) else location


def _check_signed(memory: LogMemory, key: VerifierKey, backend: Backend, records: Records) -> None:
    try:
        memory.check_signed(key, records.hashes, "")
    except ConflictError:  # or somebody committed since the records were read
        memory.check_signed(key, read_records(backend, records).hashes, "")


def _check_local(repository: Repository, memory: LogMemory) -> None:
    # Attack case A30: refs in a clone follow from its local log as well.
    own, location = repository.own_log, repository.location
    key = read_local_key(repository.backend)
    if key is not None:
        _check_signed(memory, key, own.backend, own.records)
    if isinstance(location, Path):
        check_none_lost(memory, location_text(location), repository.origin, key)
