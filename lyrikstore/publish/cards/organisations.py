"""Keys of organisations in a card, as DID documents in the log list them.

ATTACK: anybody who may write to the log can also write such a document. A card has no trust file
and fetches nothing, so a statement that rests on such a document notes this beside the name;
``verify`` of the credential with a pinned or fetched document proves more.
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
    """The DID documents in a log, read on first use.

    Args:
        repository: The store.
        cited: The documents that count, as the author of a card knew them; None: all.
    """

    def __init__(self, repository: Repository, cited: Container[Digest] | None) -> None:
        self._repository, self._cited = repository, cited

    def find(self, method: str, at: datetime) -> ResolvedKey:
        """Return the key of a verification method; raises as ``Resolver.find``."""
        if method.startswith("did:key:"):
            return Resolver().find(method, "assertionMethod", at)
        return self._resolver.find(method, "assertionMethod", at)

    @cached_property
    def _resolver(self) -> Resolver:
        documents: list[KnownDocument] = []
        for entry in reversed(self._repository.entries()):  # the newest that lists a key counts
            if entry.type == "credential" and (self._cited is None or entry.id in self._cited):
                try:
                    documents += documents_among([self._repository.credential(entry.id)])
                except LyrikstoreError:
                    continue  # an unreadable document lists no key
        return Resolver(documents)


def with_document(one: CardStatement, document: Digest | None) -> CardStatement:
    """Return the statement of an organisation, with the DID document that its key rests on.

    Args:
        one: The statement.
        document: Id of the DID document; None: a person signed it, and it is returned unchanged.
    """
    if document is None:
        return one
    called = f"{one.called or one.by} ({ONLY_SAID})"
    return replace(
        one, called=called, evidence=(*one.evidence, (document, f"document of {one.by}"))
    )
