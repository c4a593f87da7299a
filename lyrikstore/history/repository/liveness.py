"""Live blobs, which must stay readable (spec §16.1), and a check for data of retired versions.

Garbage collection needs the live blobs. Copying a store needs to know whether the garbage of
retired versions was collected before, because packs are copied unchanged.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, IncompleteError, LyrikstoreError, NotFoundError
from lyrikstore.canon.limits import MAX_TREE_LINE_BYTES
from lyrikstore.canon.text import pluralize
from lyrikstore.history.repository.partial_clone import documents_of
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import Retirements, retirements
from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.gc.plan import LiveSet, live_set, packs_with
from lyrikstore.objects.pack.format import PackRef
from lyrikstore.objects.store.blobs import BlobStore, open_blobs
from lyrikstore.objects.store.transactions import LiveObjects

_HEAD = b'{"blake3":"'


def live_roots(repository: Repository, *, retired: Retirements, since: int = 0) -> Iterator[Digest]:
    """Yield the digests of blobs that must stay readable: everything logged, and all it names.

    Every logged manifest counts, flagged ones and all earlier versions included, with its tree,
    its files and its attachments, except what was retired.

    Args:
        repository: The store.
        retired: The retired versions, whose data need not stay.
        since: First log entry to consider; blobs named by earlier ones are left out.

    Raises:
        IncompleteError, VerificationError, FormatError: A manifest or a tree cannot be read, so
            the live blobs cannot be determined.

    Cost: reads every tree once, line by line.
    """
    trees: set[Digest] = set()
    for entry in repository.entries()[since:]:
        if entry.type != "transaction":
            yield entry.id
    for entry, manifest in repository.all_manifests():
        if entry.index < since:
            continue
        yield from (attachment.id for attachment in retired.left(manifest))
        if manifest.tree is None:
            continue
        yield manifest.tree
        if manifest.id not in retired.versions and manifest.tree not in trees:
            trees.add(manifest.tree)
            yield from files_of(repository, manifest.tree)


def files_of(repository: Repository, tree: Digest) -> Iterator[Digest]:
    """Yield the digests of the files of a tree, without parsing it.

    Raises:
        IncompleteError, VerificationError, FormatError: It cannot be read, or is not a tree.
    """
    # Trees are canonical, so an entry begins with its digest: a full parse is not needed.
    with repository.blobs.open(tree) as stream:
        while line := stream.readline(MAX_TREE_LINE_BYTES + 1):
            if not line.startswith(_HEAD):
                raise FormatError("bad-tree", f"tree {tree.short} is not in canonical form")
            yield Digest.parse_hex(line[len(_HEAD) : len(_HEAD) + 64].decode("ascii", "replace"))


def live_blobs(
    repository: Repository, retired: Retirements, blobs: BlobStore | None = None
) -> LiveSet:
    """Return the live blobs of a store, lists and chunks included; raises as :func:`live_roots`.

    Args:
        repository: The store.
        retired: The retired versions, whose data need not stay.
        blobs: The blobs with the chunk lists; by default those of the store.
    """
    roots = live_roots(repository, retired=retired)
    return live_set(blobs or repository.blobs, repository.live.chunk_lists, roots)


def document_blobs(repository: Repository) -> BlobStore:
    """Return the documents of a store, which even a clone without data has.

    Every chunk list is among them (spec §4.6), those of files that were not fetched included.
    """
    live = repository.live
    documents = tuple(documents_of(live.packs))
    return open_blobs(repository.backend, LiveObjects(documents, live.chunk_lists))


def require_collected(
    repository: Repository, packs: Iterable[PackRef], place: Backend, hint: str
) -> None:
    """Raise `retired` if one of ``packs`` contains a blob that only retired versions have.

    Args:
        repository: The store, with its documents at least.
        packs: The packs to be copied.
        place: The backend to copy from.
        hint: The hint of the error.

    Raises:
        IncompleteError: (``retired``) a pack contains such a blob.
        IncompleteError, VerificationError, FormatError: As :func:`live_roots`.

    Cost: one lookup per retention. Where versions were retired, every tree and chunk list is read
        once, and the footer of each of the packs.
    """
    retired = retirements(repository)
    if not retired.versions:
        return
    blobs = document_blobs(repository)
    live, gone = live_blobs(repository, retired, blobs), _retired(repository, retired, blobs)
    found = packs_with(place, packs, gone, but=live)
    if found:
        raise IncompleteError(
            "retired",
            f"{pluralize(len(found), 'pack contains', 'packs contain')} data of retired versions, "
            "which may not be copied",
            hint=hint,
        )


def _retired(repository: Repository, retired: Retirements, blobs: BlobStore) -> LiveSet:
    gone, lists = LiveSet(), repository.live.chunk_lists
    for blob in _taken(repository, retired):
        gone.add(blob.raw)
        if blob not in lists:
            continue
        with suppress(IncompleteError, NotFoundError):  # collected with its list
            chunks = blobs.chunks(blob)
            for number in range(len(chunks)):
                gone.add(chunks.digest(number))
    return gone


def _taken(repository: Repository, retired: Retirements) -> Iterator[Digest]:
    trees = {repository.manifest(identity).tree for identity in retired.versions}
    for tree in filter(None, trees):
        with suppress(LyrikstoreError):  # lost: for verify to say
            yield from files_of(repository, tree)
    if retired.whole:
        for _, manifest in repository.all_manifests():
            yield from (attachment.id for attachment in retired.gone(manifest))
