"""Checking a credential of any kind by itself."""

from datetime import datetime

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import parse
from lyrikstore.credentials.model.credential import (
    ATTESTATION,
    GRANT,
    Claims,
    CredentialKind,
    kind_of,
)
from lyrikstore.credentials.trust import Trust
from lyrikstore.verify.credential.attestation import check_attestation
from lyrikstore.verify.credential.credential import check_credential
from lyrikstore.verify.credential.grant import check_grant
from lyrikstore.verify.credential.status import Notices
from lyrikstore.verify.report import Check


def stated_kind(data: bytes) -> CredentialKind | None:
    """Return the kind of credential that ``data`` says it is, unverified; None if none of ours."""
    try:
        return kind_of(parse(data))
    except FormatError:
        return None


def check_any(
    data: bytes, *, trust: Trust, at: datetime, notices: Notices
) -> tuple[tuple[Check, ...], Claims | None]:
    """Return the checks of a credential, and its claims if it is a dataset's.

    Whatever is not an attestation or a grant is judged as a dataset credential, and fails as one.

    Args:
        data: The credential's bytes.
        trust: Whom the verifier believes.
        at: The moment to judge for.
        notices: What issuers have said since.
    """
    kind = stated_kind(data)
    if kind is ATTESTATION:
        return check_attestation(data, trust=trust, at=at, notices=notices).checks, None
    if kind is GRANT:
        return check_grant(data, trust=trust, at=at, notices=notices).checks, None
    outcome = check_credential(data, trust=trust, at=at, notices=notices)
    return outcome.checks, outcome.claims
