"""The checks that need only a credential, a trust file and a moment (spec §11.4.1).

Sans-IO. :mod:`lyrikstore.verify.delivery.delivery` adds the checks that need the whole delivery.
"""

from datetime import datetime

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.credentials.model.credential import DATASET, Claims
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import Trust
from lyrikstore.crypto.multikey import did_key
from lyrikstore.verify.credential.envelope import (
    Envelope,
    keys_for,
    open_envelope,
)
from lyrikstore.verify.credential.issuer import check_issuer
from lyrikstore.verify.credential.issuer_key import check_available_key
from lyrikstore.verify.credential.key_succession import SuccessorKey
from lyrikstore.verify.credential.status import NO_STATUS_UPDATES, StatusUpdates
from lyrikstore.verify.credential.terms import check_regulatory, check_terms
from lyrikstore.verify.report import ACCEPTED, Check, check_of, complete


class CheckedCredential(Struct, frozen=True):
    """The outcome of the credential's own checks.

    Attributes:
        checks: The checks of the procedure ``credential``.
        envelope: The credential.
        successor: The succession by which the issuer's key inherits trust, or None.
    """

    checks: tuple[Check, ...]
    envelope: Envelope
    successor: SuccessorKey | None = None

    @property
    def claims(self) -> Claims | None:
        """The claims of the credential, or None if it is malformed.

        Established only if ``signature_valid``; otherwise they serve only to report what else is
        wrong.
        """
        return self.envelope.claims

    @property
    def issuer(self) -> str | None:
        """The DID that the credential names as its issuer, or None."""
        return self.envelope.issuer

    @property
    def signature_valid(self) -> bool:
        """Whether the checks of format, schema, proof and issuer binding all passed."""
        return self.envelope.signature_valid

    @property
    def signer(self) -> str | None:
        """The key that signed, as did:key, or None if no signature is valid."""
        return None if self.envelope.signer is None else did_key(self.envelope.signer.key)

    @property
    def id(self) -> Digest | None:
        """The credential's id in a log, BLAKE3 of its canonical form; None if malformed."""
        return self.envelope.id

    def check(self, check_id: str) -> Check:
        """Return one of its checks."""
        return check_of(self.checks, check_id)

    def check_key(self, status_updates: StatusUpdates) -> Check:
        """Return ``issuer.key`` by the key statements of the available stores.

        Args:
            status_updates: As for :func:`check_credential`.

        Cost: as :func:`lyrikstore.verify.credential.issuer_key.check_available_key`.
        """
        store = None if self.claims is None else self.claims.store
        return check_available_key(self.envelope, status_updates.statements, store, self.successor)

    @property
    def passed(self) -> bool:
        """Whether all checks passed: the credential is genuine, trusted and in force."""
        return all(check.state in ACCEPTED for check in self.checks)


def check_credential(
    opened: OpenedCredential,
    *,
    trust: Trust,
    at: datetime,
    status_updates: StatusUpdates = NO_STATUS_UPDATES,
) -> CheckedCredential:
    """Return the outcome of the credential's own checks. Never raises for bad input.

    Args:
        opened: The credential.
        trust: The keys that the verifier trusts.
        at: The moment for which the result holds.
        status_updates: What its issuer has published about it since, and key statements of stores.

    Cost: one signature, one schema validation and one canonical encoding.
    """
    envelope = open_envelope(opened, DATASET, keys_for(trust, status_updates, at))
    document, claims = envelope.document, envelope.claims
    if document is None or claims is None:
        checks = complete("credential", envelope.checks)
        return CheckedCredential(checks, envelope)
    judged, successor = check_issuer(
        envelope, claims.name, claims.store, trust=trust, at=at, status_updates=status_updates
    )
    checks = (
        *envelope.checks,
        *judged,
        check_terms(claims.terms),
        check_regulatory(claims.subject, envelope.issuer, document["validFrom"]),
    )
    return CheckedCredential(checks, envelope, successor)
