"""Deliveries: folders that a buyer can check without a store or a network (spec §14.1-14.3).

The credential is logged only after the data was written and checked, so that an interruption leaves
neither half a delivery nor a credential without one.
"""

from datetime import timedelta
from pathlib import Path

from lyrikstore.canon.json import parse
from lyrikstore.context import StoreContext
from lyrikstore.credentials.model.credential import Claims
from lyrikstore.curate.terms.offer import Offer
from lyrikstore.history.checkout.checkout import checkout_tree
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree
from lyrikstore.publish.deliveries import check_recipient
from lyrikstore.publish.identity.issuer import Issuance
from lyrikstore.publish.identity.key_statements import credential_proof, key_statements
from lyrikstore.publish.identity.log_heads import consistency_of
from lyrikstore.publish.imports.attestations import collect
from lyrikstore.publish.issue.atomic_folder import building, check_place, put_in_place, write_files
from lyrikstore.publish.issue.dataset import DatasetDraft, IssueResult, in_phase
from lyrikstore.publish.issue.readme import delivery_readme
from lyrikstore.publish.issue.record_commitment import Commitment


def issue_delivery(
    context: StoreContext,
    ref: str | Manifest,
    destination: Path | str,
    *,
    offer: Offer,
    issuance: Issuance | None = None,
    valid_for: timedelta | None = None,
    version: str | None = None,
    to: str = "",
) -> IssueResult:
    """Issue a credential about a dataset version and write the delivery folder.

    Args:
        context: As for :func:`permit_dataset`.
        ref: A dataset version that is or was the current one of its name.
        destination: A folder that does not exist or is empty; its parent exists.
        offer: The terms and statements of the credential beyond the manifest.
        issuance: The issuer's name, and where its status lists are published; None: the signer
            issues, without status lists.
        valid_for: Validity from now, at most ten years; None for no end.
        version: A version label for people.
        to: The recipient: a name for people, or a DID, which is logged permanently; empty: no
            recipient is logged.

    Raises:
        InvalidInputError: As :func:`check_recipient`.
        StorageError: Storage backend error; the destination stays as it was.
        LyrikstoreError: As :func:`permit_dataset` and :func:`check_place`.

    Cost: reads the data twice, and the version committed to before once; writes it once.
    """
    repository, manifest = context.repository, context.resolve(ref)
    destination = Path(destination)
    check_recipient(to)
    check_place(destination)
    draft = DatasetDraft.of(context, manifest, offer, issuance, valid_for, version, hands_on=True)
    with building(destination) as folder:
        commitment = draft.commit_records()
        data = folder / "data"
        progress = in_phase(context.progress, "data")
        checkout_tree(draft.tree, repository.blobs, data, progress=progress)
        document, result = draft.issue(commitment, to=to)
        documents = _documents(repository, draft.tree, commitment, result)
        documents.update(
            (f"status-{url.rpartition('/')[2]}", draft.lists[url]) for url in draft.lists
        )
        documents.update((file, data) for _, data, file in draft.texts)
        documents.update(draft.carried.files)
        issuer = draft.issuer
        if issuer.document is not None:
            documents[issuer.file_name] = issuer.document
        about = Claims.of(document["credentialSubject"])
        siblings, at = tuple(documents.values()), draft.metadata.valid_from
        documents.update(collect(repository, manifest, about, issuer.did, at, siblings))
        documents["README.md"] = delivery_readme(
            parse(result.credential), tuple(documents), result.licences
        ).encode()
        write_files(folder, documents)
        put_in_place(folder, destination)
    return result


def _documents(
    repository: Repository, tree: Tree, commitment: Commitment, issued: IssueResult
) -> dict[str, bytes]:
    manifest = issued.manifest
    documents = {
        "credential.json": issued.credential,
        "manifest.json": manifest.encode(),
        "records.json": commitment.manifest.encode(),
        "records.salts": commitment.salts,
        "tree.jsonl": tree.encode(),
        "genesis.json": repository.genesis.encode(),
        "log.tlog-proof": repository.proof_for(repository.index_of(manifest.id)).encode(),
        **consistency_of(repository),
    }
    proof = credential_proof(repository, issued.log_index)
    if proof is not None:
        documents["credential.tlog-proof"] = proof
    return documents | key_statements(repository)
