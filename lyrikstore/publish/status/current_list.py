"""The current status list of one URL and issuer, as the log of a store gives it (spec §10.6)."""

from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.json import parse
from lyrikstore.credentials.model.status_list import StatusList
from lyrikstore.crypto.multikey import did_key, parse_method_fragment

LIST_VALIDITY = timedelta(days=30)
"""Validity of a status list: after this time at most, every verifier sees a revocation."""


class CurrentList(Struct, frozen=True):
    """The current status list of one URL and issuer.

    Attributes:
        content: Its content, merged with the bits of lists made in other clones at the same time.
        data: The bytes of the newest signed list, to be published.
        whole: Whether ``data`` contains all bits of ``content``; otherwise it must be signed anew.
    """

    content: StatusList
    data: bytes
    whole: bool = True

    @property
    def signer(self) -> str:
        """The key that signed it, as ``did:key``, also where its issuer is an organisation."""
        method: str = parse(self.data)["proof"]["verificationMethod"]
        return did_key(parse_method_fragment(method))

    def continued_by(self, key: str, ours: frozenset[str]) -> bool:
        """Return whether the next list of this URL and issuer may be signed by ``key``.

        Args:
            key: As did:key.
            ours: The keys of the store's own users.
        """
        # ATTACK: a list in the name of our organisation, signed by a foreign key and imported with
        # a DID document that claims the key as ours: it would keep us from revoking.
        return key == self.signer or {key, self.signer} <= ours

    def is_half_through(self, at: datetime) -> bool:
        """Return whether half of its validity has passed, so that it should be renewed."""
        return (at - self.content.valid_from) * 2 >= LIST_VALIDITY


def joined(before: CurrentList, one: CurrentList) -> CurrentList:
    """Return the current list after the list ``one``, which was not seen before, was logged.

    Two clones may each make a list from the same one without knowledge of each other: the newer
    list must not undo what the other states. A revocation is permanent. A list changes one
    suspension at a time: a list that is older, or that changes more than one bit, was not made from
    ``before``, and ends no suspension.

    Args:
        before: The current list.
        one: Another list of the same URL and issuer, signed by a key that may continue it.
    """
    newer = one.content.valid_from > before.content.valid_from
    newest = one if newer else before
    old, new = before.content.bits, one.content.bits
    if len(old) != len(new):  # not made by this program
        return newest
    first, last = int.from_bytes(old), int.from_bytes(new)
    if newer and one.content.purpose == "suspension" and (first ^ last).bit_count() <= 1:
        return one
    bits = (first | last).to_bytes(len(new))
    whole = newest.whole and bits == newest.content.bits
    return CurrentList(replace(newest.content, bits=bits), newest.data, whole)
