"""Building of opinions: attestations about a model, a card or a whole store (spec §20.10).

The attester holds a clone of the store. The opinion names its object by id, the log checkpoint that
the attester saw, and its supporting documents by digest.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from lyrikstore.canon.json import JSON
from lyrikstore.credentials.model.attestation import (
    ATTESTATION_KINDS,
    attested,
    check_statement,
    evidence_of,
)
from lyrikstore.credentials.model.credential import CARD_ATTESTATION, CredentialMetadata

OPINION_KINDS = ("quality", "legal", "regulatory")
"""Kinds of opinion, words of :data:`ATTESTATION_KINDS`."""

SUBJECTS: Mapping[str, str] = {"checkpoint": "Checkpoint", "card": "Card"}
"""Kind of the object → the type of the subject; a whole store has the type ``Store``."""

STORE_NAME = "store"
"""Name of a whole store, for the names of the trust file."""


class SeenLog(Struct, frozen=True):
    """A log checkpoint that an attester saw.

    Attributes:
        origin: Name of the log.
        size: Number of its entries.
        root: Root of its tree, as hex.
    """

    origin: str
    size: int
    root: str

    def to_json(self) -> dict[str, JSON]:
        """Return its form in an opinion."""
        members: dict[str, JSON] = {"type": "LogCheckpoint"}
        return {**members, "origin": self.origin, "size": self.size, "root": self.root}


def is_opinion(document: Mapping[str, Any] | None) -> bool:
    """Return whether an attestation of version 2 states an opinion; it may be malformed."""
    subject = None if document is None else document.get("credentialSubject")
    statement = subject.get("attestation") if isinstance(subject, dict) else None
    return isinstance(statement, dict) and statement.get("kind") in OPINION_KINDS


def build_opinion(
    metadata: CredentialMetadata,
    subject: Mapping[str, str],
    *,
    kind: str,
    statement: Mapping[str, Any],
    documents: Mapping[str, bytes],
    log: SeenLog,
    content_checked: bool,
) -> dict[str, JSON]:
    """Return an unsigned opinion.

    Args:
        metadata: Issuer and validity.
        subject: ``type``, ``id``, ``store``, ``name``, and ``files`` and ``manifest`` where the
            type has them.
        kind: A word of :data:`OPINION_KINDS`.
        statement: ``extent``, ``selection``, ``standard``, ``method``, ``opinion``,
            ``conclusion``, ``results``, ``limitations``, ``liability``, ``period``.
        documents: File name → supporting reports.
        log: The log checkpoint that the attester saw.
        content_checked: Whether the attester verified all bytes of the object.

    Raises:
        FormatError: (``schema``, ``bad-credential``) a member that this kind needs is missing, a
            member is unknown, or the period ends before it begins.
    """
    attestation = attested(statement, kind, content_checked=content_checked)
    if isinstance(attestation.get("period"), dict):
        attestation["period"] = {**statement["period"], "type": "Period"}
    attestation["log"] = log.to_json()
    label = ATTESTATION_KINDS[kind]
    document: dict[str, JSON] = {
        **metadata.members(CARD_ATTESTATION),
        "name": f"{label[:1].upper()}{label[1:]}: {subject['name']}",
        "credentialSubject": {**subject, "attestation": attestation},
    }
    if documents:
        document["evidence"] = evidence_of(documents)
    check_statement(document, kind, CARD_ATTESTATION)
    return document
