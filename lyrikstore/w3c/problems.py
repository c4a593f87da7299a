"""Problem types of failed checks, as RFC 9457 and the W3C texts define them (spec §17.5).

A failed check has ``detail.problem`` with the type and its name, for programs that use the VC API;
the summary is for people.
"""

from lyrikstore.canon.errors import FormatError, InvalidInputError, LyrikstoreError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.quoting import quote
from lyrikstore.verify.report import Check, failed

SECURITY = "https://w3id.org/security#"
"""The vocabulary of Data Integrity and Controlled Identifiers, with the problem types."""
MODEL = "https://www.w3.org/TR/vc-data-model#"
STATUS = "https://www.w3.org/ns/credentials/status-list#"

_NAME_FOR_KIND = {
    "bad-domain": "INVALID_DOMAIN_ERROR",
    "bad-challenge": "INVALID_CHALLENGE_ERROR",
    "bad-rdf": "PROOF_TRANSFORMATION_ERROR",
    "unknown-suite": "PROOF_TRANSFORMATION_ERROR",
    "bad-key": "INVALID_VERIFICATION_METHOD",
    "weak-key": "INVALID_VERIFICATION_METHOD",
}


def problem_type(error: LyrikstoreError) -> str:
    """Return the URL of the problem type of an error in making or verifying a proof.

    Invalid input of a caller is ``PROOF_GENERATION_ERROR``, an unreadable document
    ``PARSING_ERROR``, and every error without a type of its own ``PROOF_VERIFICATION_ERROR``.
    """
    name = _NAME_FOR_KIND.get(error.kind)
    if name is None and isinstance(error, InvalidInputError):
        name = "PROOF_GENERATION_ERROR"
    elif name is None and isinstance(error, FormatError):
        name = "PARSING_ERROR"
    return SECURITY + (name or "PROOF_VERIFICATION_ERROR")


def problem_detail(url: str) -> dict[str, JSON]:
    """Return the detail of a failure with the problem type ``url``; its title is the fragment."""
    return {"problem": {"type": url, "title": url.partition("#")[2]}}


def malformed(check: str, error: FormatError, about: str = "") -> Check:
    """Return the failed check for a malformed value; its summary starts with ``about``."""
    problem = problem_detail(MODEL + "MALFORMED_VALUE_ERROR")
    return failed(check, error.kind, f"{about}{quote(error.message, 300)}", **problem)
