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

NOT_ALONE = Judgement(
    "unverified", page_text("explorer.not-verified"), page_text("explorer.not-verified-alone")
)
"""Of an object of a store in which more does not hold than verification lists."""

SOUND = Judgement("pass", page_text("explorer.is-sound"), page_text("explorer.sound"))
"""Of an object whose signature, log entry, policy, links and rights hold, without its data."""

FLAGGED = Judgement("invalid", page_text("explorer.is-flagged"), page_text("explorer.flagged"))
"""Of a manifest that is logged and has no effect."""

PENDING = Judgement("unverified", page_text("explorer.verifying"), page_text("explorer.verifying"))
"""Of an object that is being verified with all its data."""
