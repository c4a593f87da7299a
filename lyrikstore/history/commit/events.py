"""What happened to something, signed: deliveries, predictions, withdrawals (spec §6.4.2).

An event has no versions: the manifests of a name are what happened, one after another. In a clone
the name ends with the local log's, so that a push never has to choose between two of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.timestamps import Clock
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.crypto.multikey import encode_multikey
from lyrikstore.history.manifests.kinds import KINDS
from lyrikstore.history.manifests.manifest import Input, Manifest, sign_manifest
from lyrikstore.history.manifests.names import Name, with_suffix
from lyrikstore.history.repository.repository import Repository

_DIGITS = 8


def sign_event(
    repository: Repository,
    kind: str,
    about: str,
    body: Mapping[str, Any],
    *,
    signer: Signer,
    clock: Clock,
    inputs: Sequence[Input] = (),
    message: str = "",
) -> Manifest:
    """Return the signed manifest of an event, to be logged at once.

    Args:
        repository: The store, opened to append.
        kind: ``delivery``, ``prediction`` or ``withdrawal``.
        about: Name of what it happened to.
        body: What the schema of the kind wants.
        signer: Who says so.
        clock: Tells the claimed time.
        inputs: What it happened to, where that is a manifest.
        message: For people.

    Raises:
        LyrikstoreError: The key of the log cannot be had.
    """
    name = event_name(repository, kind, about)
    state = repository.refs.get(name)
    return sign_manifest(
        kind=kind,
        store=repository.store_id,
        name=name,
        body=body,
        parents=() if state is None else (state.id,),
        inputs=list(inputs),
        signer=signer,
        created=repository.signing_date(clock),
        message=message,
    )


def event_name(repository: Repository, kind: str, about: str) -> str:
    """Return the name of the events of a kind that are logged here and about something."""
    suffix = ""
    if repository.is_mirror and repository.log_signer is not None:
        key = encode_multikey(repository.log_signer.public)
        suffix = f".{Digest.of(key.encode()).hex[:_DIGITS]}"
    of = Name.parse(about)
    return str(Name(KINDS[kind].prefix, of.namespace, with_suffix(of.leaf, suffix)))
