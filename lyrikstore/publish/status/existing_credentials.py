"""Finding logged credentials with the same meaning, which interrupted commands leave behind.

A credential is logged before it is handed over, so that the log knows every credential in use. A
command that is interrupted in between has logged a credential that nobody holds, without notice.
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
    """Return the log entries of earlier credentials in force that are like this one, oldest first.

    Credentials are alike if they have the same kind and issuer, are about the same version and have
    the same holder; attestations must also attest the same kind of thing.

    Args:
        context: The store that logged it.
        credential: A credential of any kind that this store issued about a version, and logged.
    """
    repository, at = context.repository, context.clock()
    registry = current_registry(repository)
    meaning = _meaning(parse(credential))
    index = repository.index_of(Digest.of(credential), "credential")
    replaced = {issued.supersedes for issued in registry.issued}
    ended = replaced | set(registry.revoked())
    return [
        entry
        for entry in repository.credentials_about(Digest.parse_urn(meaning[2]))
        if entry.index < index
        and entry.id not in ended
        and _is_alike(repository.credential(entry.id), meaning, at)
    ]


def _is_alike(data: bytes, meaning: tuple[Any, ...], at: datetime) -> bool:
    try:
        document = parse(data, floats=True, nulls=True)
        if _meaning(document) != meaning or not isinstance(document, dict):
            return False
        end = document.get("validUntil")
        return end is None or at < parse_timestamp(end)
    except FormatError:  # a foreign credential
        return False


def _meaning(document: Any) -> tuple[Any, ...]:
    # Kind, issuer, version, holder, kind of attestation. A foreign document may have any shape.
    if not isinstance(document, dict) or not isinstance(document.get("credentialSubject"), dict):
        return ()
    subject = document["credentialSubject"]
    grant = subject.get("grant")
    named = grant.get("dataset") if isinstance(grant, dict) else subject
    version = named.get("manifest") if isinstance(named, dict) else None
    attested = subject.get("attestation")
    what = attested.get("kind") if isinstance(attested, dict) else None
    return document.get("type"), issuer_of(document), version, subject.get("id"), what
