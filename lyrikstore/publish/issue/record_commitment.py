"""The ``records`` manifest: a delivery's commitment to its records (spec §14.2)."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, VerificationError
from lyrikstore.canon.progress import OnProgress, Progress, silent
from lyrikstore.canon.text import pluralize
from lyrikstore.context import StoreContext
from lyrikstore.curate.readers import DOCUMENT
from lyrikstore.curate.terms.measures import Measurement
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest
from lyrikstore.history.manifests.names import Name
from lyrikstore.history.records.order_root import make_salts, order_root, split_salts
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree, retired_versions
from lyrikstore.history.trees.tree import Tree

MAX_SALTS_BYTES = 1 << 30


class Commitment(Struct, frozen=True):
    """The commitment to the records of one dataset version.

    Attributes:
        manifest: The ``records`` manifest.
        salts: Its salts blob.
        new: Whether the manifest still has to be logged.
        carried: Number of records that kept the salt of the version before.
        counts: Number of records of each file, in tree order.
    """

    manifest: Manifest
    salts: bytes
    new: bool
    carried: int
    counts: Sequence[int]


def record_ids(
    repository: Repository,
    tree: Tree,
    body: Mapping[str, Any],
    measurement: Measurement,
    progress: OnProgress = silent,
) -> Iterator[Digest]:
    """Yield the record ids of a version: files sorted by path, records in file order.

    Args:
        repository: The store with the files.
        tree: The version's tree.
        body: Body of its manifest, which names the reader and the files without records.
        measurement: Measures every record.
        progress: Progress callback, called per file.

    Raises:
        InvalidInputError: (``no-reader``, ``bad-record``) the reader cannot read a file.
        IncompleteError, VerificationError, NotFoundError: A file is lost or damaged.

    Cost: reads every file, unless each file is one record and only ids are needed: these follow
    from the tree.
    """
    done = 0
    reader, companions = body["reader"], frozenset(body.get("companions", ()))
    for number, entry in enumerate(tree.entries, 1):
        if entry.path in companions:
            measurement.counts.append(0)
        elif reader == DOCUMENT and not measurement.reads_documents:
            yield from measurement.record_ids(reader, entry, None)
        else:
            with repository.blobs.open(entry.blake3) as stream:
                yield from measurement.record_ids(reader, entry, stream)
        done += entry.bytes
        progress(Progress(number, len(tree), done))


def records_name(manifest: Manifest) -> str:
    """Return the name of the ``records`` manifests of a dataset: ``records/acme/contracts``."""
    return f"records/{Name.parse(manifest.name).part}"


def commit_to_records(
    context: StoreContext,
    manifest: Manifest,
    measurement: Measurement,
    progress: OnProgress = silent,
) -> Commitment:
    """Return a commitment to the records of ``manifest``: the logged one, or a new one to log.

    Args:
        context: The store, and who signs a new ``records`` manifest.
        manifest: A dataset manifest of it.
        measurement: Measures every record of this version.
        progress: Progress callback, called per file of this version.

    Raises:
        VerificationError: (``records-differ``) the files do not contain the number of records that
            the manifest states, or other records than those committed to before.
        InvalidInputError, IncompleteError, NotFoundError: A file cannot be read.

    Cost: that of :func:`record_ids`, and once more for the version committed to before unless this
    one is committed to already. Memory: 32 bytes a record.
    """
    repository = context.repository
    tree = present_tree(repository, manifest)
    ids = list(record_ids(repository, tree, manifest.body, measurement, progress))
    if len(ids) != manifest.body["records"]:
        raise VerificationError(
            "records-differ",
            f"{manifest.name} contains {pluralize(len(ids), 'record')}, but its manifest states "
            f"{manifest.body['records']}",
            hint="check the store: lyrikstore verify",
        )
    before = _logged(repository, records_name(manifest))
    for earlier in before:
        if earlier.inputs_in("dataset")[0].id == manifest.id:
            salts = _salts(repository, earlier)
            _check(earlier, ids, salts)
            return Commitment(earlier, salts, False, len(ids), measurement.counts)
    known = _salted(repository, before[0]) if before else []
    fresh = 0

    def random(count: int) -> bytes:
        nonlocal fresh
        fresh += 1
        return secrets.token_bytes(count)

    salts = make_salts(ids, known, random=random)
    root = order_root(ids, salts)
    records = sign_manifest(
        kind="records",
        store=repository.store_id,
        name=records_name(manifest),
        body={
            "reader": manifest.body["reader"],
            "roots": [{"type": "order", "root": root.root, "count": root.count}],
        },
        signer=context.signer(),
        created=repository.signing_date(context.clock),
        parents=[before[0].id] if before else [],
        inputs=[Input("dataset", "dataset", manifest.id)],
        attachments=[Attachment("salts", Digest.of(salts), len(salts))],
    )
    return Commitment(records, salts, True, len(ids) - fresh, measurement.counts)


def _logged(repository: Repository, name: str) -> list[Manifest]:
    return repository.history(name) if name in repository.refs else []


def _salts(repository: Repository, records: Manifest) -> bytes:
    attachment = records.attachments_in("salts")[0]
    return repository.blobs.read(attachment.id, max_bytes=MAX_SALTS_BYTES)


def _salted(repository: Repository, records: Manifest) -> list[tuple[Digest, bytes]]:
    """Return the record ids and salts of an earlier commitment, so that old proofs stay valid."""
    dataset = repository.manifest(records.inputs_in("dataset")[0].id)
    if dataset.id in retired_versions(repository):
        return []  # the data that would assign salts to records was removed
    tree = repository.tree(dataset)
    ids = list(record_ids(repository, tree, dataset.body, Measurement(())))
    salts = _salts(repository, records)
    _check(records, ids, salts)
    return list(zip(ids, split_salts(salts), strict=True))


def _check(records: Manifest, ids: Sequence[Digest], salts: bytes) -> None:
    try:
        found = order_root(ids, salts)
    except FormatError as error:
        raise VerificationError("records-differ", f"{records.name}: {error.message}") from None
    roots = [root for root in records.body["roots"] if root["type"] == "order"]
    if roots != [{"type": "order", "root": found.root, "count": found.count}]:
        raise VerificationError(
            "records-differ",
            f"the records differ from those that {records.name} committed to",
            hint="check the store: lyrikstore verify",
        )
