"""The place of a credential's status bit (spec §10.6)."""

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import JSON

PURPOSES = ("revocation", "suspension")
"""The purposes of a bit: permanent revocation, or temporary suspension."""

LIST_URL = re.compile(r"https://[!-~]{1,1990}")
"""Allowed URLs of status lists."""

LOG_LISTS = "https://w3id.org/lyrikstore/log-status/"
"""Prefix of the URLs of lists that are only in their issuer's log."""

_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")


class StatusEntry(Struct, frozen=True):
    """The place of a credential's status bit.

    Attributes:
        purpose: ``revocation`` or ``suspension``.
        index: Number of the bit, from 0.
        url: URL of the list.
    """

    purpose: str
    index: int
    url: str

    def to_json(self) -> dict[str, JSON]:
        """Return the entry in the form of ``credentialStatus``."""
        return {
            "id": f"{self.url}#{self.index}",
            "type": "BitstringStatusListEntry",
            "statusPurpose": self.purpose,
            "statusListIndex": str(self.index),
            "statusListCredential": self.url,
        }


def log_entries(credential: Digest) -> tuple[StatusEntry, ...]:
    """Return the places of the bits of a credential without ``credentialStatus``: rule 8.

    Args:
        credential: BLAKE3 of its canonical form.
    """
    return tuple(
        StatusEntry(purpose, 0, f"{LOG_LISTS}{credential.hex}/{purpose}") for purpose in PURPOSES
    )


def status_entries(document: Mapping[str, JSON]) -> tuple[StatusEntry, ...]:
    """Return the entries of a credential's ``credentialStatus``.

    Raises:
        FormatError: (``bad-status``) an entry is malformed, of an unknown type, or repeated.
    """
    stated = document.get("credentialStatus", [])
    entries = tuple(_entry(item) for item in (stated if isinstance(stated, list) else [stated]))
    if len({entry.purpose for entry in entries}) != len(entries):
        refuse_status("two entries of one purpose")
    return entries


def _entry(item: Any) -> StatusEntry:
    members = {"id", "type", "statusPurpose", "statusListIndex", "statusListCredential"}
    if not isinstance(item, dict) or item.get("type") != "BitstringStatusListEntry":
        refuse_status("an entry of an unknown type")
    if not {*members} - {"id"} <= item.keys() <= {*members, "statusSize"}:
        refuse_status("an entry with other members")
    purpose, index = item["statusPurpose"], item["statusListIndex"]
    url = item["statusListCredential"]
    if purpose not in PURPOSES:
        refuse_status(f"unknown purpose {str(purpose)[:40]!a}")
    # A string of digits and nothing else: 94567, 9e4, " 94567" and 94_567 are one number to some
    # readers and none, or another one, to others.
    if not isinstance(index, str) or not _INDEX.fullmatch(index):
        refuse_status("statusListIndex is not a string of digits")
    if not isinstance(url, str) or not LIST_URL.fullmatch(url):
        refuse_status("statusListCredential is not an https URL")
    size = item.get("statusSize", 1)  # true is 1 to Python, and to few others
    if item.get("id") == url or size is True or size != 1:
        refuse_status("an entry that names the list itself, or takes more than one bit")
    return StatusEntry(purpose, int(index), url)


def refuse_status(reason: str) -> NoReturn:
    """Raise the error of a malformed list or entry."""
    raise FormatError("bad-status", f"not a sound status list or entry: {reason}")
