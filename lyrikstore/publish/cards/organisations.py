"""Who signs for an organisation: a key that a logged DID document lists under its did:web.

ATTACK: anybody who may write to the log can write such a document, too. A card believes nobody and
fetches nothing, so whatever rests on one says so beside the name; ``verify`` of the credential with
a document that is pinned or fetched tells more.
"""

from collections.abc import Container
from datetime import datetime
from functools import cached_property

from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.credentials.did import KnownDocument, ResolvedKey, Resolver, documents_among
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.cards.statement import CardStatement

ONLY_SAID = "only a DID document in the log says so, which anybody could have written"


class LoggedDocuments:
    """The DID documents in a log, read when an organisation's key is first asked for.

    Args:
        repository: The store.
        cited: What alone is looked at, as the author of a card knew it; None: all.
    """

    def __init__(self, repository: Repository, cited: Container[Digest] | None) -> None:
        self._repository, self._cited = repository, cited

    def find(self, method: str, at: datetime) -> ResolvedKey:
        """Return the key behind a verification method; raises as ``Resolver.find``."""
        if method.startswith("did:key:"):
            return Resolver().find(method, "assertionMethod", at)
        return self._resolver.find(method, "assertionMethod", at)

    @cached_property
    def _resolver(self) -> Resolver:
        found: list[KnownDocument] = []
        for entry in reversed(self._repository.entries()):  # of two that list a key, the newest
            if entry.type == "credential" and (self._cited is None or entry.id in self._cited):
                try:
                    found += documents_among([self._repository.credential(entry.id)])
                except LyrikstoreError:
                    continue  # what cannot be read names no key
        return Resolver(found)


def with_document(one: CardStatement, document: Digest | None) -> CardStatement:
    """Return a statement of an organisation's, with what alone says that the key is theirs.

    Args:
        one: The statement.
        document: Id of the DID document; None: whoever says so signs with a key of their own.
    """
    if document is None:
        return one
    called = f"{one.called or one.by} ({ONLY_SAID})"
    return replace(
        one, called=called, evidence=(*one.evidence, (document, f"document of {one.by}"))
    )
