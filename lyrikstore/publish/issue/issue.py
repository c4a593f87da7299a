"""Issuing a credential so that it can be taken back: status places, signature, log (spec §20.6)."""

from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import JSON
from lyrikstore.canon.timestamps import Clock
from lyrikstore.context import StoreContext
from lyrikstore.credentials.issue import issue
from lyrikstore.credentials.model.credential import CredentialMetadata
from lyrikstore.credentials.model.status_entry import StatusEntry
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.identity.issuer import Issuer, own_keys
from lyrikstore.publish.identity.key_statements import credential_proof, store_statements
from lyrikstore.publish.status.status_registry import StatusRegistry, current_registry

Build = Callable[[CredentialMetadata], dict[str, JSON]]
"""Given whose it is and how it may end, returns the unsigned credential."""


class IssuedCredential(Struct, frozen=True):
    """A credential that was signed.

    Attributes:
        data: Its bytes.
        id: BLAKE3 of them.
        log_index: Where it stands in the log, or None if it was not logged.
        lists: The status lists that name it, by URL: what to publish, or to hand over with it.
        proof: Its log proof, or None: it keeps the credential good if the key is replaced later.
        did_document: The document of the organisation that issued it, or None.
        statements: What the issuer's store says of its keys, by file name.
    """

    data: bytes
    id: Digest
    log_index: int | None
    lists: dict[str, bytes]
    proof: bytes | None = None
    did_document: bytes | None = None
    statements: Mapping[str, bytes] = field(default_factory=dict)

    def files(self, path: Path) -> dict[str, bytes]:
        """Return the credential and what else its verifier needs: file name → bytes.

        Args:
            path: What the credential's own file is called; the others begin like it.
        """
        stem, named = path.stem, {path.name: self.data}
        if self.proof is not None:
            named[path.with_suffix(".tlog-proof").name] = self.proof
        if self.did_document is not None:
            named[f"{stem}-did.json"] = self.did_document
        for name, one in sorted(self.statements.items()):
            named[f"{stem}-{name}"] = one
        for url, one in sorted(self.lists.items()):
            named[f"{stem}-status-{url.rpartition('/')[2]}"] = one
        return named


def issue_alone(unsigned: dict[str, JSON], issuer: Issuer, clock: Clock) -> IssuedCredential:
    """Return a credential that no store knows and nobody can take back."""
    data = _issue(unsigned, issuer, clock)
    return IssuedCredential(data, Digest.of(data), None, {}, did_document=issuer.document)


def issue_logged(
    context: StoreContext,
    build: Build,
    metadata: CredentialMetadata,
    *,
    status_url: str | None,
    issuer: Issuer,
) -> IssuedCredential:
    """Return a credential that the store has logged, with new status lists where it needs any.

    Args:
        context: The issuer's store.
        build: Makes the unsigned credential.
        metadata: Of that credential, without its status.
        status_url: Below which the issuer publishes its lists; None: outsiders never learn
            that it was taken back.
        issuer: Who issues it.

    Raises:
        FormatError, InvalidInputError: What ``build`` makes is no credential.
    """
    repository, clock = context.repository, context.clock
    registry, entries = places_for(repository, status_url, issuer)
    lists = registry.signed(entries, issuer.signer, clock)
    data = _issue(build(replace(metadata, status=entries)), issuer, clock)
    with open_transaction(repository) as transaction:
        for one in issuer.to_log(repository):
            transaction.log_credential(one)
        for url, one in lists.items():
            if (url, issuer.did) not in registry.lists:
                transaction.log_credential(one)
        transaction.log_credential(data)
        index = transaction.commit()[-1]
    proof = credential_proof(repository, index)
    statements = store_statements(repository) if proof is not None else {}
    return IssuedCredential(data, Digest.of(data), index, lists, proof, issuer.document, statements)


def places_for(
    repository: Repository, status_url: str | None, issuer: Issuer
) -> tuple[StatusRegistry, tuple[StatusEntry, ...]]:
    """Return where a new credential's bits will be, and the book that knows the lists there.

    Args:
        repository: The issuer's store.
        status_url: Below which the issuer publishes its lists; None: outsiders never learn
            that it was taken back.
        issuer: Who issues it.
    """
    if status_url is None:
        return StatusRegistry(), ()
    registry = current_registry(repository)
    return registry, registry.reserve(status_url, issuer.signer, own_keys(repository.policy))


def _issue(unsigned: dict[str, JSON], issuer: Issuer, clock: Clock) -> bytes:
    issuer.pin(unsigned)
    return issue(unsigned, issuer.signer, clock())
