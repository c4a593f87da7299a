"""Rewriting of a logged deployment from the store, with the same bytes (spec §14.7.5)."""

from datetime import datetime
from pathlib import Path

from lyrikstore.canon.errors import InvalidInputError, PolicyError
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.context import StoreContext
from lyrikstore.deploy.build import FolderBuild
from lyrikstore.deploy.deploy import Deployment, in_place, verified
from lyrikstore.deploy.evidence import check_pushed, evidence_files
from lyrikstore.deploy.notice import notice_of
from lyrikstore.deploy.seal import DEPLOYMENT, check_has_effect
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree
from lyrikstore.publish.cards.approval import check_card_approved
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.issue.atomic_folder import building, check_place


def deploy_again(context: StoreContext, ref: str, destination: Path) -> Deployment:
    """Write the folder of a logged deployment again, after checking its rights again.

    Every file outside ``lyrikstore/``, the manifest, ``report.json`` and ``model.sig`` have the
    same bytes; log proofs and status lists may be newer. Nothing is written to the store.

    Args:
        context: The store, with its user's trust.
        ref: A deployment.
        destination: A folder that does not exist or is empty; its parent exists.

    Raises:
        InvalidInputError: (``wrong-object``) it is not a deployment; (``not-a-folder``) the
        destination is a file.
        ConflictError: (``not-empty``) the destination is not empty; (``not-pushed``) the
        deployment is not pushed from this clone.
        PolicyError: (``rights-missing``, ``not-approved``) as for :func:`deploy_checkpoint`; the
        card that counts is the one in the folder.
        VerificationError: (``not-verified``) the deployment has no effect, or one of its inputs
        does not verify; (``digest-mismatch``) the store is damaged.
        IncompleteError: (``retired``) the deployment, or one of its inputs, was retired.
        LyrikstoreError: Part of the deployment cannot be read.

    Cost: reads and hashes all inputs of the checkpoint, and writes the folder.
    """
    repo, clock = context.repository, context.clock
    check_place(destination)
    deployment = repo.resolve(ref)
    if deployment.kind != DEPLOYMENT:
        raise InvalidInputError(
            "wrong-object",
            f"{ref} is not a deployment",
            hint="list the deployments of a name: lyrikstore log deployments/NAMESPACE/NAME",
        )
    check_has_effect(repo, deployment)
    check_pushed(repo, [deployment.id])
    tree = present_tree(repo, deployment)
    checkpoint = repo.manifest(deployment.inputs_in("checkpoint")[0].id)
    card = next((repo.manifest(one.id) for one in deployment.inputs_in("card")), None)
    # ATTACK: a newer card was approved, and the folder has the one before.
    status = check_card_approved(repo, checkpoint, card, trust=context.trust, at=clock())
    report = verified(context, checkpoint)
    notice = notice_of(repo, gather(repo, checkpoint))
    _check_goes_on(repo, deployment, clock())
    with building(destination) as folder:
        built = FolderBuild(folder)
        built.check_out(tree, repo.blobs, context.progress)
        built.write(evidence_files(repo, deployment, clock()))
        result = Deployment(
            checkpoint=checkpoint,
            manifest=deployment,
            body=deployment.body,
            folder=destination,
            card=None if card is None else card.id,
            card_status=status,
            withheld=notice.withheld,
            rights=report.check("rights"),
        )
        return in_place(result, built)


def _check_goes_on(repo: Repository, deployment: Manifest, at: datetime) -> None:
    """Raise unless the folder's stated end of rights is still ahead; a renewal is not in it."""
    until = deployment.body["rights"].get("until")
    if until is not None and max(at, repo.floor()) > parse_timestamp(until):
        checkpoint = deployment.inputs_in("checkpoint")[0].id
        raise PolicyError(
            "rights-missing",
            f"{deployment.name} states that its rights ended at {until}; they were renewed since",
            hint=f"deploy its checkpoint again: lyrikstore deploy {checkpoint.hex} --to "
            f"{deployment.body['target']}",
        )
