"""Checks that packs have their bytes, and that transactions name them (spec §11.6)."""

from concurrent.futures import CancelledError
from threading import Event

from blake3 import blake3

from lyrikstore.canon.errors import NotFoundError, StorageError
from lyrikstore.canon.progress import OnProgress, Progress
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.history.log.entries import Records
from lyrikstore.history.repository.repository import Repository
from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.check.checker import verify_blobs
from lyrikstore.objects.pack.format import PACK_MAX
from lyrikstore.objects.parallel.tasks import Pools
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, unchecked

_READ = 8 << 20


def check_blobs(
    repository: Repository,
    progress: OnProgress,
    share: float,
    pools: Pools | None,
    stopped: Event,
) -> Check:
    """Return ``blobs``: whether every pack is there, and every blob in it has its bytes.

    Args:
        repository: The open store.
        progress: Progress callback, in bytes.
        share: The share of the packs to read: 1 for all; with less, the check is not made.
        pools: Makes the workers that read the packs; None: processes on this machine.
        stopped: An event that is set when the caller no longer waits for the result.

    Raises:
        CancelledError: ``stopped`` was set.
    """
    problems = Problems("blobs")
    blobs = packs = read = size = 0

    def report_step(step: Progress) -> None:
        if stopped.is_set():
            raise CancelledError
        progress(step)

    for result in verify_blobs(repository.blobs, report_step, share=share, pools=pools):
        blobs += result.blobs
        packs += result.kind == "pack"
        read += result.bytes > 0
        size += result.bytes
        if result.kind == "blob" and not result.problem:
            blobs += 1  # a large one
        if result.problem:
            problems.bad.append(f"{result.kind} {result.id.short}: {result.problem}")
    facts = {"blobs": blobs, "packs": packs}
    if share >= 1 or problems.bad:
        return problems.close(
            f"{pluralize(blobs, 'blob')} in {pluralize(packs, 'pack')}, each hashed", **facts
        )
    seen = (
        f"{pluralize(packs, 'pack is', 'packs are')} there, with their "
        f"size and a sound footer; {pluralize(blobs, 'blob')} listed"
    )
    if not read:
        return unchecked("blobs", "not-read", f"bytes not read: {seen}", **facts)
    text = (
        f"{pluralize(read, 'pack')} of {packs}, {pluralize(size, 'byte')}, "
        f"drawn at random, were read and are sound; {seen}"
    )
    return unchecked("blobs", "sampled", text, read=read, bytes=size, **facts)


def check_packs_alone(backend: Backend) -> Check:
    """Return ``blobs`` of a store that cannot be opened: the packs with wrong bytes.

    Such a pack may be the reason why the store cannot be opened.
    """
    problems = Problems("blobs")
    for name in backend.list("packs/"):
        identity = name.rpartition("/")[2].removesuffix(".pack")
        hasher, at = blake3(), 0
        try:
            # ATTACK A07: a file without end in its place.
            while at <= PACK_MAX and (data := backend.read(name, at, _READ)):
                hasher.update(data)
                at += len(data)
        except (NotFoundError, StorageError) as error:
            problems.bad.append(f"pack {identity[:12]} cannot be read: {quote(error.message, 300)}")
            continue
        if hasher.hexdigest() != identity:
            problems.bad.append(f"pack {identity[:12]} is damaged: its bytes have another hash")
    if problems.bad:
        return problems.close("")
    return unchecked(
        "blobs",
        "log-broken",
        "the packs that are there are sound; what they hold was not looked at",
    )


def check_orphans(repository: Repository, records: Records) -> Check:
    """Return ``orphans``: whether the store contains packs that no transaction record names."""
    problems = Problems("orphans")
    live = {pack.name for pack in repository.live.packs}
    if repository.selection is not None:
        live |= {pack.name for pack in repository.selection.packs}
    added = {pack.name for transaction in records.transactions for pack in transaction.added}
    strays = [name for name in repository.backend.list("packs/") if name not in live | added]
    problems.warnings += (f"{name} belongs to no transaction" for name in strays)
    return problems.close("every pack belongs to a transaction", strays=len(strays))
