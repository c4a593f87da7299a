"""Selection of the pending entries of a clone that a push sends, with their packs (spec §15.5)."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError
from lyrikstore.history.commit.admission import require_blobs
from lyrikstore.history.commit.appender import ref_moved
from lyrikstore.history.log.entries import LoggedEntry
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.liveness import files_of
from lyrikstore.history.repository.refs import RefTable
from lyrikstore.history.repository.repository import Repository
from lyrikstore.objects.gc.plan import RepackPlan, live_set, plan_extract
from lyrikstore.objects.gc.repack import repack
from lyrikstore.objects.pack.format import PackRef
from lyrikstore.objects.store.blobs import BlobStore
from lyrikstore.objects.store.transactions import PackChanges


class PendingEntries(Struct, frozen=True):
    """The pending entries that a push sends: those with effect, and their dependencies.

    Attributes:
        entries: The entries to send, which the home lacks, in the order of the local log.
        needed: Overtaken versions that sent entries depend on; they are sent, without effect.
        overtaken: Other versions that another writer overtook at the home; they stay here.
    """

    entries: tuple[LoggedEntry, ...]
    needed: tuple[Manifest, ...]
    overtaken: tuple[Manifest, ...]


def select_pending(repository: Repository, home: Repository) -> PendingEntries:
    """Return the pending entries of ``repository`` that a push sends.

    Args:
        repository: A clone.
        home: The current state of its home.

    Raises:
        ConflictError: (``ref-moved``) a name that was changed here was also changed there.
    """
    without_effect = {item.index for item in repository.flagged}
    table = home.home_table.copy()
    index = 1 << 52  # any number will do: nobody sees this table
    wanted: set[Digest] = set()
    overtaken: dict[Digest, Manifest] = {}
    for entry in repository.pending:
        if entry.type != "manifest":
            continue
        manifest = repository.manifest(entry.id)
        if entry.index in without_effect:
            overtaken[entry.id] = manifest
            continue
        current = table.refs.get(manifest.name)
        index += 1
        reason = table.apply(index, manifest)
        # What the policy forbids by now is said when the slot is asked for; what is there already
        # was brought by a push whose answer got lost.
        there = reason == "already-logged" and _took_effect(home.home_table, entry.id)
        if reason is not None and reason != "unauthorised" and not there:
            raise ref_moved(
                manifest,
                current.id if current else None,
                hint="lyrikstore pull, then push again: issued credentials are sent and stay valid"
                if manifest.kind == "records"  # of one version issued in two places: it has one
                else "lyrikstore pull, then make the change again on the current version",
            )
        wanted.update(item.id for item in manifest.inputs)
    needed: list[Manifest] = []
    for identity in reversed(list(overtaken)):
        if identity in wanted:
            manifest = overtaken.pop(identity)
            needed.insert(0, manifest)
            wanted.update(item.id for item in manifest.inputs)
    entries = tuple(
        entry
        for entry in repository.pending
        if entry.id not in overtaken and not home.is_logged(entry.id, entry.type)
    )
    return PendingEntries(entries, tuple(needed), tuple(overtaken.values()))


def _took_effect(table: RefTable, identity: Digest) -> bool:
    return any(identity in state.history for state in table.refs.values())


def packs_of(repository: Repository, entries: Sequence[LoggedEntry]) -> PackChanges:
    """Return the packs and chunk lists that pending entries added."""
    ids = {entry.id for entry in entries}
    holders = [
        transaction
        for transaction in repository.pending_transactions
        if any(item.id in ids for item in transaction.log)
    ]
    packs = dict.fromkeys(pack for holder in holders for pack in holder.added)
    lists = dict(pair for holder in holders for pair in holder.chunk_lists)
    return PackChanges(tuple(packs), tuple(lists.items()))


def complete(
    repository: Repository, home: Repository, manifests: Sequence[Manifest], changes: PackChanges
) -> PackChanges:
    """Return ``changes`` with all further packs that the manifests' blobs need at the home.

    Sent manifests may need blobs in packs that are not sent with them: packs of an overtaken
    version with the same files, or packs that the home dropped since. Every blob is looked up at
    the home, and missing ones are sent in new packs with only the needed blobs: the rest of a pack
    that the home dropped may be data that it retired.

    Raises:
        IncompleteError: A blob is not here either.
    """
    try:
        require_blobs(home, manifests, changes)
    except IncompleteError:
        known = {pack.id for pack in (*home.live.packs, *changes.added)}
        lists = {pair for one in repository.pending_transactions for pair in one.chunk_lists}
        more = [pack for pack in repository.live.packs if pack.id not in known]
        lists |= set(_lists_of(repository, manifests))
        changes = replace(changes, chunk_lists=tuple(dict((*changes.chunk_lists, *lists)).items()))
        extracted = repack(repository.backend, _plan(repository, home, manifests, changes, more))
        changes = replace(changes, added=(*changes.added, *extracted.added))
        require_blobs(home, manifests, changes)
    return changes


def _plan(
    repository: Repository,
    home: Repository,
    manifests: Sequence[Manifest],
    changes: PackChanges,
    packs: Iterable[PackRef],
) -> RepackPlan:
    # Of these packs, what the manifests need and the home neither has nor gets otherwise.
    live = live_set(repository.blobs, dict(changes.chunk_lists), _named_by(repository, manifests))
    plan = plan_extract(repository.backend, packs, live)
    there = BlobStore(home.backend, (*home.live.packs, *changes.added)).packed
    wanted = {raw: role for raw, role in plan.wanted.items() if not there.among([raw], role)}
    return replace(plan, wanted=wanted)


def _lists_of(
    repository: Repository, manifests: Sequence[Manifest]
) -> Iterator[tuple[Digest, Digest]]:
    # Said once more: the home knows the lists of what it dropped, and has them no more.
    lists = repository.live.chunk_lists
    for blob in _named_by(repository, manifests):
        large, listed = blob, lists.get(blob)
        while listed is not None:
            yield large, listed
            large, listed = listed, lists.get(listed)


def _named_by(repository: Repository, manifests: Iterable[Manifest]) -> Iterator[Digest]:
    for manifest in manifests:
        yield manifest.id
        yield from (attachment.id for attachment in manifest.attachments)
        if manifest.tree is not None:
            yield manifest.tree
            yield from files_of(repository, manifest.tree)
