"""``store.remotes``: push and pull by URL (spec/15-remotes.md); and a store in need of repair."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lyrikstore.canon.errors import RemoteError
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.context import StoreContext
from lyrikstore.history.log.memory import LogMemory

if TYPE_CHECKING:
    from lyrikstore.history.sync.pull import PullResult
    from lyrikstore.history.sync.push import PushResult
    from lyrikstore.history.sync.repair import Repaired
    from lyrikstore.objects.backends.open import Abilities, RemotePlace


@dataclass
class Remotes:
    """Where a store is pushed to and pulled from."""

    store: StoreContext

    def pull(
        self,
        place: "str | RemotePlace",
        *,
        all_data: bool = False,
        dry_run: bool = False,
    ) -> "PullResult":
        """Bring the copy of the home log here up to what ``place`` has.

        Args:
            place: Where from.
            all_data: Fetch also what a partial clone left out.
            dry_run: Find out what would come; change nothing.

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
        """Bring what is here to ``place``: to the home log, or to a mirror of it.

        Of this user's keys it takes one of the home log, if that is to be extended.

        Args:
            place: Where to.
            mirror: Whether the remote shall be a mirror.
            dry_run: Find out what would happen; change nothing.

        Raises:
            ConflictError, VerificationError, RemoteError: See
                :func:`lyrikstore.history.sync.push.push`.
            KeyMaterialError: (``no-keys``, ``log-key-missing``) the home log has to be extended,
                and none of its keys is at hand.
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
    """Return what can be done at a remote, by trying: a small file is written and removed again.

    Args:
        folder: The store that is to use it.
        place: Where it is.

    Raises:
        RemoteError: It cannot be reached.
        ConflictError: It is the store itself, or inside it.
    """
    from lyrikstore.history.sync.negotiate import refuse_itself
    from lyrikstore.objects.backends.open import open_backend, probe

    try:
        backend = open_backend(place, scratch=folder / "tmp")
        refuse_itself(backend, folder)
        return probe(backend)
    except RemoteError as error:
        error.hint = f"{error.hint}; to add it as it is: --offline"
        raise


def repair_store(
    folder: Path,
    place: "str | RemotePlace",
    *,
    memory_dir: Path,
    progress: OnProgress = silent,
) -> "list[Repaired]":
    """Put right what is damaged or missing in a store, which may be too damaged to be opened.

    Args:
        folder: The store's folder.
        place: A clone, mirror or home of the same store.
        memory_dir: Where this user's log checkpoints are remembered.
        progress: Progress callback, called per pack.

    Raises:
        LyrikstoreError: As :func:`lyrikstore.history.sync.repair.repair_store`.

    Cost: reads every pack here once, and fetches what is damaged.
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
