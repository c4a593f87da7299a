"""Finds the terms of a source that a log contains (spec §19.6).

An imported dataset has its publisher's terms: they are about the version that the publisher signed,
not about the version signed in this store. Checks of rights and displays of terms share this
look-up.
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
        reason: Why it cannot be read.
    """

    id: Digest
    reason: str


class LoggedTerms(Struct, frozen=True):
    """The logged documents about a source. No signature was verified.

    Attributes:
        about: The source, as its publisher knows it.
        documents: All documents that name the publisher's version, each once, in log order. Those
            signed by a compromised key are marked ``suspect``.
        unread: Documents that cannot be read, in log order.
    """

    about: Published
    documents: tuple[LoggedDocument, ...]
    unread: tuple[UnreadDocument, ...] = ()

    @property
    def credentials(self) -> tuple[LoggedDocument, ...]:
        """The dataset credentials whose manifest, tree, name and store all match the source."""
        return tuple(one for one in self.documents if self._is_meant(one))

    @property
    def grants(self) -> tuple[LoggedDocument, ...]:
        """The licence grants that name the source."""
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
    """Return the documents that a store has logged about a dataset's published version.

    Args:
        repository: The store.
        source: A dataset; if it was made from other datasets, its own version counts.

    Raises:
        LyrikstoreError: Its manifest is lost, damaged or not signed by its author.
        LyrikstoreError: As :func:`published`.

    Cost: one read per credential about it.
    """
    return logged_about(repository, published(repository, source))


def logged_about(repository: Repository, about: Published) -> LoggedTerms:
    """Return the documents that a store has logged about a published dataset.

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
