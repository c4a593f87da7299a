"""Search for versions that still contain data of retired versions (spec §16.7)."""

from collections.abc import Collection, Set

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import JSON
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.liveness import files_of
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import Retirements, removable

_EMPTY = Digest.of(b"")


class StillHeld(Struct, frozen=True):
    """A version that is not retired and contains data of a retired version.

    Attributes:
        version: The version.
        by: ``files``: it has some of the same files; ``lineage``: it was made from a retired one.
    """

    version: Manifest
    by: str

    def to_json(self) -> dict[str, JSON]:
        """Return the version in the form of ``schemas/cli/gc.schema.json``."""
        one = self.version
        return {"id": str(one.id), "name": one.name, "kind": one.kind, "by": self.by}


def still_held(
    repository: Repository, retired: Retirements, gone: Collection[Digest]
) -> list[StillHeld]:
    """Return the versions that still contain data of the versions ``gone``, in log order.

    These are datasets, checkpoints and deployments with a file of ``gone``; datasets that were made
    from ``gone``, in any number of steps, and have records; evaluations of either with attachments,
    and checkpoints with scores of records that they were compared on; cards and deployments that
    cite such an evaluation. Records are not compared: a dataset in the list may contain some.

    Args:
        repository: The store.
        retired: All retired versions.
        gone: The versions whose data is searched for.

    Raises:
        IncompleteError, VerificationError, FormatError: A manifest or tree cannot be read.

    Cost: reads every manifest, the trees of ``gone``, and the other trees up to the first file that
    is the same.
    """
    if not gone:
        return []
    files = {
        blob
        for tree in {repository.manifest(one).tree for one in gone} - {None}
        if tree is not None
        for blob in files_of(repository, tree)
    } - {_EMPTY}
    same: dict[Digest, bool] = {}
    holding, found = set(gone), []
    for _, manifest in repository.all_manifests():
        if manifest.id in gone:
            continue
        by = ""
        if manifest.tree is not None and files and manifest.id not in retired.versions:
            if manifest.tree not in same:
                same[manifest.tree] = any(
                    blob in files for blob in files_of(repository, manifest.tree)
                )
            by = "files" if same[manifest.tree] else ""
        if _made_of(manifest, holding, gone):
            holding.add(manifest.id)
            by = by or "lineage"
        if by and manifest.id not in retired.versions:
            found.append(StillHeld(manifest, by))
    return found


def _made_of(manifest: Manifest, holding: Set[Digest], gone: Collection[Digest]) -> bool:
    match manifest.kind:
        case "dataset":
            made_from = manifest.made_from if manifest.body["records"] else []
            return not holding.isdisjoint(made_from)
        case "evaluation":
            tests = {item.id for item in manifest.inputs_in("test")}
            return bool(removable(manifest)) and not tests.isdisjoint(holding)
        case "checkpoint":  # what each candidate said of the records that it was compared on
            if not manifest.attachments_in("validation"):
                return False
            # By folds these are the training records, too (spec 13.6.7).
            by_folds = manifest.body.get("validation", {}).get("format") != "validation/1"
            roles = ("train", "validation") if by_folds else ("validation",)
            compared = {item.id for role in roles for item in manifest.inputs_in(role)}
            return not compared.isdisjoint(holding)
        case "card" | "deployment":
            return any(item.id in gone for item in manifest.inputs_in("evaluation"))
        case _:
            return False
