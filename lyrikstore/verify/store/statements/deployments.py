"""Checks that the deployments of a store fit the manifests they were made from (spec §11.9)."""

from collections.abc import Mapping

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.text import pluralize
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.deployment.deployment import KIND
from lyrikstore.verify.deployment.made_from import README, made_from_faults
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, not_applicable

_CHECK = "deployment.made-from"


def check_deployments(repository: Repository, manifests: Mapping[Digest, Manifest]) -> Check:
    """Return ``deployment.made-from`` over all deployments among ``manifests``.

    Args:
        repository: The store.
        manifests: The manifests in question; what one names and is not among them is skipped here,
            and reported under ``lineage``.

    Cost: one read of the tree of each deployment.
    """
    found = [one for one in manifests.values() if one.kind == KIND]
    if not found:
        return not_applicable(_CHECK, "nothing here was deployed")
    problems = Problems(_CHECK)
    for deployment in found:
        label = f"{deployment.name} ({deployment.id.short})"
        try:
            readme = repository.tree(deployment).by_path.get(README)
        except LyrikstoreError as error:
            problems.note(f"{label}: tree", error)
            continue
        digest = None if readme is None else readme.blake3
        for fault in made_from_faults(deployment, manifests.get, digest):
            problems.add(problems.bad, fault.code, f"{label}: {fault.text}")
    count = pluralize(len(found), "deployment fits", "deployments fit")
    return problems.close(f"{count} what was deployed", deployments=len(found))
