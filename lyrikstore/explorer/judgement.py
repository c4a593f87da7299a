"""What is known about an object: the state that its badge shows on every page."""

from msgspec import Struct

from lyrikstore.web.texts import page_text


class Judgement(Struct, frozen=True):
    """What is known about an object.

    Attributes:
        state: ``unverified``, or a class of a state in the design, such as ``valid``, ``invalid``.
        word: The word on the badge.
        detail: What that means, or why.
    """

    state: str
    word: str
    detail: str


NOT_VERIFIED = Judgement(
    "unverified", page_text("explorer.not-verified"), page_text("explorer.not-verified-yet")
)
"""Of an object that was not verified yet."""
