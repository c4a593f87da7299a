"""Log keys that were added after a store was founded (spec §8.3).

A log checkpoint is verified before anything it covers is trusted, and the genesis names only the
first keys. So the policies that added keys are also stored in a separate file, where a reader finds
them; each counts because an owner signed it, not because it is in that file.
"""

from collections.abc import Iterable

from msgspec import Struct

from lyrikstore.canon.errors import LyrikstoreError, NotFoundError, StorageError, VerificationError
from lyrikstore.history.log.checkpoint import Place, SignedCheckpoint, open_checkpoint
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore.history.policy.policy_chain import follow_policies
from lyrikstore.history.repository.refs import check_genesis
from lyrikstore.objects.backends.base import NOT_A_FILE, Backend

LOG_KEYS = "log/keys"
MAX_BYTES = 1 << 20


class LogKeys(Struct, frozen=True):
    """The keys that may sign a log.

    Attributes:
        keys: The keys of the genesis, and those added later.
        data: The file that shows the added keys; empty if there are none, or it does not show them.
    """

    keys: tuple[VerifierKey, ...]
    data: bytes = b""


def read_log_keys(backend: Backend, genesis: Manifest) -> LogKeys:
    """Return the keys of a store's log, from its genesis and its file of added keys.

    Args:
        backend: The store's files.
        genesis: Its verified genesis manifest.

    Raises:
        StorageError, RemoteError: Storage backend error.

    Cost: one small file, one signature per policy in it.
    """
    founded = check_genesis(genesis).policy
    try:
        data = backend.read(LOG_KEYS, 0, MAX_BYTES + 1)
    except NotFoundError:
        return LogKeys(founded.logs)
    except StorageError as error:
        if error.kind != NOT_A_FILE:
            raise
        return LogKeys(founded.logs)
    if len(data) > MAX_BYTES:
        return LogKeys(founded.logs)
    lines = data.split(b"\n")[:-1]
    try:
        manifests = [parse_manifest(line) for line in lines]
    except LyrikstoreError:
        return LogKeys(founded.logs)
    order = {manifest.id: index for index, manifest in enumerate(manifests, 1)}
    history = follow_policies(genesis, founded, manifests, lambda one, _: [Place(order[one.id])])
    if len(history.policies) != len(manifests) + 1:
        return LogKeys(founded.logs)
    return LogKeys(history.log_keys, data)


def open_head(
    backend: Backend, genesis: Manifest, note: bytes, known: Iterable[VerifierKey]
) -> tuple[SignedCheckpoint, tuple[VerifierKey, ...]]:
    """Return a verified log checkpoint, and the log keys with which it was verified.

    Args:
        backend: The store's files; read only if no known key signed.
        genesis: Its verified genesis manifest.
        note: The signed note.
        known: Keys known already.

    Raises:
        FormatError, VerificationError: As :func:`open_checkpoint`.
    """
    keys = tuple(dict.fromkeys((*check_genesis(genesis).policy.logs, *known)))
    try:
        return open_checkpoint(note, keys), keys
    except VerificationError as error:
        if error.kind != "unknown-log-key":
            raise
    keys = tuple(dict.fromkeys((*keys, *read_log_keys(backend, genesis).keys)))
    return open_checkpoint(note, keys), keys


def write_log_keys(backend: Backend, policies: Iterable[Manifest]) -> None:
    """Write the file of added keys; call it before any of them signs.

    Args:
        backend: The store's files.
        policies: Every policy after the genesis, up to the last that added a key.
    """
    backend.replace(LOG_KEYS, b"".join(policy.encode() + b"\n" for policy in policies))


def copy_log_keys(source: Backend, target: Backend, genesis: Manifest) -> None:
    """Copy the file of added keys to a copy of the store, if it verifies and shows more keys."""
    found = read_log_keys(source, genesis)
    if found.data and len(found.keys) > len(read_log_keys(target, genesis).keys):
        target.replace(LOG_KEYS, found.data)
