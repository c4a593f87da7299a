"""Small truths about versions that commit and filter share."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.timestamps import Clock
from lyrikstore.crypto.signer import Signer
from lyrikstore.history.manifest import Attachment, Input, Manifest, sign_manifest
from lyrikstore.history.paths import Paths
from lyrikstore.history.repository import Repository
from lyrikstore.history.tree import Tree, pairs


@dataclass(frozen=True, slots=True)
class Statement:
    """What a new version would say, before it is signed.

    Attributes:
        kind: Manifest kind.
        name: Full name.
        body: As its schema wants it.
        tree: Its tree, if the kind has one.
        inputs: What it is made from.
        attachments: Further blobs.
    """

    kind: str
    name: str
    body: Mapping[str, Any]
    tree: Tree | None
    inputs: Sequence[Input] = ()
    attachments: Sequence[Attachment] = ()

    def repeats(self, current: Manifest | None) -> bool:
        """Return whether ``current`` says exactly this already."""
        return (
            current is not None
            and current.kind == self.kind
            and current.tree == (self.tree.id if self.tree is not None else None)
            and current.body == dict(self.body)
            and current.inputs == tuple(self.inputs)
            and set(current.attachments) == set(self.attachments)
        )

    def sign(
        self,
        repository: Repository,
        current: Manifest | None,
        *,
        signer: Signer,
        clock: Clock,
        message: str,
    ) -> Manifest:
        """Return the signed manifest that succeeds ``current``."""
        return sign_manifest(
            kind=self.kind,
            store=repository.store_id,
            name=self.name,
            body=self.body,
            signer=signer,
            created=clock(),
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


def tree_like(repository: Repository, manifest: Manifest, paths: Paths) -> Tree:
    """Return the tree of a version, cheaper if its paths are nearly always ``paths``."""
    if manifest.tree is None:
        return Tree(())
    with repository.blobs.open(manifest.tree) as stream:
        return Tree.parse(stream, like=paths)


def changed_paths(
    before: Tree | None, after: Tree
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the paths added, removed and changed (content or metadata), each in path order."""
    if before is None:
        return tuple(after.paths), (), ()
    if before.paths == after.paths:  # the usual case, at the speed of comparing bytes
        changed = [
            path
            for start in range(0, len(after), _RUN)
            if not _alike(before, after, start)
            for at, path in enumerate(after.paths[start : start + _RUN], start)
            if _record(before, at) != _record(after, at)
        ]
        return (), (), tuple(changed)
    added: list[str] = []
    removed: list[str] = []
    changed = []
    for was, at in pairs(before.paths, after.paths):
        if was < 0:
            added.append(after.paths[at])
        elif at < 0:
            removed.append(before.paths[was])
        elif _record(before, was) != _record(after, at):
            changed.append(after.paths[at])
    return tuple(added), tuple(removed), tuple(changed)


_RUN = 1024


def _alike(before: Tree, after: Tree, start: int) -> bool:
    run = slice(start * 32, (start + _RUN) * 32)
    return before.metas == after.metas and before.digests[run] == after.digests[run]


def _record(tree: Tree, at: int) -> tuple[bytes, Mapping[str, str] | None]:
    return tree.digests[at * 32 : at * 32 + 32], tree.metas.get(at)


def formats(paths: Sequence[str]) -> dict[str, int]:
    """Return how many paths have each suffix, in lower case; ``none`` for those without one."""
    dots = [path.rfind(".", path.rfind("/") + 2) for path in paths]  # none at a name's start
    found = Counter(
        [path[dot:] if dot > 0 else "none" for path, dot in zip(paths, dots, strict=True)]
    )
    counts: Counter[str] = Counter()
    for suffix, count in found.items():
        counts[suffix.lower()] += count
    return dict(counts)


def put_attachment(writer_put: Any, role: str, data: bytes) -> Attachment:
    """Store ``data`` with ``writer_put`` and return the attachment that names it."""
    digest: Digest = writer_put(data)
    return Attachment(role, digest, len(data))
