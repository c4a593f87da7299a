"""Responses of time stamp authorities (RFC 3161), read and verified offline by ``rfc3161-client``.

The library is the extra ``timestamps``; without it nothing is judged.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from importlib.util import find_spec
from typing import NoReturn

from msgspec import Struct

from lyrikstore.canon.errors import (
    FormatError,
    InvalidInputError,
    LyrikstoreError,
    VerificationError,
)
from lyrikstore.credentials.trust import TrustedAuthority

MAX_RESPONSE_BYTES = 1 << 16
"""Most bytes of a response: a token with a chain of certificates has some thousand."""

_SHA256 = "2.16.840.1.101.3.4.2.1"
_NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,300}")


class StampedTime(Struct, frozen=True):
    """What a response says; only its form is checked.

    Attributes:
        data: The response, DER.
        imprint: The SHA-256 that it is about.
        time: When, to the second.
        by: The common name of the certificate that signed, or its whole subject.
    """

    data: bytes
    imprint: bytes
    time: datetime
    by: str


def is_available() -> bool:
    """Return whether the library is installed."""
    return find_spec("rfc3161_client") is not None


def make_request(message: bytes) -> bytes:
    """Return a request (DER) for a time stamp on the SHA-256 of a message, with a nonce.

    Raises:
        InvalidInputError: (``missing-extra``) the library is not installed.
    """
    _require()
    from rfc3161_client.base import HashAlgorithm, TimestampRequestBuilder

    builder = TimestampRequestBuilder().data(message).hash_algorithm(HashAlgorithm.SHA256)
    return builder.cert_request(cert_request=True).build().as_bytes()


def read_response(data: bytes) -> StampedTime:
    """Read a response; its signature is not verified.

    Raises:
        FormatError: (``bad-timestamp-response``) it is none, was not granted, or is about another
            hash than a SHA-256.
        InvalidInputError: (``missing-extra``) the library is not installed.
    """
    _require()
    if len(data) > MAX_RESPONSE_BYTES:
        _refuse(f"more than {MAX_RESPONSE_BYTES} bytes")
    from cryptography import x509
    from rfc3161_client import decode_timestamp_response

    try:
        response = decode_timestamp_response(_in_der_order(data))
        if response.status != 0:
            _refuse(f"the authority refused it (status {response.status})")
        info = response.tst_info
        imprint = info.message_imprint
        if imprint.hash_algorithm.dotted_string != _SHA256:
            _refuse("it is not about a SHA-256")
        [signer] = response.signed_data.signer_infos
        signed_by = [
            found
            for found in map(x509.load_der_x509_certificate, response.signed_data.certificates)
            if (found.issuer, found.serial_number) == (signer.issuer, signer.serial_number)
        ]
        by = _name_of(signed_by[0].subject) if signed_by else ""
        return StampedTime(data, imprint.message, info.gen_time.astimezone(UTC), by)
    except LyrikstoreError:
        raise
    except Exception as error:  # noqa: BLE001 - the parsers raise many kinds of hostile bytes
        _refuse(str(error)[:200])


def verify_response(
    stamped: StampedTime, message: bytes, authorities: Iterable[TrustedAuthority]
) -> TrustedAuthority | None:
    """Return the authority whose certificate vouches for a response, or None.

    The certificate of the signer, which must be for time stamping alone, leads to that of the
    authority, and both were valid at the time that the response states.

    Args:
        stamped: The response.
        message: What it is to be about.
        authorities: Those that the verifier believes.

    Raises:
        VerificationError: (``other-imprint``) it is about something else.
        InvalidInputError: (``missing-extra``) the library is not installed.
    """
    _require()
    if stamped.imprint != sha256(message).digest():
        raise VerificationError("other-imprint", "the time stamp is about something else")
    from cryptography import x509
    from rfc3161_client import VerifierBuilder, decode_timestamp_response

    for authority in authorities:
        try:
            root = x509.load_pem_x509_certificate(authority.certificate.encode())
            verifier = VerifierBuilder(roots=[root]).build()
            if verifier.verify_message(
                decode_timestamp_response(_in_der_order(stamped.data)), message
            ):
                return authority
        except Exception:  # noqa: BLE001, S112 - as above: it vouches for nothing
            continue
    return None


def _in_der_order(data: bytes) -> bytes:
    """Return a response with its certificates in the order of DER, which the library demands.

    Authorities may send the signer's certificate first, then those above it. The order is not
    signed. Bytes without certificates at that place are returned unchanged.
    """
    try:
        start, end = _inside(data, 0, 0x30, len(data))
        for skipped, tag in ((1, 0x30), (1, 0xA0), (0, 0x30), (3, 0xA0)):
            for _ in range(skipped):
                start = _end_of(data, start, end)
            start, end = _inside(data, start, tag, end)
        found, here = [], start
        while here < end:
            after = _end_of(data, here, end)
            found.append(data[here:after])
            here = after
    except ValueError:
        return data
    return data[:start] + b"".join(sorted(found)) + data[end:]


def _inside(data: bytes, at: int, tag: int, end: int) -> tuple[int, int]:
    """Return where the content of the element at a place begins and ends."""
    after = _end_of(data, at, end)
    if data[at] != tag:
        raise ValueError("another element")
    first = data[at + 1]
    return at + 2 + (first & 0x7F if first & 0x80 else 0), after


def _end_of(data: bytes, at: int, end: int) -> int:
    """Return the end of the element at a place."""
    if at + 2 > end:
        raise ValueError("it ends too early")
    first, start = data[at + 1], at + 2
    length = first
    if first & 0x80:
        start += first & 0x7F
        length = int.from_bytes(data[at + 2 : start])
    if start + length > end:
        raise ValueError("it ends too early")
    return start + length


def _name_of(subject: object) -> str:
    from cryptography.x509.oid import NameOID

    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)  # type: ignore[attr-defined]
    text = names[0].value if names else subject.rfc4514_string()  # type: ignore[attr-defined]
    found = _NAME.match(text if isinstance(text, str) else "")
    return found[0] if found else ""


def _require() -> None:
    if not is_available():
        raise InvalidInputError(
            "missing-extra",
            "time stamps need rfc3161-client, which is not installed",
            hint='pip install "lyrikstore[timestamps]"',
        )


def _refuse(reason: str) -> NoReturn:
    raise FormatError("bad-timestamp-response", f"not a time stamp response: {reason}")
