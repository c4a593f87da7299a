"""What RFC 9457 calls the failures here: the problem types that the W3C texts define (spec §17.5).

A check that failed carries ``detail.problem`` with the type and its name; programs that speak the
VC API read that, people read the summary.
"""

from lyrikstore.canon.errors import FormatError, InvalidInputError, LyrikstoreError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.quoting import quote
from lyrikstore.verify.report import Check, failed

SECURITY = "https://w3id.org/security#"
"""The vocabulary of Data Integrity and Controlled Identifiers, which holds the problem types."""
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
    """Return the URL of the problem type that ``error``, of making or verifying a proof, is.

    Whatever a caller handed in wrongly is ``PROOF_GENERATION_ERROR``, unreadable documents are
    ``PARSING_ERROR``, and all that has no name of its own is ``PROOF_VERIFICATION_ERROR``.
    """
    name = _NAME_FOR_KIND.get(error.kind)
    if name is None and isinstance(error, InvalidInputError):
        name = "PROOF_GENERATION_ERROR"
    elif name is None and isinstance(error, FormatError):
        name = "PARSING_ERROR"
    return SECURITY + (name or "PROOF_VERIFICATION_ERROR")


def problem_detail(url: str) -> dict[str, JSON]:
    """Return the detail of a failure of the type ``url``, whose name is the end of it."""
    return {"problem": {"type": url, "title": url.partition("#")[2]}}


def malformed(check: str, error: FormatError, about: str = "") -> Check:
    """Return a check that failed by ``error``, a malformed value; ``about`` begins its line."""
    problem = problem_detail(MODEL + "MALFORMED_VALUE_ERROR")
    return failed(check, error.kind, f"{about}{quote(error.message, 300)}", **problem)
