r"""The verifier's own file: whom it believes, for what (spec §11.3, docs/trust.md).

Everybody can make a key and sign anything with it. Only this file, written by the person who
verifies, turns "sound" into "trusted". Who verifies only reads it; :mod:`.edit`
changes it, and :mod:`.explain` says what it means.

Example:
    >>> from lyrikstore.testing.keys import signer_for
    >>> entry = f'did = "{signer_for("ada").did}"\nnickname = "Ada"\nnames = ["datasets/acme/*"]'
    >>> trust = parse_trust(f"version = 1\n[[issuer]]\n{entry}\n".encode())
    >>> trust.issuers[0].nickname, trust.issuers[0].names
    ('Ada', ('datasets/acme/*',))
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
