"""``lyrik.lock``: the dataset versions that code uses, kept with the code in Git (spec §12.9).

Git orders the code, the log orders the data. The file names versions by id and by log index, so
that a checkout years later gives the same bytes, or fails.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError, NotFoundError
from lyrikstore.canon.files import read_at_most
from lyrikstore.canon.json import JSON
from lyrikstore.canon.text import suggest
from lyrikstore.canon.toml import check_user_file, parse_toml
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.manifests.names import parse_name
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import retired_versions

FILE = "lyrik.lock"
FORMAT = 1
MAX_BYTES = 1 << 20

LockState = Literal["same", "newer", "retired", "missing", "differs"]
"""``same``: the version is logged at the stated index, and current; ``newer``: it is logged there,
but the name has a newer version; ``retired``: its data may have been removed; ``missing``: it is
not logged; ``differs``: it is logged with another index or name."""


class LockedVersion(Struct, frozen=True):
    """One version in a lock file.

    Attributes:
        name: Full name.
        id: Id of its manifest.
        log_index: Its index in the home log.
    """

    name: str
    id: Digest
    log_index: int


class LockFile(Struct, frozen=True):
    """A lock file.

    Attributes:
        store: Id of the store.
        origin: Name of its log.
        versions: The versions, sorted by name.
    """

    store: Digest
    origin: str
    versions: tuple[LockedVersion, ...]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the lock file at ``path``.

        Raises:
            InvalidInputError: (``bad-lock``) the file is not a lock file.
            LyrikstoreError: See :func:`read_at_most`.
        """
        data = read_at_most(path, MAX_BYTES + 1)
        try:
            table = parse_toml(data, max_bytes=MAX_BYTES)
            check_user_file(table, "lock")
        except FormatError as error:
            raise _bad(path, error.message) from None
        versions = [
            LockedVersion(name, Digest.parse(one["id"]), one["log-index"])
            for name, one in sorted(table.get("version", {}).items())
        ]
        return cls(Digest.parse(table["store"]), table["origin"], tuple(versions))

    def encode(self) -> bytes:
        """Return the bytes of the file, one line per fact; equal for equal versions."""
        lines = [
            "# Versions that this code uses. Made by `lyrikstore lock`; keep it in Git.",
            f"lock = {FORMAT}",
            f'store = "{self.store}"',
            f'origin = "{self.origin}"',
        ]
        for one in self.versions:
            lines += ["", f'[version."{one.name}"]', f'id = "{one.id}"']
            lines.append(f"log-index = {one.log_index}")
        return ("\n".join(lines) + "\n").encode()

    def version(self, text: str) -> LockedVersion:
        """Return the locked version of a name, which may have the short form that users type.

        Raises:
            InvalidInputError: (``bad-name``) it is not a name; (``not-locked``) the file has no
                version of it; the message lists similar names.
        """
        name = str(parse_name(text))
        found = next((one for one in self.versions if one.name == name), None)
        if found is None:
            hint = suggest(name, [one.name for one in self.versions])
            raise InvalidInputError(
                "not-locked",
                f"{FILE} has no version of {name}",
                hint=hint or f"lock one: lyrikstore lock {name.removeprefix('datasets/')}",
            )
        return found

    def with_versions(self, versions: Sequence[LockedVersion]) -> "LockFile":
        """Return the file with these versions, which replace those of the same names."""
        merged = {one.name: one for one in (*self.versions, *versions)}
        return LockFile(self.store, self.origin, tuple(merged[name] for name in sorted(merged)))


class LockedState(Struct, frozen=True):
    """The state of a locked version in a store.

    Attributes:
        version: The version in the file.
        state: Its state in the store.
        current: Id of the name's current version, if it has one.
    """

    version: LockedVersion
    state: LockState
    current: Digest | None

    @property
    def holds(self) -> bool:
        """Whether the store has the version as the file states it."""
        return self.state in ("same", "newer")

    def to_json(self) -> dict[str, JSON]:
        """Return the state as JSON of results."""
        return {
            "name": self.version.name,
            "id": str(self.version.id),
            "logIndex": self.version.log_index,
            "lockState": self.state,
            "currentId": None if self.current is None else str(self.current),
        }


