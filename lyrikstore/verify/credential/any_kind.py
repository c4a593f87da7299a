"""Checks of a single credential of any kind."""

from datetime import datetime

from lyrikstore.credentials.model.credential import (
    ATTESTATION,
    CARD_ATTESTATION,
    GRANT,
    Claims,
)
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import Trust
from lyrikstore.verify.credential.attestation import check_attestation
from lyrikstore.verify.credential.card_attestation import Here, check_card_attestation
from lyrikstore.verify.credential.credential import check_credential
from lyrikstore.verify.credential.grant import check_grant
from lyrikstore.verify.credential.status import StatusUpdates
from lyrikstore.verify.report import Check


def check_any(
    opened: OpenedCredential,
    *,
    trust: Trust,
    at: datetime,
    status_updates: StatusUpdates,
    here: Here | None = None,
) -> tuple[tuple[Check, ...], Claims | None]:
    """Return the checks of a credential, and its claims if it is a dataset credential.

    A credential that is neither an attestation nor a grant is judged as a dataset credential, and
    fails as one.

    Args:
        opened: The credential.
        trust: The keys that the verifier trusts.
        at: The moment for which the result holds.
        status_updates: What issuers have published since.
        here: Holds an opinion against the store at hand.
    """
    if opened.kind is ATTESTATION:
        return check_attestation(
            opened, trust=trust, at=at, status_updates=status_updates
        ).checks, None
    if opened.kind is CARD_ATTESTATION:
        return check_card_attestation(
            opened, trust=trust, at=at, status_updates=status_updates, here=here
        ).checks, None
    if opened.kind is GRANT:
        return check_grant(opened, trust=trust, at=at, status_updates=status_updates).checks, None
    outcome = check_credential(opened, trust=trust, at=at, status_updates=status_updates)
    return outcome.checks, outcome.claims
