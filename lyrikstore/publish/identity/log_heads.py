"""Consistency files: proofs that a delivery's log continues earlier ones (spec §14.1, spec §7.8).

A verifier of an earlier delivery remembers its log checkpoint. The next delivery proves that its
log continues that checkpoint; without a proof, the two could come from different histories.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.json import may_contain, parse
from lyrikstore.canon.limits import MAX_CONSISTENCY_LEAVES
from lyrikstore.credentials.model.credential import DATASET
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.history.log.consistency_file import (
    MAX_HEADS,
    consistency_file,
)
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.credential.key_statements import statements_here
from lyrikstore.verify.credential.log_proofs import PROOF_HEAD, ProofFiles

CONSISTENCY = "log.consistency.json"
LEAVES = "log.leaves"

_SMALL = 1 << 12
"""Entries of a log up to which a delivery contains all leaf hashes (128 KiB), which prove every
earlier log checkpoint. The checkpoints in the file suffice for a dozen deliveries."""

_MAX_SEARCHED = 1000
"""Number of the newest credentials of a store that are searched for earlier deliveries."""


def consistency_of(repository: Repository) -> dict[str, bytes]:
    """Return the proof that the current log checkpoint of a store continues earlier ones.

    Args:
        repository: The store.

    Returns:
        File name → bytes: the consistency file, and of a log of at most 4,096 entries all leaf
        hashes.

    Cost: a hash for each log entry, and a read for each credential that is searched.
    """
    return _files(repository, 0)


def consistency_for_keys(repository: Repository) -> dict[str, bytes]:
    """Return :func:`consistency_of` with leaf hashes up to the last retired or suspect key.

    With them, a verifier can determine what was logged before that key was replaced or became
    suspect. Beyond 65,536 entries, only the consistency file is returned.

    Args:
        repository: The store.

    Returns:
        File name → bytes: the consistency file, and perhaps the leaf hashes.
    """
    history, _ = statements_here(repository)
    ends = [0]
    for key in history.current.retired:
        since = history.state_of(key.key).since or 0
        ends.append(since if key.suspect_from is None else min(since, key.suspect_from))
    most = min(MAX_CONSISTENCY_LEAVES, repository.checkpoint.size)
    return _files(repository, max(end for end in ends if end <= most))


def own_consistency(
    repository: Repository, memory: LogMemory, files: Iterable[bytes]
) -> bytes | None:
    """Return a consistency file for a delivery of this store, made from the store's own log.

    Args:
        repository: The store.
        memory: Log checkpoints seen before.
        files: The files of the delivery.

    Returns:
        A consistency file for the log checkpoints of the delivery's proofs, and those remembered of
        the store; None if all of them are the same, so that no proof is needed.

    Raises:
        LyrikstoreError: The memory cannot be read.

    Cost: a hash for each log entry.
    """
    proofs = ProofFiles(data for data in files if data.startswith(PROOF_HEAD)).proofs.values()
    remembered = set(memory.seen_of(repository.store_id, repository.origin))
    heads = {proof.stated for proof in proofs if proof.stated is not None} | remembered
    size = repository.checkpoint.size
    if not remembered or len(heads) == 1:
        return None
    sizes = sorted({head.size for head in heads if head.size < size}, reverse=True)[:MAX_HEADS]
    hashes = repository.records.hashes[:size]
    return consistency_file(repository.origin, hashes, sizes)[0].encode()


def _files(repository: Repository, leaves: int) -> dict[str, bytes]:
    size = repository.checkpoint.size
    leaves = size if size <= _SMALL else leaves
    hashes = repository.records.hashes[:size]
    months = islice(_months(repository), MAX_HEADS)
    sizes = sorted({*_delivered(repository), *months} - {size}, reverse=True)
    file, data = consistency_file(repository.origin, hashes, sizes[:MAX_HEADS], leaves=leaves)
    return {CONSISTENCY: file.encode(), **({LEAVES: data} if data else {})}


def _delivered(repository: Repository) -> Iterator[int]:
    """Yield the sizes of the log at earlier deliveries, the newest first.

    A delivery from the log's own store has the log checkpoint that covers its credential. One from
    a clone has an older one, most likely the last before the credential was pushed.
    """
    ends, searched, deliveries = repository.records.ends, 0, 0
    for entry in reversed(repository.entries()[: repository.checkpoint.size]):
        if entry.type != "credential":
            continue
        if searched == _MAX_SEARCHED or deliveries == MAX_HEADS:
            return
        searched += 1
        try:
            data = repository.credential(entry.id)
        except LyrikstoreError:
            continue  # `verify` reports it
        if may_contain(data, DATASET.type) and OpenedCredential(data).kind is DATASET:
            deliveries += 1
            yield ends[entry.seq]
            if entry.seq:
                yield ends[entry.seq - 1]


def _months(repository: Repository) -> Iterator[int]:
    """Yield the sizes of the log at the end of each of the last months, the newest first."""
    count = repository.records.covered(repository.checkpoint.size)
    month, end = _month(repository, count - 1), count
    while month and end:
        # Dates are claims and need not ascend; then a month is omitted, which does no harm.
        low, high = 0, end
        while low < high:
            middle = (low + high) // 2
            if _month(repository, middle) < month:
                low = middle + 1
            else:
                high = middle
        if not low:
            return
        yield repository.records.ends[low - 1]
        month, end = _month(repository, low - 1), low


def _month(repository: Repository, seq: int) -> str:
    """Return the month of a transaction, ``YYYY-MM``, as its signer claims; else "".

    A transaction without a date has that of the transaction before.
    """
    for number in range(seq, -1, -1):
        for item in repository.records.transactions[number].log:
            try:
                data = repository.blobs.read(item.id, max_bytes=1 << 20)
                document = parse(data)
                date = document.get("created", document.get("validFrom"))
            except (LyrikstoreError, AttributeError):
                continue
            if isinstance(date, str):
                return date[:7]
    return ""
