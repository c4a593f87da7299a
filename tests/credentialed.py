"""Credentials about datasets, logged in the store of a test."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lyrikstore.credentials.issue import issue
from lyrikstore.credentials.model.credential import CredentialMetadata
from lyrikstore.credentials.model.dataset import build_dataset_credential
from lyrikstore.credentials.model.status_entry import StatusEntry
from lyrikstore.credentials.terms.model import Terms, whole
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository


def log_credential(
    repository: Repository,
    manifest: Manifest,
    issuer: Signer,
    terms: Terms | Sequence[str],
    valid: tuple[datetime, datetime],
    issuer_name: str | None = None,
    status: Sequence[StatusEntry] = (),
    **more: Any,
) -> bytes:
    """Return a credential about a logged dataset, now logged as well.

    Args:
        repository: Of the test.
        manifest: The dataset's version.
        issuer: Who signs it.
        terms: What it allows, or what it permits for all of the dataset.
        valid: From when, when it is signed too, and until when.
        issuer_name: What the issuer calls itself.
        status: Where its bits are in the issuer's status lists.
        more: As ``build_dataset_credential`` takes it.
    """
    document = build_dataset_credential(
        CredentialMetadata(issuer.did, *valid, issuer_name, status),
        manifest=manifest,
        tree=repository.tree(manifest),
        records=None,
        log_origin=repository.origin,
        log_index=repository.index_of(manifest.id),
        terms=terms if isinstance(terms, Terms) else whole(terms),
        **more,
    )
    data = issue(document, issuer, valid[0])
    with open_transaction(repository) as transaction:
        transaction.log_credential(data)
        transaction.commit()
    return data