def lock_versions(
    repository: Repository, refs: Sequence[str], known: LockFile | None = None
) -> LockFile:
    """Return a lock file with these versions.

    Args:
        repository: The store.
        refs: REFs of the versions that the code uses.
        known: The existing lock file, whose other names are kept; None: there is none.

    Raises:
        InvalidInputError: (``other-store``) ``known`` is of another store; (``name-twice``) two
            REFs are versions of the same name; (``not-pushed``) a version is only in this clone,
            and not pushed yet; else see ``resolve``.
        NotFoundError: No version matches a REF.
    """
    if known is not None:
        check_store(repository, known)
    found = [_locked(repository, repository.resolve(ref)) for ref in refs]
    for name, count in Counter(one.name for one in found).items():
        if count > 1:
            raise InvalidInputError(
                "name-twice",
                f"{name} is named {count} times, but a lock file has one version of each name",
                hint="name one version of it",
            )
    start = known or LockFile(repository.store_id, repository.origin, ())
    return start.with_versions(found)


def check_lock(repository: Repository, lock: LockFile) -> list[LockedState]:
    """Return the state of each version of a lock file.

    Raises:
        VerificationError, IncompleteError: The store is damaged or incomplete.
        LyrikstoreError: See :func:`check_store`.
    """
    check_store(repository, lock)
    retired = retired_versions(repository)
    return [_state(repository, one, retired) for one in lock.versions]


def locked_version(repository: Repository, lock: LockFile, text: str) -> Manifest:
    """Return the manifest of the locked version of a name.

    Raises:
        InvalidInputError: (``other-store``) the file is of another store; (``not-locked``,
            ``bad-name``) see :meth:`LockFile.version`.
        NotFoundError: (``lock-broken``) the store does not have the version at its log index.
    """
    check_store(repository, lock)
    wanted = lock.version(text)
    state = _state(repository, wanted, frozenset())
    if not state.holds:
        raise NotFoundError(
            "lock-broken",
            f"{wanted.name} {wanted.id.short} is not entry {wanted.log_index} of this store's log",
            hint="if the version is newer than this copy, run: lyrikstore pull; otherwise the lock "
            "file was changed by hand",
        )
    return repository.manifest(wanted.id)


def check_store(repository: Repository, lock: LockFile) -> None:
    """Raise `other-store` unless a lock file is of this store.

    Raises:
        InvalidInputError: (``other-store``) store or log differ.
    """
    if (lock.store, lock.origin) != (repository.store_id, repository.origin):
        raise InvalidInputError(
            "other-store",
            f"{FILE} is of the store {lock.store.short} with the log {lock.origin[:80]}, "
            f"this is {repository.store_id.short} with {repository.origin[:80]}",
            hint="name the store that the file was made for: --store PATH",
        )


def _locked(repository: Repository, manifest: Manifest) -> LockedVersion:
    if manifest.id in {entry.id for entry in repository.pending}:
        raise InvalidInputError(
            "not-pushed",
            f"{manifest.name} {manifest.id.short} is not in the home log yet",
            hint="push it first: lyrikstore push",
        )
    return LockedVersion(manifest.name, manifest.id, repository.index_of(manifest.id))


def _state(
    repository: Repository, version: LockedVersion, retired: frozenset[Digest]
) -> LockedState:
    ref = repository.refs.get(version.name)
    current = None if ref is None else ref.id
    state: LockState = "same" if current == version.id else "newer"
    try:
        manifest = repository.manifest(version.id)
        index = repository.index_of(version.id)
    except NotFoundError:
        state = "missing"
    else:
        if manifest.name != version.name or index != version.log_index:
            state = "differs"
        elif version.id in retired:
            state = "retired"
    return LockedState(version, state, current)


def _bad(path: Path, message: str) -> InvalidInputError:
    return InvalidInputError(
        "bad-lock", f"{path.name}: {message}", hint="make it again: lyrikstore lock REF…"
    )


def find_lock(start: Path) -> Path:
    """Return the path of the lock file in a folder, or in the nearest folder above that has one.

    Raises:
        NotFoundError: (``no-lock``) no folder has one.
    """
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder / FILE
    raise NotFoundError(
        "no-lock",
        f"there is no {FILE} in {start} or in a folder above it",
        hint="create one beside your code: lyrikstore lock REF…",
    )
