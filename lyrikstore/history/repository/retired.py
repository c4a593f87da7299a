"""Retired versions: their list, and the refusal to read their data (spec §16.5).

Data that a signed retention retires is unavailable to readers at once, long before the last copy of
its bytes is deleted: otherwise it would depend on the state of some pack whether it can be read.
"""

from collections.abc import Iterable

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError
from lyrikstore.history.manifests.kinds import KINDS
from lyrikstore.history.manifests.manifest import Attachment, Manifest
from lyrikstore.history.manifests.names import Name
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree

_DEPLOYED = frozenset({"card", "checkpoint"})
"""Inputs of a deployment that its files contain: the card as README, the weights as model."""

_OF_RIGHTS = frozenset({"licence-text", "foreign-manifest"})
"""Attachments that stay, because later versions depend on them for their rights."""


class Retirements(Struct, frozen=True):
    """The versions that signed retentions retire.

    Attributes:
        versions: Versions whose files may be missing: those that a retention names, and the
            deployments of these.
        whole: The ones among them whose attachments may be missing as well, except the `records`
            manifests of such datasets. Reviews of datasets in ``versions`` lose theirs, too.
    """

    versions: frozenset[Digest] = frozenset()
    whole: frozenset[Digest] = frozenset()

    def gone(self, manifest: Manifest) -> tuple[Attachment, ...]:
        """Return the attachments of a manifest that may be missing, in their order."""
        about = {manifest.id}
        if manifest.kind == "records":  # salts are of the records of a dataset
            about.update(item.id for item in manifest.inputs_in("dataset"))
        # A review has labels of the records, and what people noted about them.
        reviewed = {item.id for item in manifest.inputs_in("dataset")}
        if manifest.kind == "review" and not self.versions.isdisjoint(reviewed):
            return removable(manifest)
        return () if self.whole.isdisjoint(about) else removable(manifest)

    def left(self, manifest: Manifest) -> tuple[Attachment, ...]:
        """Return the attachments of a manifest that must be present, in their order."""
        gone = self.gone(manifest)
        return tuple(one for one in manifest.attachments if one not in gone)


def removable(manifest: Manifest) -> tuple[Attachment, ...]:
    """Return the attachments that a retention retires: all that rights do not depend on."""
    return tuple(one for one in manifest.attachments if one.role not in _OF_RIGHTS)


def retirements(repository: Repository, more: Iterable[Digest] = ()) -> Retirements:
    """Return the versions that the retentions of a store retire.

    A retention counts if it moved its ref, for versions of the name in its body, which has the same
    namespace and name as the retention: a key that may sign ``retentions/acme/x`` retires only
    these, and deployments of such a card or checkpoint, whose files have the same content.

    Args:
        repository: The store.
        more: Versions that are about to be retired with their attachments.

    Raises:
        IncompleteError, VerificationError: As :attr:`Repository.table`.

    Cost: at first use of the store's refs, one read per manifest; then one lookup per name, once
    for each state of the log.
    """
    asked = frozenset(more)
    return _retirements(repository, asked) if asked else repository.derived(_retirements)


def _retirements(repository: Repository, more: frozenset[Digest] = frozenset()) -> Retirements:
    versions, whole = set(more), set(more)
    deployed: list[Manifest] = []
    for state in repository.refs.values():
        name = Name.parse(state.name)
        if name.prefix == KINDS["deployment"].prefix:
            deployed += map(repository.manifest, state.history)
        if name.prefix != KINDS["retention"].prefix:
            continue
        for identity in state.history:
            manifest = repository.manifest(identity)
            of = Name.parse(manifest.body["of"])
            if of.part == name.part:
                found = {
                    item.id
                    for item in manifest.inputs
                    if repository.manifest(item.id).name == str(of)
                }
                versions |= found
                whole |= found if manifest.body.get("attachments") else set()
    # ATTACK: the card that was retired is the README of a folder whose files stay.
    # ATTACK: who may retire a base model or an evaluation takes what others deployed with it.
    for one in deployed:
        if not versions.isdisjoint(item.id for item in one.inputs if item.role in _DEPLOYED):
            versions.add(one.id)
            whole.add(one.id)
    return Retirements(frozenset(versions), frozenset(whole))


def retired_versions(repository: Repository) -> frozenset[Digest]:
    """Return the versions whose data may be missing; raises as :func:`retirements`."""
    return retirements(repository).versions


def present_attachments(
    repository: Repository, manifest: Manifest, role: str
) -> tuple[Attachment, ...]:
    """Return the readable attachments in a role; all code that reads attachments calls this.

    Raises:
        IncompleteError: (``retired``) a signed retention retired them, whether or not their bytes
            still exist.
        LyrikstoreError: As :func:`retirements`.
    """
    found = manifest.attachments_in(role)
    if found and found[0] in retirements(repository).gone(manifest):
        raise _was_retired(repository, manifest, role)
    return found


def present_tree(repository: Repository, manifest: Manifest) -> Tree:
    """Return the tree of a version with readable data; all code that reads data calls this.

    Raises:
        IncompleteError: (``retired``) a signed retention names the version, whether or not its
            data still exists.
        LyrikstoreError: As :meth:`Repository.tree`.
    """
    if manifest.id in retired_versions(repository):
        raise _was_retired(repository, manifest, "data")
    return repository.tree(manifest)


def _was_retired(repository: Repository, manifest: Manifest, what: str) -> IncompleteError:
    # A deployment goes with its card and its checkpoint, and has no retention of its own then.
    along = [item.id for item in manifest.inputs if item.role in _DEPLOYED]
    names = [manifest.name, *(repository.manifest(identity).name for identity in along)]
    retentions = [f"retentions/{Name.parse(name).part}" for name in names]
    said = next((one for one in retentions if one in repository.refs), retentions[0])
    return IncompleteError(
        "retired",
        f"the {what} of {manifest.name} {manifest.id.short} was retired",
        hint=f"lyrikstore log {said} shows who retired it",
    )
