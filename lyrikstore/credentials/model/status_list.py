"""Status lists: which credentials an issuer revoked or suspended (spec §10.6).

A W3C Bitstring Status List is one signed file for many credentials, with one bit for each. A reader
of the file does not disclose the credential that is checked, and any web server can serve it, or it
can lie next to the data. A list is only as fresh as its date: the report states its age.
"""

import gzip
import re
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import NoReturn, Self

from msgspec import Struct

from lyrikstore.canon.base64 import decode_base64url
from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.json import JSON, encode
from lyrikstore.canon.limits import (
    MAX_STATUS_CANDIDATES,
    MAX_STATUS_LIST_BYTES,
    STATUS_LIST_ENTRIES,
)
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import (
    CLOCK_SKEW,
    format_timestamp,
    parse_timestamp,
)
from lyrikstore.credentials.model.credential import VC_CONTEXT, issuer_of
from lyrikstore.credentials.model.opened import BEGINNING, LIST_TYPE, OpenedCredential
from lyrikstore.credentials.model.status_entry import (
    LIST_URL,
    LOG_LISTS,
    PURPOSES,
    StatusEntry,
    refuse_status,
)
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.crypto.multikey import parse_method_fragment, parse_verification_method
from lyrikstore.crypto.proofs.eddsa_jcs import add_proof

_ENCODED = re.compile(r"u[A-Za-z0-9_-]+")
_MEMBERS = {
    *("@context", "id", "type", "issuer", "validFrom", "validUntil"),
    *("credentialSubject", "proof"),
}


