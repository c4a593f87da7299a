"""The verifier's own file: whom it believes, for what (spec §11.3, docs/trust.md).

Everybody can make a key and sign anything with it. Only this file, written by the person who
verifies, turns "sound" into "trusted". Who verifies only reads it; :mod:`.edit`
changes it, and :mod:`.explain` says what it means.
"""

from lyrikstore.credentials.trust.file import encode_trust, load_trust, parse_trust
from lyrikstore.credentials.trust.model import (
    CLAIMS,
    NOBODY,
    ROLES,
    AllowedKeys,
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
    "AllowedKeys",
    "PinnedDocument",
    "Trust",
    "TrustedIssuer",
    "TrustedLog",
    "TrustedWitness",
    "encode_trust",
    "load_trust",
    "parse_trust",
]
