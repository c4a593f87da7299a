"""A new store, with its log key next to the user's keys and the owner's trust in it."""

import os
from collections.abc import Sequence
from pathlib import Path

from lyrikstore.canon.errors import ConflictError, storage_error
from lyrikstore.canon.timestamps import Clock
from lyrikstore.credentials.trust import ROLES, TrustedIssuer
from lyrikstore.credentials.trust.edit import add_issuer
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.keys.keyring import KeyFolder
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.commit.transaction import create_repository
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.repository import Repository


def found_store(
    folder: Path,
    *,
    signer: Signer,
    keys: KeyFolder,
    memory_dir: Path,
    trust_file: Path,
    origin: str | None,
    clock: Clock,
    writers: Sequence[str] = (),
    log_keys: Sequence[PublicKey] = (),
) -> tuple[Repository, LogMemory]:
    """Make a store and return it, opened to append, with the memory of its log.

    Arguments and errors are those of :meth:`lyrikstore.api.store.Store.create`.
    """
    # Before a log key is made that nobody would ever use.
    try:
        if folder.exists():
            raise ConflictError("store-exists", f"there is something at {folder} already")
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, f"making {folder}") from error
    tag = os.urandom(8).hex()
    log_signer = keys.new_log_signer(tag, comment="log key")
    memory = LogMemory(memory_dir)
    repository = create_repository(
        folder,
        origin=origin or f"lyrikstore.local/{tag}",
        signer=signer,
        log_signer=log_signer,
        clock=clock,
        memory=memory,
        writers=writers,
        log_keys=log_keys,
    )
    add_issuer(
        trust_file,
        TrustedIssuer(
            did=signer.did,
            nickname=f"me ({repository.store_id.short})",
            roles=tuple(ROLES),
            stores=(repository.store_id,),
        ),
    )
    return repository, memory
