"""What a user says about a document of profile ``w3c``, a credential or presentation of others."""

from msgspec import Struct


class Asked(Struct, frozen=True):
    """What the user said about a foreign document.

    Attributes:
        resources: ``FILE``, ``FOLDER`` or ``URL=FILE``.
        challenge: What the user gave a holder to be signed.
        domain: The user's own name in it.
        fetch: Whether to fetch what the document names.
    """

    resources: tuple[str, ...] = ()
    challenge: str | None = None
    domain: str | None = None
    fetch: bool = False

    def __bool__(self) -> bool:
        return bool(self.resources) or self.of_presentation

    @property
    def of_presentation(self) -> bool:
        """Whether a presentation is wanted: an empty answer is one that was asked for."""
        return self.challenge is not None or self.domain is not None
