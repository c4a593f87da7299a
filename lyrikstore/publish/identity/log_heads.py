"""Which earlier log checkpoints a delivery is shown to lead from (spec §14.1, spec §7.8).

Whoever verified an earlier delivery remembers its log checkpoint. The next one says that it comes
from there, or the two could be of two histories.
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
"""Entries of a log of which every delivery has the leaf hashes, which show all that led to it:
128 KiB. The log checkpoints named suffice for a dozen deliveries."""

_LOOKED_AT = 1000
"""Newest credentials of a store that are looked at for earlier deliveries."""


def consistency_of(repository: Repository) -> dict[str, bytes]:
    """Return what leads to the log checkpoint of a store: all that is known of a log that is small.

    Args:
        repository: The store.

    Returns:
        File name → bytes: the consistency file, and the leaf hashes of at most 4,096 entries.

    Cost: a hash for each log entry, and a read for each credential looked at.
    """
    return _files(repository, 0)


def consistency_for_keys(repository: Repository) -> dict[str, bytes]:
    """Return the same for statements of keys: with the leaf hashes of what came before these ended.

    Whoever holds them can tell what was logged before the last key was replaced or became suspect,
    whatever else lies next to it; of more than 65,536 entries, only what the file itself says.

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
    """Return what the log of a store shows of deliveries of it that lie elsewhere.

    Args:
        repository: The store.
        memory: Log checkpoints seen before.
        files: The files of the delivery.

    Returns:
        A consistency file for the log checkpoints of its proofs, and those remembered of the store;
        None where all of them are one, and there is nothing to show.

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
    made, data = consistency_file(repository.origin, hashes, sizes[:MAX_HEADS], leaves=leaves)
    return {CONSISTENCY: made.encode(), **({LEAVES: data} if data else {})}


def _delivered(repository: Repository) -> Iterator[int]:
    """Yield the sizes of the log when earlier deliveries were made, the newest first.

    A delivery from the home of the log has the log checkpoint that covers its credential; one from
    a clone an older one, most likely the last before the credential was pushed.
    """
    ends, looked_at, found = repository.records.ends, 0, 0
    for entry in reversed(repository.entries()[: repository.checkpoint.size]):
        if entry.type != "credential":
            continue
        if looked_at == _LOOKED_AT or found == MAX_HEADS:
            return
        looked_at += 1
        try:
            data = repository.credential(entry.id)
        except LyrikstoreError:
            continue  # verify names it
        if may_contain(data, DATASET.type) and OpenedCredential(data).kind is DATASET:
            found += 1
            yield ends[entry.seq]
            if entry.seq:
                yield ends[entry.seq - 1]


def _months(repository: Repository) -> Iterator[int]:
    """Yield the sizes of the log at the end of each of the last months, the newest first."""
    count = repository.records.covered(repository.checkpoint.size)
    month, end = _month(repository, count - 1), count
    while month and end:
        # Dates are claims, and need not ascend; then a month is left out, and nothing is wrong.
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
    """Return when a transaction was made, ``YYYY-MM``, as who signed it claims; else "".

    What says nothing counts as of the transaction before.
    """
    for number in range(seq, -1, -1):
        for item in repository.records.transactions[number].log:
            try:
                data = repository.blobs.read(item.id, max_bytes=1 << 20)
                said = parse(data)
                date = said.get("created", said.get("validFrom"))
            except (LyrikstoreError, AttributeError):
                continue
            if isinstance(date, str):
                return date[:7]
    return ""
