"""Admission: checks of blobs and records of other writers before publishing (spec §7.6)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    InvalidInputError,
    LyrikstoreError,
    RemoteError,
    StorageError,
)
from lyrikstore.canon.limits import MAX_CREDENTIAL_BYTES
from lyrikstore.crypto.proofs.eddsa_jcs import signed_by
from lyrikstore.history.commit.completeness import Reachable
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore.history.policy.policy import Policy
from lyrikstore.history.repository.refs import RefTable
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.store_view import MAX_READ
from lyrikstore.history.trees.tree import Tree
from lyrikstore.objects.pack.builder import is_whole
from lyrikstore.objects.store.blobs import BlobStore
from lyrikstore.objects.store.transactions import PackChanges, Transaction, TransactionLog


def acceptable(repository: Repository, seq: int) -> RefTable | None:
    """Return the refs after record ``seq``; None unless every holder of a log key may publish it.

    So a writer that crashed after it won a slot blocks no other. The record must be one that its
    authors and the policy in force allow to be published: each manifest in it is signed by a key
    that the policy allows to sign it, and takes effect; each credential is signed by a key that
    some role of the policy names; it drops no pack; its packs are whole, and every blob that a
    manifest names exists.

    Args:
        repository: The published state of the store; ``seq`` is the next record.
        seq: Number of the record.

    Returns:
        The refs and the policy after the record, or None if it may not be published.

    Raises:
        StorageError, RemoteError: Storage backend error; the answer is not known.

    Cost: reads the record's packs whole.
    """
    try:
        record = TransactionLog(repository.backend).read(seq)
        return _acceptable(repository, record)
    except (StorageError, RemoteError):
        raise
    except LyrikstoreError:
        return None


def _acceptable(repository: Repository, record: Transaction) -> RefTable | None:
    # ATTACK: whoever can write to the store plants a record and has it signed by the log key.
    # It can hold nothing but what the policy's own people signed for this place in history.
    if record.dropped or not record.log:
        return None
    live = repository.live
    changes = PackChanges(record.added, record.chunk_lists)
    if not all(is_whole(repository.backend, pack) for pack in record.added):
        return None
    lists = dict(record.chunk_lists)
    if any(live.chunk_lists.get(blob, listed) != listed for blob, listed in lists.items()):
        return None  # a blob that is there already keeps its chunk list
    blobs = BlobStore(
        repository.backend,
        (*live.packs, *record.added),
        (*live.chunk_lists.items(), *record.chunk_lists),
    )
    table = repository.home_table.copy()
    manifests: list[Manifest] = []
    for index, item in enumerate(record.log, len(repository.entries())):
        if item.type == "credential":
            data = blobs.read(item.id, max_bytes=MAX_CREDENTIAL_BYTES)
            if table.policy is None or not _issued_by_us(data, table.policy):
                return None
            continue
        manifest = parse_manifest(blobs.read(item.id, max_bytes=MAX_READ))
        known = {one.id: one.kind for one in manifests}
        for given in manifest.inputs:
            kind = known.get(given.id) or repository.manifest(given.id).kind
            if kind != given.kind:
                return None
        if table.apply(index, manifest) is not None:
            return None
        manifests.append(manifest)
    require_blobs(repository, manifests, changes)
    return table


def _issued_by_us(data: bytes, policy: Policy) -> bool:
    author = signed_by(data)
    return any(role.threshold == 1 and author in role.keys for role in policy.roles.values())


def require_blobs(
    repository: Repository,
    manifests: Sequence[Manifest],
    changes: PackChanges,
    trees: Mapping[Digest, Tree] = MappingProxyType({}),
    *,
    new: Mapping[Digest, Sequence[int]] = MappingProxyType({}),
    repacked: Sequence[Digest] = (),
) -> None:
    """Raise `blob-missing` unless every blob that the manifests name will be in the store.

    Args:
        repository: The store.
        manifests: The manifests to be logged.
        changes: The packs added with them.
        trees: Trees that need not be read.
        new: Manifest → the positions in its tree of files that the version before does not have.
        repacked: The ids to be logged, if ``gc`` ran since the packs were used: then these and
            every chunk of every blob are checked.

    Raises:
        InvalidInputError: (``bad-manifest``) ``files`` is not the tree without metadata.
        LyrikstoreError: As :meth:`Reachable.require`.
    """
    found = Reachable(repository, changes, thorough=bool(repacked))
    for identity in repacked:
        found.require(identity, None, "a logged document")
    for manifest in manifests:
        for attachment in manifest.attachments:
            found.require(attachment.id, manifest, f"attachment {attachment.role}")
        if manifest.tree is None:
            continue
        found.require(manifest.tree, manifest, "tree")
        tree = trees.get(manifest.tree) or found.tree(manifest.tree)
        if tree.files_id != manifest.files:
            raise InvalidInputError(
                "bad-manifest", f"{manifest.name}: files is not its tree without metadata"
            )
        found.require_all(tree, manifest, new.get(manifest.id))