class StatusList(Struct, frozen=True):
    """A status list with a valid signature.

    Attributes:
        url: Its id, and the URL at which it is published.
        issuer: DID of the signer.
        purpose: ``revocation`` or ``suspension``.
        bits: The bits, eight to a byte, the first one in the highest place.
        valid_from: Its claimed date.
        valid_until: The moment by which a newer list is available.
    """

    url: str
    issuer: str
    purpose: str
    bits: bytes
    valid_from: datetime
    valid_until: datetime

    @classmethod
    def empty(cls, entry: StatusEntry, issuer: str) -> Self:
        """Return an empty list, for a list that does not exist yet: nothing is revoked."""
        bits = bytes(STATUS_LIST_ENTRIES // 8)
        return cls(entry.url, issuer, entry.purpose, bits, BEGINNING, BEGINNING)

    @property
    def is_published(self) -> bool:
        """Whether it is published at its URL; if not, it is only in its issuer's log."""
        return not self.url.startswith(LOG_LISTS)

    def __len__(self) -> int:
        return len(self.bits) * 8

    def holds(self, index: int) -> bool:
        """Return bit ``index``.

        Raises:
            FormatError: (``bad-status``) the list has no such bit.
        """
        if not 0 <= index < len(self):
            refuse_status(f"entry {index} is outside the list of {len(self)}")
        return bool(self.bits[index // 8] >> (7 - index % 8) & 1)

    def with_bit(self, index: int, value: bool) -> bytes:
        """Return the bits with bit ``index`` set to ``value``."""
        self.holds(index)
        bits = bytearray(self.bits)
        set_bit(bits, index, value=value)
        return bytes(bits)

    @classmethod
    def of(
        cls, opened: OpenedCredential, keys: Callable[[str], PublicKey] = parse_verification_method
    ) -> Self:
        """Parse a list and verify its signature.

        Args:
            opened: The list.
            keys: Function from verification method to key; by default for did:key issuers only.

        Raises:
            VerificationError, KeyMaterialError: Its signature is invalid, or not its issuer's.
            LyrikstoreError: As :func:`unpack` and :meth:`OpenedCredential.parsed`.

        Cost: one signature check; at most 1 MiB of memory, for any claimed length.
        """
        if opened.parsed().members.keys() != _MEMBERS:
            refuse_status("other members than a status list has")
        verified = opened.verify(keys)
        document = verified.document_without_proof
        if document["@context"] != [VC_CONTEXT] or document["type"] != [
            "VerifiableCredential",
            LIST_TYPE,
        ]:
            refuse_status("another context or type")
        issuer = issuer_of(document)
        if issuer is None or issuer != verified.verification_method.partition("#")[0]:
            refuse_status("it is signed by somebody else than the issuer it names")
        subject = document["credentialSubject"]
        if not isinstance(subject, dict) or subject.keys() != {
            *("id", "type", "statusPurpose", "encodedList")
        }:
            refuse_status("other members in credentialSubject")
        url, purpose = document["id"], subject["statusPurpose"]
        if not isinstance(url, str) or not LIST_URL.fullmatch(url):
            refuse_status("its id is not an https URL")
        if subject["type"] != "BitstringStatusList" or subject["id"] != f"{url}#list":
            refuse_status("another subject")
        if purpose not in PURPOSES:
            refuse_status(f"unknown purpose {str(purpose)[:40]!a}")
        made = parse_timestamp(document["validFrom"])
        until = parse_timestamp(document["validUntil"])
        if until < made:
            refuse_status("validUntil is before validFrom")
        return cls(url, issuer, purpose, unpack(subject["encodedList"]), made, until)


def set_bit(bits: bytearray, index: int, *, value: bool) -> None:
    """Set or clear bit ``index``; bit 0 is in the highest place of the first byte."""
    mask = 1 << (7 - index % 8)
    bits[index // 8] = bits[index // 8] | mask if value else bits[index // 8] & ~mask


def pack(bits: bytes) -> str:
    """Return ``encodedList``: multibase base64url of the gzipped bits."""
    packed = gzip.compress(bits, mtime=0)  # no date: the same bits, the same text
    return "u" + urlsafe_b64encode(packed).decode().rstrip("=")


def unpack(text: object) -> bytes:
    """Return the bits in an ``encodedList``.

    Raises:
        LyrikstoreError: As :func:`inflate`.
    """
    bits = inflate(text)
    if len(bits) * 8 < STATUS_LIST_ENTRIES:
        refuse_status(
            f"a list of {pluralize(len(bits) * 8, 'entry')}; "
            f"fewer than {STATUS_LIST_ENTRIES} tell whose they are"
        )
    return bits


def inflate(text: object) -> bytes:
    """Return the bits in an ``encodedList`` of any length.

    Raises:
        FormatError: (``bad-status``) it is not base64url, not gzip, or has too many bits.
    """
    if not isinstance(text, str) or not _ENCODED.fullmatch(text):
        refuse_status("encodedList is not multibase base64url")
    bits = _unpack(text)
    if bits is None:
        _refuse_packing()
    return bits


@lru_cache(maxsize=16)  # ATTACK: a few lists, asked for by many attestations of one attester
def _unpack(text: str) -> bytes | None:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        packed = decode_base64url(text[1:], "bad-status")
        # ATTACK: 1.4 MB that unpack to 1 GiB. One byte more than is allowed is enough to know.
        bits = unpacker.decompress(packed, MAX_STATUS_LIST_BYTES + 1)
    except (FormatError, zlib.error):
        return None
    whole = unpacker.eof and not unpacker.unused_data
    return bits if whole and len(bits) <= MAX_STATUS_LIST_BYTES else None


def sign_list(
    url: str, purpose: str, bits: bytes, signer: Signer, made: datetime, valid_for: timedelta
) -> bytes:
    """Sign a status list; return it in canonical form, after reading it back and verifying it.

    Args:
        url: The https URL at which it will be published.
        purpose: One of :data:`PURPOSES`.
        bits: The bits, at least :data:`STATUS_LIST_ENTRIES`.
        signer: The issuer of its credentials.
        made: Now.
        valid_for: Time until a newer list is available.

    Raises:
        InvalidInputError: (``bad-url``) ``url`` is not an https URL.
    """
    if not LIST_URL.fullmatch(url):
        raise InvalidInputError(
            "bad-url", f"not an https URL: {url[:200]!a}", hint="such as https://example.org/status"
        )
    data = signed_list(url, purpose, bits, signer, made, valid_for)
    StatusList.of(OpenedCredential(data), parse_method_fragment)
    return data


def signed_list(
    url: str, purpose: str, bits: bytes, signer: Signer, made: datetime, valid_for: timedelta
) -> bytes:
    """Return a signed status list with any URL: :func:`sign_list` without its checks."""
    document: dict[str, JSON] = {
        "@context": [VC_CONTEXT],
        "id": url,
        "type": ["VerifiableCredential", LIST_TYPE],
        "issuer": signer.did,
        "validFrom": format_timestamp(made),
        "validUntil": format_timestamp(made + valid_for),
        "credentialSubject": {
            "id": f"{url}#list",
            "type": "BitstringStatusList",
            "statusPurpose": purpose,
            "encodedList": pack(bits),
        },
    }
    return encode(add_proof(document, signer, created=made))


def newest_first(
    stated: Iterable[OpenedCredential], issuer: str, at: datetime
) -> tuple[list[OpenedCredential], datetime | None]:
    """Return the lists to read, and the date of the newest list that is not read, or None.

    ATTACK: many old lists of the issuer next to a credential must not keep the list with the
    revocation from being read, at any place. The date of a list is signed, so the lists with the
    newest dates are read first; lists with a future date come last.

    Args:
        stated: The files that claim to be one list.
        issuer: The required issuer; lists that state another one are left out.
        at: The moment of the check.
    """
    order = [
        (one.made if one.made - at <= CLOCK_SKEW else BEGINNING, one)
        for one in stated
        if one.issuer in {None, issuer}
    ]
    order.sort(key=itemgetter(0), reverse=True)
    unread = order[MAX_STATUS_CANDIDATES:]
    return [one for _, one in order[:MAX_STATUS_CANDIDATES]], unread[0][0] if unread else None


def _refuse_packing() -> NoReturn:
    # In the same words whatever is wrong: one unpacker sees the end missing before another does.
    refuse_status(
        f"encodedList is not one gzip member of at most {MAX_STATUS_LIST_BYTES} bytes in base64url"
    )
