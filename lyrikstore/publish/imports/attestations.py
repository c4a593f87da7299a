"""What others say about a dataset, as a store knows it: to be shown and handed on (spec §20.7)."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, LyrikstoreError
from lyrikstore.context import StoreContext
from lyrikstore.credentials.model.credential import Claims
from lyrikstore.credentials.model.logged import logged_credential
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.model.status_list import newest_first
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.identity.key_statements import credential_proof
from lyrikstore.verify.credential.attestation import (
    CheckedAttestation,
    check_attestation,
    looks_like_attestation,
)
from lyrikstore.verify.credential.issuer_key import statements_needed
from lyrikstore.verify.credential.key_statements import Statements, check_few
from lyrikstore.verify.credential.log_proofs import PROOF_HEAD
from lyrikstore.verify.credential.status import StatusUpdates, logged_status_updates
from lyrikstore.verify.report import CheckState

MAX_COLLECTED = 16
"""Attestations put into one delivery, the newest ones: a buyer's verifier looks at 32."""

MAX_STATEMENTS = 256
MAX_COLLECTED_BYTES = 1 << 21
"""Files that come with them: a buyer's verifier refuses a folder of more than 512."""


class Attested(Struct, frozen=True):
    """A logged attestation.

    Attributes:
        id: BLAKE3 of its bytes.
        opened: What it says.
        outcome: What its checks gave.
    """

    id: Digest
    opened: OpenedCredential
    outcome: CheckedAttestation


def attestations_about(
    context: StoreContext, manifests: Iterable[Manifest]
) -> dict[Digest, list[Attested]]:
    """Return the logged attestations about the content of datasets, oldest first.

    Args:
        context: The store, and who reads.
        manifests: The dataset versions.

    Returns:
        Manifest id → attestations, for each manifest.

    Cost: two reads per logged credential, however many versions.
    """
    repository = context.repository
    if all(entry.type != "credential" for entry in repository.entries()):
        return {one.id: [] for one in manifests}  # and no trust file is read for it
    trust, at, status_updates = context.trust, context.clock(), logged_status_updates(repository)
    return {
        one.id: []
        if one.tree is None
        else list(_about(repository, one.tree, status_updates, trust, at))
        for one in manifests
    }


def collect(
    repository: Repository,
    manifest: Manifest,
    about: Claims,
    publisher: str,
    at: datetime,
    siblings: Iterable[bytes],
) -> dict[str, bytes]:
    """Return the files to put next to a dataset credential: attestations that hold, what they need.

    Args:
        repository: The store.
        manifest: The dataset version.
        about: What the credential says.
        publisher: Who issues it.
        at: The moment of issuing.
        siblings: What else is put there.

    Returns:
        File name → bytes: attestations, the status lists they name, their issuers' DID documents,
        and what stores say of their issuers' keys.
    """
    if manifest.tree is None:
        return {}
    status_updates = logged_status_updates(repository)
    found = [
        one
        for one in _about(repository, manifest.tree, status_updates, Trust(), at, about, publisher)
        if not any(check.state is CheckState.FAIL for check in one.outcome.checks)
    ]
    files: dict[str, bytes] = {}
    for one in found[-MAX_COLLECTED:]:
        # Without all that is said of its key it would be worth more than it is, and stays here.
        try:
            said = _statements(one, status_updates.statements)
        except IncompleteError:
            continue
        size = sum(map(len, {**files, **said}.values()))
        if len(files) + len(said) > MAX_STATEMENTS or size > MAX_COLLECTED_BYTES:
            continue
        said[f"attestation-{one.id.short}.json"] = one.opened.data
        if _needs_proof(repository, one):
            proof = credential_proof(repository, repository.index_of(one.id, "credential"))
            if proof is not None:
                said[f"attestation-{one.id.short}.tlog-proof"] = proof
        for entry in one.opened.entries:
            issuer = one.opened.issuer or ""
            newest, _ = newest_first(status_updates.lists.get(entry.url, ()), issuer, at)
            if newest:
                said[f"attestation-{one.id.short}-{entry.purpose}.json"] = newest[0].data
        for known in status_updates.documents:
            if known.document.id == one.opened.issuer:
                said[f"attestation-{one.id.short}-did.json"] = known.data
        # ATTACK: an attester whose store says so much that nobody may read the delivery.
        if check_few((*siblings, *{**files, **said}.values())):
            files |= said
    return files


def _statements(one: Attested, statements: Statements) -> dict[str, bytes]:
    if one.outcome.envelope.document is None:
        return {}
    found = statements_needed(one.opened, statements)
    ending = {True: "tlog-proof", False: "json"}
    return {
        f"statement-{Digest.of(data).short}.{ending[data.startswith(PROOF_HEAD)]}": data
        for data in found
    }


def _needs_proof(repository: Repository, one: Attested) -> bool:
    """Return whether the attester had a role in this store and has none now."""
    return one.opened.signer in {retired.key for retired in repository.policy.retired}


def _about(
    repository: Repository,
    tree: Digest,
    status_updates: StatusUpdates,
    trust: Trust,
    at: datetime,
    about: Claims | None = None,
    publisher: str | None = None,
) -> Iterator[Attested]:
    for entry in repository.credentials_about(tree):
        try:
            one = logged_credential(repository, entry.id)
        except LyrikstoreError:
            continue  # verify names it
        if looks_like_attestation(one):
            outcome = check_attestation(
                one,
                trust=trust,
                at=at,
                status_updates=status_updates,
                about=about,
                publisher=publisher,
            )
            yield Attested(entry.id, one, outcome)
