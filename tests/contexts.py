"""A store and who works in it, as tests hand it to the functions that do what a command does."""

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp

from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.canon.timestamps import Clock, now
from lyrikstore.context import StoreContext
from lyrikstore.credentials.trust import Trust
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.repository import Repository


class _Context(StoreContext):
    @property
    def own_cache(self) -> Path | None:
        return self.cache_dir


def context_of(
    repository: Repository,
    *,
    signer: Signer | None = None,
    trust: Trust | None = None,
    clock: Clock | None = None,
    environment: Mapping[str, str] | None = None,
    progress: OnProgress = silent,
    cache_dir: Path | None = None,
) -> StoreContext:
    """Return the context of an open store; its log signer and clock stay.

    Args:
        repository: The store.
        signer: Who signs; None to read only.
        trust: Whom the user believes; None: nobody.
        clock: The time; by default that of the repository, or the true one.
        environment: The caller's environment variables; by default those of this process.
        progress: Progress callback.
        cache_dir: Where this user's cache of this store is.
    """
    memory, log_signer, before = repository.memory, repository.log_signer, repository.clock
    context = _Context(
        repository,
        memory or LogMemory(Path(mkdtemp(prefix="lyrikstore-memory-"))),
        Path("no trust file"),
        clock=clock or before or now,
        cache_dir=cache_dir,
        person=signer,
        environment=os.environ if environment is None else environment,
        progress=progress,
        believed=trust or Trust(),
    )
    repository.log_signer, repository.clock = log_signer, before
    return context
