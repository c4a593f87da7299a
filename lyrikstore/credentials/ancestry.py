"""Manifests, their links and their blobs, checked one by one (spec/11-verification.md §6).

Every problem becomes a line that names the object; nothing stops at the first one.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, LyrikstoreError, NotFoundError
from lyrikstore.credentials.report import (
    Check,
    failed,
    listed,
    passed,
    quote,
    unchecked,
    warned,
)
from lyrikstore.history.manifest import Manifest, parse_manifest
from lyrikstore.history.refs import REASONS
from lyrikstore.history.repository import MAX_READ, Repository
from lyrikstore.history.tree import Tree

Progress = Callable[[int], None]
"""Is told the number of bytes just read."""

_PIECE = 1 << 20


@dataclass(slots=True)
class Problems:
    """What went wrong under one check.

    Attributes:
        check: Id of the check.
        bad: What fails it.
        lost: What could not be looked at.
        odd: What is only worth a warning.
    """

    check: str
    bad: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)

    def note(self, what: str, error: LyrikstoreError) -> None:
        """Add an error: lost where bytes are absent, bad otherwise."""
        absent = isinstance(error, IncompleteError | NotFoundError)
        (self.lost if absent else self.bad).append(f"{what}: {quote(error.message, 300)}")

    def close(self, summary: str, **detail: int | str) -> Check:
        """Return the check: failed, unchecked, warned, or passed with ``summary``."""
        facts = dict(detail)
        if self.bad:
            problems = [*self.bad, *self.lost]
            return failed(
                self.check, "problems", _text(problems), problems=listed(problems), **facts
            )
        if self.lost:
            return unchecked(
                self.check, "lost", _text(self.lost), problems=listed(self.lost), **facts
            )
        if self.odd:
            text = f"{summary}; {_text(self.odd)}"
            return warned(self.check, "noted", text, problems=listed(self.odd), **facts)
        return passed(self.check, summary, **facts)


def read_manifest(repository: Repository, identity: Digest) -> Manifest:
    """Return a logged manifest, read and verified anew: no cache is evidence.

    Raises:
        NotFoundError, IncompleteError: It is not logged as a manifest, or its bytes are gone.
        LyrikstoreError: It is no valid manifest.
    """
    repository.index_of(identity)
    return parse_manifest(repository.blobs.read(identity, max_bytes=MAX_READ))


def closure(repository: Repository, start: Digest, problems: Problems) -> dict[Digest, Manifest]:
    """Return the manifests that ``start`` was made from, itself first, breadth first.

    Args:
        repository: The store.
        start: Id of a logged manifest.
        problems: Takes what cannot be read.

    Cost: one read and one signature verification each.
    """
    found: dict[Digest, Manifest] = {}
    pending = deque([start])
    seen = {start}
    while pending:
        identity = pending.popleft()
        try:
            manifest = read_manifest(repository, identity)
        except LyrikstoreError as error:
            problems.note(identity.short, error)
            continue
        found[identity] = manifest
        for item in manifest.inputs:
            if item.id not in seen:
                seen.add(item.id)
                pending.append(item.id)
    return found


def check_links(repository: Repository, manifests: Iterable[Manifest], problems: Problems) -> int:
    """Check every input and parent of ``manifests``; return how many links there are.

    A link holds if it leads to a manifest of the kind it claims, logged earlier. So no lineage
    has a cycle, and nothing rests on what was never published (attack cases A17, A36, A39).
    """
    count = 0
    for manifest in manifests:
        index = repository.index_of(manifest.id)
        links: list[tuple[str, Digest, str | None]] = [
            (f"input {item.role}", item.id, item.kind) for item in manifest.inputs
        ]
        links += [("parent", parent, None) for parent in manifest.parents]
        for what, target, kind in links:
            count += 1
            label = f"{manifest.name} ({manifest.id.short}): {what} {target.short}"
            try:
                other = repository.manifest(target)
            except LyrikstoreError as error:
                # Not logged is no loss of bytes: the statement rests on nothing.
                if error.kind == "not-logged":
                    problems.bad.append(f"{label} is not a logged manifest")
                else:
                    problems.note(label, error)
                continue
            if repository.index_of(target) >= index:
                problems.bad.append(f"{label} was logged later")
            if kind is not None and other.kind != kind:
                problems.bad.append(f"{label} is a {other.kind}, not a {kind}")
            if kind is None and other.name != manifest.name:
                problems.bad.append(f"{label} is a version of {other.name}")
    return count


def check_contents(
    repository: Repository, manifests: Iterable[Manifest], problems: Problems
) -> dict[Digest, str]:
    """Check trees and attachments against what is stored; return every blob they name.

    Returns:
        Digest → where it is named, for the blobs that should be there.
    """
    named: dict[Digest, str] = {}
    for manifest in manifests:
        label = f"{manifest.name} ({manifest.id.short})"
        for attachment in manifest.attachments:
            named.setdefault(attachment.id, f"{label}: attachment {attachment.role}")
            _check_size(repository, attachment.id, attachment.bytes, label, problems)
        if manifest.tree is None:
            continue
        named.setdefault(manifest.tree, f"{label}: tree")
        try:
            tree = _read_tree(repository, manifest.tree)
        except LyrikstoreError as error:
            problems.note(f"{label}: tree", error)
            continue
        if tree.files_id != manifest.files:
            problems.bad.append(f"{label}: files is not its tree without metadata")
        for entry in tree.entries:
            named.setdefault(entry.blake3, f"{label}: {entry.path}")
            _check_size(repository, entry.blake3, entry.bytes, f"{label}: {entry.path}", problems)
    return named


def check_flags(repository: Repository, manifests: Iterable[Digest], problems: Problems) -> None:
    """Add every one of ``manifests`` that is logged without effect, with the reason.

    Raises:
        LyrikstoreError: A logged manifest cannot be read, so no ref can be known.
    """
    wanted = set(manifests)
    for item in repository.flagged:
        if item.id in wanted:
            reason = REASONS[item.reason]
            problems.bad.append(f"{item.id.short} at log entry {item.index}: {reason}")


def hash_blobs(
    repository: Repository,
    named: dict[Digest, str],
    problems: Problems,
    progress: Progress | None,
) -> int:
    """Read and hash every blob of ``named``; return the bytes read."""
    total = 0
    for digest, where in named.items():
        try:
            with repository.blobs.open(digest) as stream:
                while piece := stream.read(_PIECE):
                    total += len(piece)
                    if progress is not None:
                        progress(len(piece))
        except LyrikstoreError as error:
            problems.note(where, error)
    return total


def _read_tree(repository: Repository, identity: Digest) -> Tree:
    with repository.blobs.open(identity) as stream:
        return Tree.parse(stream)


def _check_size(
    repository: Repository, digest: Digest, expected: int, label: str, problems: Problems
) -> None:
    try:
        found = repository.blobs.size(digest)
    except LyrikstoreError as error:
        problems.note(label, error)
        return
    if found != expected:
        problems.bad.append(f"{label}: {found} bytes are stored, {expected} are signed")


def _text(problems: list[str]) -> str:
    shown = "; ".join(problem[:200] for problem in problems[:3])
    more = len(problems) - 3
    return f"{shown}; and {more} more" if more > 0 else shown
