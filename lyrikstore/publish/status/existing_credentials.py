"""Credentials that a store logged before about the same: what an interrupted command leaves.

A credential is logged before it is handed over, so that none is out that the log does not know.
Whoever is interrupted in between has logged one that nobody holds, and nothing tells them.
"""

from datetime import datetime
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import parse
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.context import StoreContext
from lyrikstore.credentials.model.credential import issuer_of
from lyrikstore.history.log.entries import LoggedEntry
from lyrikstore.publish.status.status_registry import current_registry


def earlier_alike(context: StoreContext, credential: bytes) -> list[LoggedEntry]:
    """Return where credentials like this one were logged before it, those in force, oldest first.

    Alike are those of the same kind and issuer, about the same version, to the same holder; of
    attestations, those that attest the same kind of thing.

    Args:
        context: The store that logged it.
        credential: One that this store issued and logged: of any kind, about a version.
    """
    repository, at = context.repository, context.clock()
    book = current_registry(repository)
    wanted = _sense(parse(credential))
    index = repository.index_of(Digest.of(credential), "credential")
    gone = {one.supersedes for one in book.issued} | set(book.revoked())
    return [
        entry
        for entry in repository.credentials_about(Digest.parse_urn(wanted[2]))
        if entry.index < index
        and entry.id not in gone
        and _is_alike(repository.credential(entry.id), wanted, at)
    ]


def _is_alike(data: bytes, wanted: tuple[Any, ...], at: datetime) -> bool:
    try:
        document = parse(data, floats=True, nulls=True)
        if _sense(document) != wanted or not isinstance(document, dict):
            return False
        end = document.get("validUntil")
        return end is None or at < parse_timestamp(end)
    except FormatError:  # somebody else's
        return False


def _sense(document: Any) -> tuple[Any, ...]:
    # Kind, issuer, version, holder, what is attested. Another's document may have any shape.
    if not isinstance(document, dict) or not isinstance(document.get("credentialSubject"), dict):
        return ()
    subject = document["credentialSubject"]
    grant = subject.get("grant")
    named = grant.get("dataset") if isinstance(grant, dict) else subject
    version = named.get("manifest") if isinstance(named, dict) else None
    attested = subject.get("attestation")
    what = attested.get("kind") if isinstance(attested, dict) else None
    return document.get("type"), issuer_of(document), version, subject.get("id"), what
