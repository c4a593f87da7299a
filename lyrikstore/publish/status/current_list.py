"""The current status list of one URL and issuer, as the log of a store gives it (spec §10.6)."""

from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.json import parse
from lyrikstore.credentials.model.status_list import StatusList
from lyrikstore.crypto.multikey import did_key, parse_method_fragment

LIST_VALIDITY = timedelta(days=30)
"""How long a list is good: buyers see revocations at the latest then."""


class CurrentList(Struct, frozen=True):
    """The current list of one URL and issuer.

    Attributes:
        content: What it says, and the bits of lists that were made elsewhere at the same time.
        data: Its bytes, to be published.
        whole: Whether ``data`` says all of that; else it is to be signed anew.
    """

    content: StatusList
    data: bytes
    whole: bool = True

    @property
    def signer(self) -> str:
        """The key that signed it, as ``did:key``, whatever name its issuer goes by."""
        method: str = parse(self.data)["proof"]["verificationMethod"]
        return did_key(parse_method_fragment(method))

    def continued_by(self, key: str, ours: frozenset[str]) -> bool:
        """Return whether the next list of this URL and issuer may be signed by ``key``.

        Args:
            key: As did:key.
            ours: The keys of the store's own people.
        """
        # ATTACK: a list in the name of our organisation by a key of somebody else's, taken in with
        # a document that says it is ours: it would keep us from revoking.
        return key == self.signer or {key, self.signer} <= ours

    def is_half_through(self, at: datetime) -> bool:
        """Return whether it is to be signed anew, so that it does not run out unseen."""
        return (at - self.content.valid_from) * 2 >= LIST_VALIDITY


def joined(before: CurrentList, one: CurrentList) -> CurrentList:
    """Return the current list after ``one``, never seen before, was logged.

    Two clones may each make a list from the same one, and neither knows of the other's: whichever
    is newer must not undo what the other says. A revocation is for good; and of suspensions a list
    changes one, so one that is older, or changes more, does not go on from ``before``, and ends
    none.

    Args:
        before: The current one.
        one: Another of the same URL and issuer, by who may continue it.
    """
    newer = one.content.valid_from > before.content.valid_from
    newest = one if newer else before
    old, new = before.content.bits, one.content.bits
    if len(old) != len(new):  # not made here
        return newest
    first, last = int.from_bytes(old), int.from_bytes(new)
    if newer and one.content.purpose == "suspension" and (first ^ last).bit_count() <= 1:
        return one
    bits = (first | last).to_bytes(len(new))
    whole = newest.whole and bits == newest.content.bits
    return CurrentList(replace(newest.content, bits=bits), newest.data, whole)
