"""Retired versions: which they are, and that nobody is handed their data (spec §16.5).

What a signed retention retires is gone for readers at once, long before the last copy of its bytes
is deleted: else it would depend on the state of some pack whether it can be read.
"""

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError
from lyrikstore.history.manifests.kinds import KINDS
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.manifests.names import Name
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree


def retired_versions(repository: Repository) -> frozenset[Digest]:
    """Return the versions whose data need not be there.

    A retention counts if it moved its ref, for versions of the name in its body, which has the
    namespace and name of its own: who may sign ``retentions/acme/x`` retires nothing else.

    Raises:
        IncompleteError, VerificationError: As :attr:`Repository.table`.

    Cost: at first use of the store's refs, one read per manifest; then one look per retention.
    """
    retired: set[Digest] = set()
    for state in repository.refs.values():
        name = Name.parse(state.name)
        if name.prefix != KINDS["retention"].prefix:
            continue
        for identity in state.history:
            manifest = repository.manifest(identity)
            of = Name.parse(manifest.body["of"])
            if of.part == name.part:
                retired.update(
                    item.id
                    for item in manifest.inputs
                    if repository.manifest(item.id).name == str(of)
                )
    return frozenset(retired)


def present_tree(repository: Repository, manifest: Manifest) -> Tree:
    """Return the tree of a version whose data may be handed out: everything that does, asks here.

    Raises:
        IncompleteError: (``retired``) a signed retention names the version, whether or not its
            data is still there.
        LyrikstoreError: As :meth:`Repository.tree`.
    """
    if manifest.id in retired_versions(repository):
        raise IncompleteError(
            "retired",
            f"the data of {manifest.name} {manifest.id.short} was retired",
            hint=f"lyrikstore log retentions/{Name.parse(manifest.name).part} says by whom",
        )
    return repository.tree(manifest)
