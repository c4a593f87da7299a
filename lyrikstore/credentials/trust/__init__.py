"""The verifier's own file: whom it believes, for what (spec/11-verification.md §3, docs/trust.md).

Everybody can make a key and sign anything with it. Only this file, written by the person who
verifies, turns "sound" into "trusted".
"""

from lyrikstore.credentials.trust.editing import (
    add_document,
    add_issuer,
    add_log,
    add_witness,
    remove,
    set_limit,
)
from lyrikstore.credentials.trust.explaining import explain
from lyrikstore.credentials.trust.file import encode_trust, load_trust, parse_trust
from lyrikstore.credentials.trust.model import (
    CLAIMS,
    NOBODY,
    ROLES,
    Allowed,
    PinnedDocument,
    Trust,
    TrustedIssuer,
    TrustedLog,
    TrustedWitness,
)

__all__ = [
    "CLAIMS",
    "NOBODY",
    "ROLES",
    "Allowed",
    "PinnedDocument",
    "Trust",
    "TrustedIssuer",
    "TrustedLog",
    "TrustedWitness",
    "add_document",
    "add_issuer",
    "add_log",
    "add_witness",
    "encode_trust",
    "explain",
    "load_trust",
    "parse_trust",
    "remove",
    "set_limit",
]
