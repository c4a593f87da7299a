"""Deliveries: a folder that a buyer can check without us, a store or a network (spec §14.1-14.3).

The credential is logged only once the data lies there checked, so that neither a half delivery nor
a credential for nothing is left behind.
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
    """Issue a credential about a dataset version and write the folder to hand over.

    Args:
        context: As for :func:`permit_dataset`.
        ref: A dataset version that is or was the current one of its name.
        destination: A folder that does not exist or is empty; its parent exists.
        offer: What the credential says beyond the manifest.
        issuance: In whose name, and how it may end; None: the signer's.
        valid_for: How long, from the clock's now, at most ten years; None for no end.
        version: A version label for people.
        to: To whom it is handed: a name for people, or a DID. With one the log says so for good;
            empty: it says nothing of that.

    Raises:
        InvalidInputError: As :func:`check_recipient`.
        StorageError: Storage backend error; nothing is left at the destination.
        LyrikstoreError: As :func:`permit_dataset`; as :func:`check_place`.

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
