"""How tests of requirements judge: whether the model takes a document, and its report."""

from typing import Any

from lyrikstore.canon.errors import FormatError
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import parse_trust
from lyrikstore.verify.credential.status import StatusUpdates
from lyrikstore.verify.report import Report
from lyrikstore.w3c.profile.model import check_credential_model, check_presentation_model
from lyrikstore.w3c.profile.presentation import verify_presentation
from lyrikstore.w3c.profile.resources import Resources
from lyrikstore.w3c.profile.verify import Surroundings, verify_w3c


def takes(document: dict[str, Any]) -> bool:
    try:
        check_credential_model(document, secured=False)
    except FormatError as error:
        assert error.kind == "bad-credential"  # noqa: PT017
        return False
    return True


def shows(document: dict[str, Any]) -> bool:
    try:
        check_presentation_model(document, secured=False)
    except FormatError as error:
        assert error.kind == "bad-credential"  # noqa: PT017
        return False
    return True


def judge(made: Any, text: str, *lists: str, resources: dict[str, bytes] | None = None) -> Report:
    surroundings = Surroundings(
        trust=parse_trust(made.TRUST.encode()),
        at=made.NOW,
        status_updates=StatusUpdates.among(
            map(OpenedCredential, (text.encode() for text in lists))
        ),
        resources=Resources(resources or {}),
    )
    return verify_w3c(text.encode(), surroundings)


def show(made: Any, data: bytes) -> Report:
    surroundings = Surroundings(trust=parse_trust(made.TRUST.encode()), at=made.NOW)
    return verify_presentation(data, surroundings, challenge="c", domain="d")
