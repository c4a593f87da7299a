"""Where the status bit of a credential is (spec §10.6)."""

from msgspec import Struct

from lyrikstore.canon.json import JSON


class StatusEntry(Struct, frozen=True):
    """Where a credential's bit is.

    Attributes:
        purpose: ``revocation`` or ``suspension``.
        index: Number of the bit, from 0.
        url: The list.
    """

    purpose: str
    index: int
    url: str

    def to_json(self) -> dict[str, JSON]:
        """Return the entry as ``credentialStatus`` holds it."""
        return {
            "id": f"{self.url}#{self.index}",
            "type": "BitstringStatusListEntry",
            "statusPurpose": self.purpose,
            "statusListIndex": str(self.index),
            "statusListCredential": self.url,
        }
