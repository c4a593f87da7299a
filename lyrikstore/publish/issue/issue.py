"""Issuing revocable credentials: status entries, signature, log (spec §20.6)."""

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
"""Function from metadata (issuer, validity, status entries) to the unsigned credential."""


class IssuedCredential(Struct, frozen=True):
    """A signed credential, with the files that its verifiers need.

    Attributes:
        data: Its bytes.
        id: BLAKE3 of its bytes.
        log_index: Its log index, or None if it was not logged.
        lists: Its status lists by URL: to publish, or to hand over with it.
        proof: Its log proof, or None; with it, the credential stays valid if the key is replaced.
        did_document: The DID document of the organisation that issued it, or None.
        statements: The key statements of the issuer's store, by file name.
    """

    data: bytes
    id: Digest
    log_index: int | None
    lists: dict[str, bytes]
    proof: bytes | None = None
    did_document: bytes | None = None
    statements: Mapping[str, bytes] = field(default_factory=dict)

    def files(self, path: Path) -> dict[str, bytes]:
        """Return the credential and the files that its verifier needs: file name → bytes.

        Args:
            path: File of the credential; the names of the other files begin with its stem.
        """
        stem, files = path.stem, {path.name: self.data}
        if self.proof is not None:
            files[path.with_suffix(".tlog-proof").name] = self.proof
        if self.did_document is not None:
            files[f"{stem}-did.json"] = self.did_document
        for name, statement in sorted(self.statements.items()):
            files[f"{stem}-{name}"] = statement
        for url, status_list in sorted(self.lists.items()):
            files[f"{stem}-status-{url.rpartition('/')[2]}"] = status_list
        return files


def issue_alone(unsigned: dict[str, JSON], issuer: Issuer, clock: Clock) -> IssuedCredential:
    """Return a signed credential that no store has logged and that cannot be revoked."""
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
    """Sign a credential, log it with any new status lists, and return it.

    Args:
        context: The issuer's store.
        build: Makes the unsigned credential.
        metadata: Metadata of the credential, without its status.
        status_url: The URL below which the issuer publishes its lists; None: a revocation is
            visible only in this log and its clones.
        issuer: The issuer of the credential.

    Raises:
        FormatError, InvalidInputError: ``build`` does not return a valid credential.
    """
    repository, clock = context.repository, context.clock
    registry, entries = places_for(repository, status_url, issuer)
    lists = registry.signed(entries, issuer.signer, clock)
    data = _issue(build(replace(metadata, status=entries)), issuer, clock)
    with open_transaction(repository) as transaction:
        for document in issuer.to_log(repository):
            transaction.log_credential(document)
        for url, status_list in lists.items():
            if (url, issuer.did) not in registry.lists:
                transaction.log_credential(status_list)
        transaction.log_credential(data)
        index = transaction.commit()[-1]
    proof = credential_proof(repository, index)
    statements = store_statements(repository) if proof is not None else {}
    return IssuedCredential(data, Digest.of(data), index, lists, proof, issuer.document, statements)


def places_for(
    repository: Repository, status_url: str | None, issuer: Issuer
) -> tuple[StatusRegistry, tuple[StatusEntry, ...]]:
    """Return the registry of status lists, and the status entries of a new credential.

    Args:
        repository: The issuer's store.
        status_url: The URL below which the issuer publishes its lists; None: no entries.
        issuer: The issuer of the credential.
    """
    if status_url is None:
        return StatusRegistry(), ()
    registry = current_registry(repository)
    return registry, registry.reserve(status_url, issuer.signer, own_keys(repository.policy))


def _issue(unsigned: dict[str, JSON], issuer: Issuer, clock: Clock) -> bytes:
    issuer.pin(unsigned)
    return issue(unsigned, issuer.signer, clock())
