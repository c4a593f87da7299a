"""The credentials that a card repeats: those that hold, as their publishers mean them."""

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.credentials.did import ResolvedKey
from lyrikstore.credentials.model.credential import (
    DATASET,
    GRANT,
    CredentialKind,
    issuer_of,
)
from lyrikstore.credentials.model.grant import Grant
from lyrikstore.credentials.model.logged import logged_credential
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.terms.model import Partition, Terms
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.cards.gathering.form import CardForm
from lyrikstore.publish.cards.organisations import LoggedDocuments
from lyrikstore.verify.rights.about import logged_terms
from lyrikstore.verify.rights.grants import Published
from lyrikstore.verify.rights.judge import LoggedDocument


class CredentialFacts(Struct, frozen=True):
    """A logged credential whose signature holds and is its issuer's.

    Attributes:
        id: BLAKE3 of its bytes.
        document: The signed document, without its proof.
        named_by: Of an organisation's, the DID document that lists the key; else None.
    """

    id: Digest
    document: dict[str, JSON]
    named_by: Digest | None = None

    @property
    def issuer(self) -> str:
        """Who issued it, a DID."""
        return issuer_of(self.document) or ""

    @property
    def terms(self) -> Terms:
        """The terms that a dataset credential states."""
        subject: Any = self.document["credentialSubject"]
        return Terms.of(subject["licence"])

    @property
    def duties(self) -> tuple[str, ...]:
        """The duties that a licence grant demands besides those of its terms."""
        subject: Any = self.document["credentialSubject"]
        return Grant.of(subject).requires

    @property
    def attribution(self) -> tuple[str, str]:
        """What to name, and whom: the issuer by the name that it has there, else by its DID."""
        subject: Any = self.document["credentialSubject"]
        issuer: Any = self.document["issuer"]
        called = issuer.get("name") if isinstance(issuer, dict) else None
        return str(subject["name"]), str(called or self.issuer)

    def end_of(self, partition: Partition) -> str | None:
        """Return the last moment at which a partition may be used; None: no end is stated."""
        until: Any = self.document.get("validUntil")
        return partition.limits.end(until)


class DatasetTerms(Struct, frozen=True):
    """Whose a dataset is, and what its publisher says of it.

    Attributes:
        credentials: The credentials about it, in log order.
        published: Of one that was imported, as its publisher knows it; else None.
        grants: The licence grants about it, in log order.
    """

    credentials: tuple[CredentialFacts, ...]
    published: Published | None = None
    grants: tuple[CredentialFacts, ...] = ()

    def relied_on(self, rights: Iterable[Mapping[str, Any]]) -> Iterator[CredentialFacts]:
        """Yield the grants that rights, as runs record them, rest on."""
        named = {right.get("grant") for right in rights}
        return (one for one in self.grants if str(one.id) in named)


def terms_about(
    repository: Repository,
    dataset: Manifest,
    cited: Container[Digest] | None,
    documents: LoggedDocuments,
    form: CardForm,
) -> DatasetTerms:
    """Return what a card has of the terms of a dataset.

    Args:
        repository: The store.
        dataset: The dataset.
        cited: Only these credentials count, whatever became known of their keys since; None: all
            that are logged and not by a key that was compromised by then.
        documents: Who signs for an organisation.
        form: How the card is written.

    Raises:
        LyrikstoreError: The manifest of its publisher cannot be read, or is of other data.
    """
    if not form.has_publishers_terms:
        about = credentials_about(repository, dataset.id, DATASET, documents)
        return DatasetTerms(tuple(one for one, _ in about if cited is None or one.id in cited))
    found = logged_terms(repository, dataset)

    def held(some: Iterable[LoggedDocument], kind: CredentialKind) -> tuple[CredentialFacts, ...]:
        counting = (one for one in some if (not one.suspect if cited is None else one.id in cited))
        each = (verified(one.opened, kind, documents) for one in counting)
        return tuple(filter(None, each))

    return DatasetTerms(
        held(found.credentials, DATASET),
        found.about if found.about.manifest != dataset.id else None,
        held(found.grants, GRANT),
    )


def credentials_about(
    repository: Repository, about: Digest, kind: CredentialKind, documents: LoggedDocuments
) -> Iterator[tuple[CredentialFacts, int]]:
    """Yield the credentials about a manifest or tree that hold, each with its log index."""
    for entry in repository.credentials_about(about):
        try:
            opened = logged_credential(repository, entry.id)
        except LyrikstoreError:
            continue
        found = verified(opened, kind, documents)
        if found is not None:
            yield found, entry.index


def attestations_of(
    repository: Repository,
    datasets: Iterable[Manifest],
    kind: CredentialKind,
    cited: Container[Digest] | None,
    documents: LoggedDocuments,
) -> dict[Digest, tuple[CredentialFacts, ...]]:
    """Return what others attested of the content of datasets: dataset → attestations."""
    found = {}
    for dataset in datasets:
        if dataset.tree is not None:
            about = credentials_about(repository, dataset.tree, kind, documents)
            known = tuple(one for one, _ in about if cited is None or one.id in cited)
            if known:
                found[dataset.id] = known
    return found


def verified(
    opened: OpenedCredential, kind: CredentialKind, documents: LoggedDocuments
) -> CredentialFacts | None:
    """Return a credential of a kind whose proof is its issuer's; None: it says nothing.

    Args:
        opened: The credential.
        kind: What it has to be.
        documents: Who signs for an organisation.
    """
    keys: list[ResolvedKey] = []
    try:
        opened.claims_as(kind)
        made = parse_timestamp((opened.document or {})["validFrom"])

        def resolve(method: str) -> PublicKey:
            keys.append(documents.find(method, made))
            return keys[0].key

        proven = opened.verify(resolve)
    except LyrikstoreError:
        return None
    if keys[0].did != opened.issuer:
        return None
    return CredentialFacts(opened.digest, proven.document_without_proof, keys[0].digest)
