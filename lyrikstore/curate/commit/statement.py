"""Helpers for the manifests of dataset versions, shared by commit and filter."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.context import StoreContext
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.diff import differences
from lyrikstore.history.trees.paths import TreePaths
from lyrikstore.history.trees.tree import Tree

MAX_TREE_BYTES = 4 << 30


class Statement(Struct, frozen=True):
    """The content of a new version's manifest, before it is signed.

    Attributes:
        kind: Manifest kind.
        name: Full name.
        body: The body, as the schema of the kind defines it.
        tree: The tree, if the kind has one.
        inputs: The manifests that the version is made from.
        attachments: Further blobs, by role.
    """

    kind: str
    name: str
    body: Mapping[str, Any]
    tree: Tree | None
    inputs: Sequence[Input] = ()
    attachments: Sequence[Attachment] = ()

    def repeats(self, current: Manifest | None) -> bool:
        """Return whether ``current`` already states exactly this content."""
        return (
            current is not None
            and current.kind == self.kind
            and current.tree == (self.tree.id if self.tree is not None else None)
            and current.body == dict(self.body)
            and current.inputs == tuple(self.inputs)
            and set(current.attachments) == set(self.attachments)
        )

    def sign(
        self, context: StoreContext, current: Manifest | None, signer: Signer, message: str
    ) -> Manifest:
        """Return the signed manifest that succeeds ``current``."""
        return sign_manifest(
            kind=self.kind,
            store=context.id,
            name=self.name,
            body=self.body,
            signer=signer,
            created=context.repository.signing_date(context.clock),
            parents=() if current is None else (current.id,),
            inputs=self.inputs,
            tree=None if self.tree is None else self.tree.id,
            files=None if self.tree is None else self.tree.files_id,
            message=message,
            attachments=self.attachments,
        )


def current_version(repository: Repository, name: str) -> Manifest | None:
    """Return the current version of a full name, or ``None`` if it has none yet."""
    state = repository.refs.get(name)
    return None if state is None else repository.manifest(state.id)


def tree_bytes(repository: Repository, current: Manifest | None) -> bytes:
    """Return the bytes of a version's tree; empty for no version or one without files."""
    if current is None or current.tree is None:
        return b""
    return repository.blobs.read(current.tree, max_bytes=MAX_TREE_BYTES)


def tree_like(repository: Repository, manifest: Manifest, paths: TreePaths) -> Tree:
    """Return the tree of a version; parsing costs less if most of its paths are in ``paths``."""
    if manifest.tree is None:
        return Tree(())
    with repository.blobs.open(manifest.tree) as stream:
        return Tree.parse(stream, like=paths)


def changed_paths(
    before: bytes, after: Tree
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the paths added, removed and changed (content or metadata), each in path order.

    Args:
        before: The bytes of the old tree; empty if there is no old version.
        after: The new tree.
    """
    if not before:
        return tuple(after.paths), (), ()
    found: tuple[list[str], list[str], list[str]] = ([], [], [])
    for item in differences(before, after.encode()):
        found[0 if not item.old else 1 if not item.new else 2].append(item.path)
    added, removed, changed = map(tuple, found)
    return added, removed, changed


def put_attachment(writer_put: Any, role: str, data: bytes) -> Attachment:
    """Store ``data`` with ``writer_put`` and return the attachment that names it."""
    digest: Digest = writer_put(data)
    return Attachment(role, digest, len(data))
