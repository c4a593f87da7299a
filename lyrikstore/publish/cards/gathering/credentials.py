"""Credentials in a card: valid dataset credentials, grants and attestations (spec §14.4.1)."""

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.credentials.did import ResolvedKey
from lyrikstore.credentials.model.credential import (
    CARD_ATTESTATION,
    DATASET,
    GRANT,
    CredentialKind,
    issuer_of,
)
from lyrikstore.credentials.model.grant import Grant
from lyrikstore.credentials.model.logged import logged_credential
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.model.opinion import OPINION_KINDS
from lyrikstore.credentials.terms.model import Partition, Terms
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.multikey import did_key
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.cards.gathering.form import CardForm
from lyrikstore.publish.cards.organisations import LoggedDocuments
from lyrikstore.verify.report import CheckState
from lyrikstore.verify.rights.about import logged_terms
from lyrikstore.verify.rights.grants import Published
from lyrikstore.verify.rights.judge import LoggedDocument
from lyrikstore.verify.store.statements.opinions import OpinionsHere


class CredentialFacts(Struct, frozen=True):
    """A logged credential with a valid signature of its issuer.

    Attributes:
        id: BLAKE3 of its bytes.
        document: The signed document, without its proof.
        named_by: For an organisation, the DID document that lists the key; else None.
        signer: The key that signed it, as did:key.
    """

    id: Digest
    document: dict[str, JSON]
    named_by: Digest | None = None
    signer: str = ""

    @property
    def issuer(self) -> str:
        """DID of its issuer."""
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
        """Name of the dataset, and name of the issuer in the credential, or else its DID."""
        subject: Any = self.document["credentialSubject"]
        issuer: Any = self.document["issuer"]
        called = issuer.get("name") if isinstance(issuer, dict) else None
        return str(subject["name"]), str(called or self.issuer)

    def end_of(self, partition: Partition) -> str | None:
        """Return the last moment at which a partition may be used, or None without an end."""
        until: Any = self.document.get("validUntil")
        return partition.limits.end(until)


class DatasetTerms(Struct, frozen=True):
    """The publisher of a dataset, and its terms.

    Attributes:
        credentials: The dataset credentials about it, in log order.
        published: For an imported dataset, its identity in its publisher's store; else None.
        grants: The licence grants about it, in log order.
    """

    credentials: tuple[CredentialFacts, ...]
    published: Published | None = None
    grants: tuple[CredentialFacts, ...] = ()

    def relied_on(self, rights: Iterable[Mapping[str, Any]]) -> Iterator[CredentialFacts]:
        """Yield the grants that recorded rights of runs rest on."""
        named = {right.get("grant") for right in rights}
        return (grant for grant in self.grants if str(grant.id) in named)


def terms_about(
    repository: Repository,
    dataset: Manifest,
    cited: Container[Digest] | None,
    documents: LoggedDocuments,
    form: CardForm,
) -> DatasetTerms:
    """Return the terms of a dataset for a card.

    Args:
        repository: The store.
        dataset: The dataset.
        cited: The credentials that count, whatever was logged about their keys later; None: all
            logged ones, except by keys that were compromised when they were logged.
        documents: The keys of organisations.
        form: Format of the card.

    Raises:
        LyrikstoreError: The manifest of its publisher cannot be read, or is about other data.
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
    """Yield the valid credentials about a manifest or tree, each with its log index."""
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
    """Return the attestations about the content of datasets: dataset → attestations."""
    found = {}
    for dataset in datasets:
        if dataset.tree is not None:
            about = credentials_about(repository, dataset.tree, kind, documents)
            known = tuple(one for one, _ in about if cited is None or one.id in cited)
            if known:
                found[dataset.id] = known
    return found


def opinions_on(
    repository: Repository,
    subject: Manifest,
    cited: Container[Digest] | None,
    documents: LoggedDocuments,
) -> tuple[CredentialFacts, ...]:
    """Return the opinions on a model that hold against this store, in log order.

    Args:
        repository: The store.
        subject: The model.
        cited: The credentials that count; None: all logged ones.
        documents: The keys of organisations.
    """
    here, found = OpinionsHere(repository), []
    for one, index in credentials_about(repository, subject.id, CARD_ATTESTATION, documents):
        about: Any = one.document["credentialSubject"]
        if about["attestation"]["kind"] not in OPINION_KINDS or about["type"] != "Checkpoint":
            continue
        # ATTACK A190: an opinion on another model, or on another log, taken in by an altered clone.
        opened = logged_credential(repository, one.id)
        held = here(opened, about, "")
        if held is not None and held.state is not CheckState.WARN:
            continue
        suspect = cited is None and repository.is_suspect(opened.data, index)
        if not suspect and (cited is None or one.id in cited):
            found.append(one)
    return tuple(found)


def verified(
    opened: OpenedCredential, kind: CredentialKind, documents: LoggedDocuments
) -> CredentialFacts | None:
    """Return a credential if it has this kind and a valid proof of its issuer, else None.

    Args:
        opened: The credential.
        kind: The required kind.
        documents: The keys of organisations.
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
    document, signer = proven.document_without_proof, did_key(keys[0].key)
    return CredentialFacts(opened.digest, document, keys[0].digest, signer)
