"""What RFC 9457 calls the failures of proofs: the problem types that the W3C texts define."""

from lyrikstore.canon.errors import FormatError, InvalidInputError, LyrikstoreError

SECURITY = "https://w3id.org/security#"
"""The vocabulary of Data Integrity and Controlled Identifiers, which holds the problem types."""

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
