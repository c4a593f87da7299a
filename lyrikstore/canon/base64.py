"""Strict base64: exactly one spelling for the same bytes, nothing is skipped or ignored."""

from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode

from lyrikstore.canon.errors import FormatError


def decode_base64(text: str, kind: str) -> bytes:
    """Return the bytes of standard base64.

    Raises:
        FormatError: (``kind``) another alphabet, missing padding, or stray bits at the end.
    """
    try:
        raw = b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        raise FormatError(kind, f"not base64: {text[:80]!r}") from None
    if b64encode(raw).decode() != text:
        raise FormatError(kind, f"not base64 in its one spelling: {text[:80]!r}")
    return raw


def decode_base64url(text: str, kind: str) -> bytes:
    """Return the bytes of base64url without padding.

    Raises:
        FormatError: (``kind``) another alphabet, padding, or stray bits at the end.
    """
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:
        raise FormatError(kind, f"not base64url: {text[:80]!r}") from None
    if urlsafe_b64encode(raw).rstrip(b"=").decode() != text:
        raise FormatError(kind, f"not base64url in its one spelling: {text[:80]!r}")
    return raw
