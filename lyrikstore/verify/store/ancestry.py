"""Manifests, their links and their blobs, checked one by one (spec §11.6).

Every problem becomes a line that names the object; nothing stops at the first one.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from threading import Event
from typing import Self

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.progress import OnProgress
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.partial_clone import is_audited
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import Retirements, retirements
from lyrikstore.history.repository.store_view import MAX_READ
from lyrikstore.history.trees.tree import Tree
from lyrikstore.objects.check.checker import find_damaged
from lyrikstore.objects.chunk.stream import NOT_FETCHED
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check
from lyrikstore.verify.store.events import note_events

_READ_BYTES = 1 << 20


class Mention(Struct, frozen=True):
    """A place in a manifest or tree that names a blob.

    Attributes:
        id: The blob.
        bytes: Its signed length; None if nobody signed one.
        where: The place, for people.
        optional: Whether a partial clone may leave the blob out.
    """

    id: Digest
    bytes: int | None
    where: str
    optional: bool

    def note(self, problems: Problems, error: LyrikstoreError) -> None:
        """Add an error of reading the blob to the problems of a check."""
        # ATTACK A187: a copy without data in which a document is lost, too.
        if error.kind == NOT_FETCHED and not self.optional:
            problems.lost.append(f"{self.where}: blob {self.id.short} is not in this store")
        else:
            problems.note(self.where, error)


class BackgroundCheck:
    """A task in a second thread, as a context manager.

    If the block ends with an error, or an interrupt, the work is stopped.

    Args:
        work: The task; its argument is an event that is set when it should stop.
    """

    def __init__(self, work: Callable[[Event], Check]) -> None:
        self._stopped = Event()
        self._pool = ThreadPoolExecutor(1)
        self._future = self._pool.submit(work, self._stopped)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._pool.shutdown()

    def result(self) -> Check:
        """Wait for the work and return its result, or raise its exception."""
        return self._future.result()


def check_links(repository: Repository, lineage: Lineage) -> Check:
    """Return ``lineage``: whether every link names an earlier logged manifest of the stated kind.

    So no lineage has a cycle, and no manifest rests on one that was never published (attack cases
    A17, A36, A39). Links are inputs, parents, and the credentials that deliveries and withdrawals
    name.
    """
    problems = Problems("lineage")
    parents = [one for manifest in lineage.values() for one in manifest.parents]
    linked = {*(edge.parent for edge in lineage.edges), *parents}
    for one in lineage.problems:
        if one.error is None:
            problems.bad.append(one.summary)
        elif one.kind == "unlogged":  # no loss of bytes: the statement rests on nothing
            problems.bad.append(f"{one.id.short} is named and is not a logged manifest")
        elif one.id in linked:
            problems.note(one.id.short, one.error)
    note_events(repository, lineage.values(), problems)
    count = len(lineage.edges) + len(parents)
    links = pluralize(count, "link leads", "links lead")
    return problems.close(f"{links} to earlier manifests", links=count)


def check_contents(
    repository: Repository, manifests: Iterable[Manifest], problems: Problems
) -> Mapping[bytes, int]:
    """Check trees and attachments against the stored blobs; return every blob they name.

    Returns:
        Raw digest → length, for the blobs that should be stored.

    Cost: one read of every tree and one pass over the indexes of all packs; some 100 bytes of
    memory per blob, in however many versions it is.
    """
    manifests = list(manifests)
    retired = known_retirements(repository)
    sizes: dict[bytes, int] = {}
    doubtful: set[bytes] = set()
    for manifest in manifests:
        tree = _tree(repository, manifest, problems)
        if tree is not None:
            if tree.files_id != manifest.files:
                problems.bad.append(f"{_label(manifest)}: files is not its tree without metadata")
            if manifest.id in retired.versions:
                # Its data may be gone by a signed decision: retired, never lost.
                count = pluralize(len(tree.sizes), "file")
                text = f"{_label(manifest)}: the data of its {count} is retired"
                problems.add(problems.warnings, "retired", text)
            else:
                for at, size in enumerate(tree.sizes):
                    raw = tree.digests[at * 32 : at * 32 + 32]
                    if sizes.setdefault(raw, size) != size:
                        doubtful.add(raw)
        if gone := retired.gone(manifest):
            said = pluralize(len(gone), "attachment is", "attachments are")
            problems.add(problems.warnings, "retired", f"{_label(manifest)}: {said} retired")
        for attachment in retired.left(manifest):
            if sizes.setdefault(attachment.id.raw, attachment.bytes) != attachment.bytes:
                doubtful.add(attachment.id.raw)
    doubtful.update(repository.blobs.differing(sizes))
    for named in _mentions(repository, manifests, doubtful):
        if named.bytes is not None:
            _check_size(repository, named, problems)
    sizes.update((manifest.tree.raw, 0) for manifest in manifests if manifest.tree is not None)
    return sizes


def _tree(repository: Repository, manifest: Manifest, problems: Problems) -> Tree | None:
    """Return the tree of a manifest; None, and a problem, if it has one that cannot be read."""
    if manifest.tree is None:
        return None
    try:
        return repository.tree(manifest)
    except LyrikstoreError as error:
        where, optional = f"{_label(manifest)}: tree", repository.is_for_audit
        Mention(manifest.tree, None, where, optional=optional).note(problems, error)
        return None


def check_sums(repository: Repository, manifests: Iterable[Manifest], problems: Problems) -> None:
    """Check that the SHA-256 sums of checkpoints are those of their files (attack case A20).

    :func:`hash_blobs` reports absent and damaged files.

    Cost: one read of the files of every checkpoint.
    """
    retired = known_retirements(repository)
    for manifest in manifests:
        stated = manifest.attachments_in("sha256sums")
        if not stated or manifest.id in retired.versions:
            continue
        if stated[0].bytes > MAX_READ:
            size = pluralize(stated[0].bytes, "byte")
            problems.lost.append(f"{_label(manifest)}: its SHA-256 sums have {size}: not read")
            continue
        with suppress(LyrikstoreError):
            text, at = repository.blobs.read(stated[0].id, max_bytes=MAX_READ), 0
            for entry in repository.tree(manifest).entries:
                hasher = sha256()
                with repository.blobs.open(entry.blake3) as file:
                    while part := file.read(_READ_BYTES):
                        hasher.update(part)
                line = f"{hasher.hexdigest()}  {entry.path}\n".encode()
                if not text.startswith(line, at):
                    what = f"lack that of {quote(entry.path)}"
                    problems.bad.append(f"{_label(manifest)}: its SHA-256 sums {what}")
                    break
                at += len(line)
            else:
                if at < len(text):
                    problems.bad.append(f"{_label(manifest)}: its SHA-256 sums name more")


def check_flags(repository: Repository, manifests: Iterable[Digest], problems: Problems) -> None:
    """Add each of ``manifests`` that is logged without effect, with the reason.

    A manifest that is logged again gives only a warning: its first entry decides its effect.
    Otherwise any writer of the log could invalidate any entry in it.

    Raises:
        LyrikstoreError: A logged manifest cannot be read, so refs are unknown.
    """
    wanted = set(manifests)
    for item in repository.flagged:
        if item.id in wanted:
            found = problems.warnings if item.reason == "already-logged" else problems.bad
            found.append(f"{item.id.short} at log entry {item.index}: {item.summary}")


def check_misdated(repository: Repository, problems: Problems) -> None:
    """Add a warning for each log entry whose date an owner declared to be wrong.

    Raises:
        LyrikstoreError: The policy cannot be read.
    """
    for index in repository.policy.misdated:
        text = "an owner says that its date is wrong, so it is no floor for clocks"
        problems.add(problems.warnings, "misdated", f"log entry {index}: {text}")


def hash_blobs(
    repository: Repository,
    manifests: Iterable[Manifest],
    named: Iterable[bytes],
    problems: Problems,
    progress: OnProgress,
) -> int:
    """Read and hash every blob of ``named``; return their total size in bytes.

    Args:
        repository: The store.
        manifests: The manifests that name the blobs.
        named: Raw digests, as :func:`check_contents` gives them.
        problems: Receives absent and damaged blobs, each with the first place that names it.
        progress: Progress callback, in bytes.
    """
    blobs = repository.blobs
    digests = [Digest(raw) for raw in named]
    unsound = find_damaged(blobs, digests, progress)
    total = sum(blobs.size(digest) for digest in digests if digest not in unsound)
    raws = {digest.raw for digest in unsound}
    for one in _mentions(repository, manifests, raws):
        if one.id.raw not in raws:
            continue
        raws.discard(one.id.raw)
        try:
            with blobs.open(one.id) as stream:
                while stream.read(_READ_BYTES):
                    pass
        except LyrikstoreError as error:
            one.note(problems, error)
        else:
            problems.bad.append(f"{one.where}: read twice, it gave different bytes")
    return total


def _mentions(
    repository: Repository, manifests: Iterable[Manifest], wanted: Collection[bytes]
) -> Iterator[Mention]:
    """Yield each place that names a blob of ``wanted``.

    Trees are read again for this: a name kept for every blob would take more memory than the rest.
    """
    if not wanted:
        return
    retired = known_retirements(repository)
    for_audit = repository.is_for_audit
    for manifest in manifests:
        label = _label(manifest)
        for attachment in retired.left(manifest):
            if attachment.id.raw in wanted:
                where = f"{label}: attachment {attachment.role}"
                optional = for_audit and not is_audited(manifest.kind, attachment.role)
                yield Mention(attachment.id, attachment.bytes, where, optional=optional)
        if manifest.tree is None:
            continue
        if manifest.tree.raw in wanted:
            yield Mention(manifest.tree, None, f"{label}: tree", optional=for_audit)
        if manifest.id in retired.versions:
            continue
        with suppress(LyrikstoreError):  # reported already
            tree = repository.tree(manifest)
            for at, path in enumerate(tree.paths):
                raw = tree.digests[at * 32 : at * 32 + 32]
                if raw in wanted:
                    # A report is shown to outsiders: of a dataset it numbers the files.
                    name = f"file {at + 1}" if manifest.kind == "dataset" else path
                    yield Mention(Digest(raw), tree.sizes[at], f"{label}: {name}", optional=True)


def _label(manifest: Manifest) -> str:
    return f"{manifest.name} ({manifest.id.short})"


def known_retirements(repository: Repository) -> Retirements:
    """Return the retirements, or none if refs cannot be derived; the check of refs reports why."""
    try:
        return retirements(repository)
    except LyrikstoreError:
        return Retirements()


def _check_size(repository: Repository, named: Mention, problems: Problems) -> None:
    try:
        found = repository.blobs.size(named.id)
    except LyrikstoreError as error:
        named.note(problems, error)
        return
    if found != named.bytes:
        stored = pluralize(found, "byte is", "bytes are")
        problems.bad.append(f"{named.where}: {stored} stored, {named.bytes} are signed")
