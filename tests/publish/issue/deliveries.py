"""Deliveries of a dataset: issued, verified without the store, and what they hold."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

from lyrikstore.canon.digest import Digest
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.curate.readers import iter_records
from lyrikstore.curate.terms.measures import Measurement
from lyrikstore.curate.terms.offer import Offer
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.trees.tree import TreeEntry
from lyrikstore.publish.identity.issuer import Issuance
from lyrikstore.publish.issue.dataset import IssueResult
from lyrikstore.publish.issue.delivery import issue_delivery
from lyrikstore.verify.delivery.delivery import verify_delivery
from lyrikstore.verify.delivery.folder import FolderData, read_siblings
from lyrikstore.verify.report import Report
from tests.contexts import context_of


def issue(chain: Any, manifest: Manifest, folder: Path, **changes: Any) -> IssueResult:
    arguments: dict[str, Any] = {
        "offer": Offer.of_words(("train", "evaluate")),
        "valid_for": timedelta(days=365),
        "issuance": Issuance(name="Acme Data Ltd"),
    }
    who = {"signer": chain.signer, "clock": chain.clock}
    who |= {
        name: changes.pop(name)
        for name in ("signer", "clock", "trust", "progress")
        if name in changes
    }
    context = context_of(chain.repository, **who)
    return issue_delivery(context, manifest, folder, **{**arguments, **changes})


def records_of(reader: str, entry: TreeEntry, stream: BinaryIO) -> Iterable[Digest]:
    return [record.id for record in iter_records(reader, entry.path, stream)]


def verify(chain: Any, folder: Path) -> Report:
    credential = folder / "credential.json"
    return verify_delivery(
        OpenedCredential(credential.read_bytes()),
        siblings=read_siblings(credential),
        data=FolderData(folder / "data"),
        record_ids=records_of,
        trust=Trust((TrustedIssuer(chain.signer.did, "me"),)),
        at=chain.clock(),
        recompute=Measurement,
    )


def size(chain: Any) -> int:
    return int(chain.repository.checkpoint.size)
