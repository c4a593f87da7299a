"""Options of ``verify`` for documents of profile ``w3c``."""

from msgspec import Struct


class Asked(Struct, frozen=True):
    """The options about a credential or presentation of other software.

    Attributes:
        resources: ``FILE``, ``FOLDER`` or ``URL=FILE``.
        challenge: The challenge that the user gave to the holder.
        domain: The user's name in the presentation.
        fetch: Whether to fetch DID documents and status lists.
    """

    resources: tuple[str, ...] = ()
    challenge: str | None = None
    domain: str | None = None
    fetch: bool = False

    def __bool__(self) -> bool:
        return bool(self.resources) or self.of_presentation

    @property
    def of_presentation(self) -> bool:
        """Whether the options are about a presentation, also where their values are empty."""
        return self.challenge is not None or self.domain is not None
