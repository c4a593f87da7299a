"""Signed events: deliveries, predictions and withdrawals (spec §6.4.2).

An event has no versions: the manifests of one name are successive events. In a clone the name ends
with the identity of the local log, so that a push never has to choose between two events.
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
    """Return the signed manifest of an event, which the caller logs at once.

    Args:
        repository: The store, opened to append.
        kind: ``delivery``, ``prediction`` or ``withdrawal``.
        about: Name of the object of the event.
        body: The body, according to the schema of the kind.
        signer: Signs the manifest, and becomes its author.
        clock: Returns the claimed time.
        inputs: The manifest that the event is about, if there is one.
        message: For people.

    Raises:
        LyrikstoreError: The key of the log is not available.
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
    """Return the name of the events of one kind about ``about`` that are logged here."""
    suffix = ""
    if repository.is_mirror and repository.log_signer is not None:
        key = encode_multikey(repository.log_signer.public)
        suffix = f".{Digest.of(key.encode()).hex[:_DIGITS]}"
    of = Name.parse(about)
    return str(Name(KINDS[kind].prefix, of.namespace, with_suffix(of.leaf, suffix)))
