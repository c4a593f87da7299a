r"""The trust file: the issuers that a verifier believes, for what (spec §11.3, docs/trust.md).

- issuer: a ``did:key`` or ``did:web`` that the verifier believes, with a nickname.
- role: what the issuer is believed as, such as publisher or auditor.
- names: patterns of the dataset names for which the issuer is believed.
- pinned document: a DID document that the verifier accepts as the DID's own.
- log: a transparency log that the verifier believes by its key.
- witness, authority: outsiders whose dates the verifier believes.

Anyone can create a key and sign anything with it. Only this file, which the verifier writes, turns
the verdict "valid" into "trusted". Verification only reads it; :mod:`.edit` changes it, and
:mod:`.explain` describes it in plain words.

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
    TrustedAuthority,
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
    "TrustedAuthority",
    "TrustedIssuer",
    "TrustedLog",
    "TrustedWitness",
    "encode_trust",
    "load_trust",
    "parse_trust",
]
