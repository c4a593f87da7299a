"""``store.remotes``: push and pull by URL (spec/15-remotes.md), and named remotes.

Named remotes are in one small file per store in the user's configuration folder, never in the
store: a copied store must not choose the place to which its reader pushes.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import asdict

from lyrikstore.canon.errors import (
    ConflictError,
    FormatError,
    InvalidInputError,
    NotFoundError,
    RemoteError,
    storage_error,
    storage_errors,
)
from lyrikstore.canon.files import open_regular, replace_file
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.context import StoreContext
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.locate import STORE_FOLDER
from lyrikstore.objects.backends.open import RemotePlace, RemoteUrl

if TYPE_CHECKING:
    from lyrikstore.history.sync.pull import PullResult
    from lyrikstore.history.sync.push import PushResult
    from lyrikstore.history.sync.repair import Repaired
    from lyrikstore.objects.backends.open import Abilities


DEFAULT = "origin"
_MAX = 1 << 20


@dataclass
class Remotes:
    """Push and pull of a store."""

    store: StoreContext

    def pull(
        self,
        place: "str | RemotePlace",
        *,
        all_data: bool = False,
        dry_run: bool = False,
    ) -> "PullResult":
        """Update the local copy of the home log from ``place``.

        Args:
            place: The remote to pull from.
            all_data: Also fetch the data that a partial clone left out.
            dry_run: Return what would be pulled, and change nothing.

        Raises:
            ConflictError, VerificationError, RemoteError, StorageError: See
                :func:`lyrikstore.history.sync.pull.pull`.
        """
        from lyrikstore.history.sync.pull import pull

        store, remote = self.store, self.store.reach(place)
        return pull(
            store.repository,
            remote.backend,
            remote.name,
            memory=store.memory,
            all_data=all_data,
            dry_run=dry_run,
            progress=store.progress,
        )

    def push(
        self,
        place: "str | RemotePlace",
        *,
        mirror: bool = False,
        dry_run: bool = False,
    ) -> "PushResult":
        """Push to ``place``: to the home log, or to a mirror of it.

        If the home log is extended, one of this user's keys that may sign it is used.

        Args:
            place: The remote to push to.
            mirror: Whether the remote becomes a mirror.
            dry_run: Return what would be pushed, and change nothing.

        Raises:
            ConflictError, VerificationError, RemoteError: See
                :func:`lyrikstore.history.sync.push.push`.
            LyrikstoreError: As :meth:`StoreContext.home_log_signer`.
        """
        from lyrikstore.history.sync.push import push

        store = self.store
        return push(
            store.repository,
            store.reach(place, mirror=mirror),
            memory=store.memory,
            log_signer=store.home_log_signer,
            dry_run=dry_run,
            progress=store.progress,
        )


def probe_remote(folder: Path, place: "str | RemotePlace") -> "Abilities":
    """Return the abilities of a remote, found by writing and removing a small file.

    Args:
        folder: The store that will use it.
        place: The remote.

    Raises:
        RemoteError: The remote cannot be reached.
        ConflictError: The remote is the store itself, or inside it.
    """
    from lyrikstore.history.sync.negotiate import refuse_itself
    from lyrikstore.objects.backends.open import open_backend, probe

    try:
        backend = open_backend(place, scratch=folder / "tmp")
        refuse_itself(backend, folder)
        return probe(backend)
    except RemoteError as error:
        error.hint = f"{error.hint}; to add it without a connection: --offline"
        raise


def repair_store(
    folder: Path,
    place: "str | RemotePlace",
    *,
    memory_dir: Path,
    progress: OnProgress = silent,
) -> "list[Repaired]":
    """Repair damaged and missing files of a store, also of one that cannot be opened.

    Args:
        folder: The store's folder.
        place: A clone, mirror or home of the same store.
        memory_dir: Folder of this user's remembered log checkpoints.
        progress: Progress callback, called per pack.

    Raises:
        LyrikstoreError: As :func:`lyrikstore.history.sync.repair.repair_store`.

    Cost: reads every local pack once, and fetches the damaged ones.
    """
    from lyrikstore.history.sync import repair
    from lyrikstore.objects.backends.open import open_backend

    return repair.repair_store(
        folder,
        open_backend(place, scratch=folder / "tmp"),
        str(place),
        memory=LogMemory(memory_dir),
        progress=progress,
    )


class NamedRemote(Struct, frozen=True):
    """A named remote.

    Attributes:
        name: The user's name for it.
        url: Its URL, without secrets.
        mirror: Whether it is pushed to as a mirror.
        options: Options of ``--set`` for reaching it; never a secret.
    """

    name: str
    url: str
    mirror: bool = False
    options: Mapping[str, str] = field(default_factory=dict)

    def place(self, environment: Mapping[str, str]) -> RemotePlace:
        """Return the place of the remote, with its options and those of ``environment``.

        Raises:
            InvalidInputError: (``bad-option``, …) this kind of remote does not have that option.
        """
        return RemotePlace(self.url, self.options, environment)


def place_of(text: str) -> str:
    """Return the URL of the store at ``text``; a folder that contains a store means that store.

    Raises:
        InvalidInputError: (``bad-url``, …) ``text`` is not a valid URL.
    """
    url = RemoteUrl.parse(text)
    inside = Path(url.path, STORE_FOLDER)
    if url.scheme == "file" and (inside / "format").is_file():
        url = RemoteUrl.parse(str(inside))
    return str(url)


class NamedRemotes:
    """The named remotes of a user for one store.

    Args:
        folder: The user's folder of remotes.
        store: The store's folder.
    """

    def __init__(self, folder: Path, store: Path) -> None:
        self._store = os.fsencode(store.resolve())
        self._path = folder / f"{sha256(self._store).hexdigest()[:32]}.json"

    def all(self) -> list[NamedRemote]:
        """Return all remotes in the order in which they were added.

        Raises:
            FormatError: (``bad-remotes``) the file is damaged.
        """
        try:
            with open_regular(self._path) as file:
                document = json.loads(file.read(_MAX))
            return [
                NamedRemote(
                    str(one["name"]),
                    str(one["url"]),
                    one["mirror"] is True,
                    {str(name): str(value) for name, value in one.get("options", {}).items()},
                )
                for one in document["remotes"]
            ]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise storage_error(error, f"reading {self._path}") from error
        except (ValueError, KeyError, TypeError, AttributeError):
            raise FormatError(
                "bad-remotes",
                f"{self._path} is damaged",
                hint="remove it, and add the remotes again",
            ) from None

    def find(self, name: str | None) -> NamedRemote:
        """Return the remote of a name; without a name, ``origin`` or the only remote.

        Raises:
            NotFoundError: (``no-remote``) there is no such remote.
        """
        known = self.all()
        if name is None and len(known) == 1:
            return known[0]
        wanted = name or DEFAULT
        for remote in known:
            if remote.name == wanted:
                return remote
        names = ", ".join(remote.name for remote in known)
        raise NotFoundError(
            "no-remote",
            f"this store has no remote {wanted!r}" + (f" (only {names})" if names else ""),
            hint=("name one of them; or " if name is None and known else "")
            + f"lyrikstore remote add {wanted} URL",
        )

    def check_new(self, remote: NamedRemote) -> None:
        """Raise unless :meth:`add` can add the remote.

        Raises:
            ConflictError: (``remote-exists``) the name is taken.
            InvalidInputError: (``bad-name``) the name is invalid.
        """
        if not remote.name.replace("-", "").replace("_", "").isalnum() or len(remote.name) > 64:
            raise InvalidInputError(
                "bad-name",
                f"{remote.name[:80]!r} is not a valid name of a remote",
                hint="use letters, digits, - and _, such as origin",
            )
        if any(one.name == remote.name for one in self.all()):
            raise ConflictError(
                "remote-exists",
                f"the remote {remote.name} already exists",
                hint=f"lyrikstore remote remove {remote.name}",
            )

    def add(self, remote: NamedRemote) -> None:
        """Add a remote; raises as :meth:`check_new`."""
        self.check_new(remote)
        self._write([*self.all(), remote])

    def remove(self, name: str) -> NamedRemote:
        """Remove a remote from the list; the remote itself is unchanged.

        Raises:
            NotFoundError: (``no-remote``) there is no remote of that name.
        """
        gone = self.find(name)
        self._write([one for one in self.all() if one.name != name])
        return gone

    def _write(self, remotes: list[NamedRemote]) -> None:
        document = {
            "store": self._store.decode("utf-8", "backslashreplace"),
            "remotes": [asdict(one) for one in remotes],
        }
        text = json.dumps(document, indent=2) + "\n"
        with storage_errors(f"writing {self._path}"):
            replace_file(self._path, text.encode(), folder_mode=0o700)
