"""Whose terms apply to a source, and what a log has of them (spec §19.6).

A dataset that was imported has its publisher's terms: those are about the version that the
publisher signed, not about the one that was signed here. The one look-up for whoever judges a use,
and for whatever shows terms.
"""

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.credentials.model.credential import DATASET, GRANT
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.rights.grants import Published, published
from lyrikstore.verify.rights.judge import LoggedDocument


class UnreadDocument(Struct, frozen=True):
    """A logged document about a source that cannot be read.

    Attributes:
        id: Its digest.
        reason: Why.
    """

    id: Digest
    reason: str


class LoggedTerms(Struct, frozen=True):
    """What a log has about a source. No signature was verified.

    Attributes:
        about: The source, as its publisher knows it.
        documents: All that name its publisher's version, each once, in log order. Those by a key
            that was compromised are marked ``suspect``.
        unread: What cannot be read, in log order.
    """

    about: Published
    documents: tuple[LoggedDocument, ...]
    unread: tuple[UnreadDocument, ...] = ()

    @property
    def credentials(self) -> tuple[LoggedDocument, ...]:
        """The dataset credentials that mean it by manifest, tree, name and store alike."""
        return tuple(one for one in self.documents if self._is_meant(one))

    @property
    def grants(self) -> tuple[LoggedDocument, ...]:
        """The licence grants that name it."""
        return tuple(one for one in self.documents if one.opened.kind is GRANT)

    def _is_meant(self, one: LoggedDocument) -> bool:
        if one.opened.kind is not DATASET:
            return False
        try:
            claims = one.opened.claims_as(DATASET)
        except LyrikstoreError:
            return False  # malformed: it says nothing
        # ATTACK A44: whoever is believed for some names says so of other data.
        return claims is not None and self.about.is_meant(claims)


def logged_terms(repository: Repository, source: Manifest) -> LoggedTerms:
    """Return what a store has logged about a dataset, as its publisher knows it.

    Args:
        repository: The store.
        source: A dataset; one that was made from others has its own identity.

    Raises:
        LyrikstoreError: That manifest is lost, damaged or not signed by its author.
        LyrikstoreError: As :func:`published`.

    Cost: one read per credential about it.
    """
    return logged_about(repository, published(repository, source))


def logged_about(repository: Repository, about: Published) -> LoggedTerms:
    """Return what a store has logged about a dataset that its publisher knows so.

    Cost: one read per credential about it.
    """
    documents: list[LoggedDocument] = []
    unread: list[UnreadDocument] = []
    for identity in dict.fromkeys(one.id for one in repository.credentials_about(about.manifest)):
        try:
            documents.append(LoggedDocument.read(repository, identity))
        except LyrikstoreError as error:
            unread.append(UnreadDocument(identity, error.message))
    return LoggedTerms(about, tuple(documents), tuple(unread))
