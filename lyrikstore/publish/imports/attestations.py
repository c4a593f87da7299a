"""Logged attestations, to show and to add to deliveries (spec §20.7)."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, LyrikstoreError
from lyrikstore.context import StoreContext
from lyrikstore.credentials.model.credential import CARD_ATTESTATION, Claims
from lyrikstore.credentials.model.logged import logged_credential
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.model.opinion import SUBJECTS, is_opinion
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
from lyrikstore.verify.credential.card_attestation import check_card_attestation
from lyrikstore.verify.credential.issuer_key import statements_needed
from lyrikstore.verify.credential.key_statements import Statements, check_few
from lyrikstore.verify.credential.log_proofs import PROOF_HEAD
from lyrikstore.verify.credential.status import StatusUpdates, logged_status_updates
from lyrikstore.verify.report import CheckState
from lyrikstore.verify.store.statements.opinions import OpinionsHere

MAX_COLLECTED = 16
"""Number of attestations in one delivery, the newest ones; a buyer's verifier reads 32."""

MAX_STATEMENTS = 256
MAX_COLLECTED_BYTES = 1 << 21
"""Limits of their files; a buyer's verifier refuses a folder of more than 512 files."""


class Attested(Struct, frozen=True):
    """A logged attestation.

    Attributes:
        id: BLAKE3 of its bytes.
        opened: The attestation.
        outcome: Result of its checks.
    """

    id: Digest
    opened: OpenedCredential
    outcome: CheckedAttestation


def attestations_about(
    context: StoreContext, manifests: Iterable[Manifest]
) -> dict[Digest, list[Attested]]:
    """Return the logged attestations about datasets, models and cards, oldest first.

    Of a dataset these are the attestations about its content, of a model or a card the opinions.

    Args:
        context: The store, and the reader's trust file and clock.
        manifests: The versions.

    Returns:
        Manifest id → attestations, for each manifest.

    Cost: two reads per logged credential, for any number of versions.
    """
    repository = context.repository
    if all(entry.type != "credential" for entry in repository.entries()):
        return {one.id: [] for one in manifests}  # without reading the trust file
    trust, at, status_updates = context.trust, context.clock(), logged_status_updates(repository)
    found: dict[Digest, list[Attested]] = {}
    for one in manifests:
        about: Iterator[Attested] = iter(())
        if one.kind in SUBJECTS:
            about = _opinions(repository, one.id, status_updates, trust, at)
        elif one.tree is not None:
            about = _about(repository, one.tree, status_updates, trust, at)
        found[one.id] = list(about)
    return found


def opinions_on_store(context: StoreContext) -> list[Attested]:
    """Return the logged opinions on the whole store, oldest first.

    Args:
        context: The store, and the reader's trust file and clock.

    Cost: two reads per logged credential.
    """
    repository = context.repository
    if not repository.credentials_about(repository.store_id):
        return []  # without reading the trust file
    trust, at, status_updates = context.trust, context.clock(), logged_status_updates(repository)
    return list(_opinions(repository, repository.store_id, status_updates, trust, at))


def collect(
    repository: Repository,
    manifest: Manifest,
    about: Claims,
    publisher: str,
    at: datetime,
    siblings: Iterable[bytes],
) -> dict[str, bytes]:
    """Return the valid attestations about a dataset, for a delivery, with the files they need.

    Args:
        repository: The store.
        manifest: The dataset version.
        about: The claims of the dataset credential.
        publisher: DID of its issuer.
        at: The moment of issuing.
        siblings: The other files of the delivery.

    Returns:
        File name → bytes: attestations, the status lists they name, their issuers' DID documents,
        and key statements of their issuers' stores.
    """
    if manifest.tree is None:
        return {}
    status_updates = logged_status_updates(repository)
    valid = [
        one
        for one in _about(repository, manifest.tree, status_updates, Trust(), at, about, publisher)
        if not any(check.state is CheckState.FAIL for check in one.outcome.checks)
    ]
    files: dict[str, bytes] = {}
    for one in valid[-MAX_COLLECTED:]:
        # An attestation without all statements about its key would be believed too much: omit it.
        try:
            new = _statements(one, status_updates.statements)
        except IncompleteError:
            continue
        size = sum(map(len, {**files, **new}.values()))
        if len(files) + len(new) > MAX_STATEMENTS or size > MAX_COLLECTED_BYTES:
            continue
        new[f"attestation-{one.id.short}.json"] = one.opened.data
        if _needs_proof(repository, one):
            proof = credential_proof(repository, repository.index_of(one.id, "credential"))
            if proof is not None:
                new[f"attestation-{one.id.short}.tlog-proof"] = proof
        for entry in one.opened.entries:
            issuer = one.opened.issuer or ""
            newest, _ = newest_first(status_updates.lists.get(entry.url, ()), issuer, at)
            if newest:
                new[f"attestation-{one.id.short}-{entry.purpose}.json"] = newest[0].data
        for known in status_updates.documents:
            if known.document.id == one.opened.issuer:
                new[f"attestation-{one.id.short}-did.json"] = known.data
        # ATTACK: an attester whose store has so many statements that verifiers refuse the delivery.
        if check_few((*siblings, *{**files, **new}.values())):
            files |= new
    return files


def _statements(one: Attested, statements: Statements) -> dict[str, bytes]:
    if one.outcome.envelope.document is None:
        return {}
    ending = {True: "tlog-proof", False: "json"}
    return {
        f"statement-{Digest.of(data).short}.{ending[data.startswith(PROOF_HEAD)]}": data
        for data in statements_needed(one.opened, statements)
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
            continue  # `verify` reports it
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


def _opinions(
    repository: Repository,
    about: Digest,
    status_updates: StatusUpdates,
    trust: Trust,
    at: datetime,
) -> Iterator[Attested]:
    here = OpinionsHere(repository)
    for entry in repository.credentials_about(about):
        try:
            one = logged_credential(repository, entry.id)
        except LyrikstoreError:
            continue  # `verify` reports it
        if one.kind is not CARD_ATTESTATION or not is_opinion(one.document):
            continue
        outcome = check_card_attestation(
            one, trust=trust, at=at, status_updates=status_updates, here=here
        )
        yield Attested(entry.id, one, outcome)
