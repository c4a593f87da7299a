"""``commit``: a folder, and a sheet beside it, become a signed version.

Everything that can be wrong with the input is found before the first byte is written; whatever
fails later leaves the store as it was.
"""

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.files import real_path
from lyrikstore.canon.progress import OnProgress, Progress, silent
from lyrikstore.canon.timestamps import Clock, now
from lyrikstore.crypto.signer import Signer
from lyrikstore.curate.admission import check_kind, joined_with, judged, record_count
from lyrikstore.curate.bodies import Attach, checkpoint_body, dataset_body, lists
from lyrikstore.curate.hashing import Hashing
from lyrikstore.curate.licence import parse_licence
from lyrikstore.curate.listing import Listing
from lyrikstore.curate.loss import check_loss, is_large, left_unsaid
from lyrikstore.curate.sheet import Row
from lyrikstore.curate.sheetcache import recalled_sheet
from lyrikstore.curate.snapshot import Scan
from lyrikstore.curate.stated import Allowed, Stated, words_digest
from lyrikstore.curate.unchanged import (
    LastCommit,
    last_commit,
    listing_of,
    names_of,
    sheet_digest,
    stat_cache,
)
from lyrikstore.curate.versions import (
    Statement,
    changed_paths,
    current_version,
    formats,
    put_attachment,
    tree_bytes,
)
from lyrikstore.curate.walk import Ignored
from lyrikstore.history.manifest import Attachment, Manifest
from lyrikstore.history.names import parse_name
from lyrikstore.history.repository import Repository
from lyrikstore.history.tree import Tree
from lyrikstore.objects.targets import Pools


class CommitResult(Struct, frozen=True):
    """What a commit did.

    Attributes:
        manifest: The new version, or ``None`` if the content is as it was (or for a dry run).
        current: The current version after it; ``None`` only for a dry run of a new name.
        log_index: Where the new version stands in the log.
        tree_id: Id of the snapshot's tree.
        added: Paths that are new.
        removed: Paths that are gone.
        changed: Paths with other content or metadata.
        files: How many files the version has.
        bytes: And how many bytes.
        bytes_read: How many of them had to be read.
        orphan_files: Files without a row.
        orphan_rows: Rows without a file.
        ignored: What was left out, and why.
        composed: Paths of files whose names in the folder are not in NFC.
        large_loss: Whether more than a fifth of the files went.
        unsaid: What the version before stated about its files and this one does not.
    """

    manifest: Manifest | None
    current: Manifest | None
    log_index: int | None
    tree_id: Digest
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    files: int
    bytes: int
    bytes_read: int
    orphan_files: tuple[str, ...]
    orphan_rows: tuple[Row, ...]
    ignored: tuple[Ignored, ...]
    composed: tuple[str, ...]
    large_loss: bool
    unsaid: tuple[str, ...]


def commit_folder(
    repository: Repository,
    folder: Path,
    name: str,
    stated: Stated | None = None,
    *,
    signer: Signer,
    allow: Allowed | None = None,
    progress: OnProgress = silent,
    clock: Clock = now,
    cache_dir: Path | None = None,
    dry_run: bool = False,
    pools: Pools | None = None,
    listing: Listing | None = None,
) -> CommitResult:
    """Make ``folder`` the current version of ``name``.

    Args:
        repository: The store, opened to append.
        folder: The snapshot; files gone from it leave the dataset.
        name: As people type it; ``checkpoints/…`` imports model weights.
        stated: What is said of the files: a sheet, the licence, a description.
        signer: The author.
        allow: What it may do that is else refused.
        progress: Told about files, bytes of unchanged ones included.
        clock: Tells the claimed time.
        cache_dir: Where it is remembered what files hashed to and what was committed; never inside
            the store, whose holder could otherwise choose what is signed. ``None``: nowhere.
        dry_run: Find out what would change; write nothing.
        pools: Workers on other machines that read and store the files; see ``objects.cluster``.
        listing: A listing of this folder, with this store and sheet, and links followed or not as
            allowed, that began before the store was opened.

    Raises:
        InvalidInputError: (``bad-files``, ``bad-sheet``, ``duplicate-rows``, ``orphan-rows``,
            ``large-loss``, ``unsaid``, ``bad-licence``, …) before anything is written.
        ConflictError, LockedError, KeyMaterialError, PolicyError, StorageError: see
            ``TransactionBuilder``; the store is as it was.

    Cost: one read of the files that the cache does not know; memory for the tree and the sheet.
    """
    stated, allow = stated or Stated(), allow or Allowed()
    sheet, licence = stated.sheet, stated.licence
    full_name = parse_name(name)
    with listing or Listing(
        folder, follow_links=allow.links, store=repository.root, sheet=sheet
    ) as under_way:
        # Meanwhile a helper may be listing.
        current = current_version(repository, str(full_name))
        before = tree_bytes(repository, current)
        cache = stat_cache(cache_dir, folder, under_way.began) if cache_dir else None
        recalled = last_commit(cache_dir, folder, str(full_name)) if cache_dir else None
        damaged = repository.blobs.damaged
        listed = under_way.finish()
    names = names_of(listed)
    last = LastCommit(
        folder=str(real_path(folder)),
        name=str(full_name),
        manifest="" if current is None else str(current.id),
        listing="" if cache is None else listing_of(listed, names, sheet, cache.safe_before),
        names=names,
        options=words_digest(stated, allow).hex,
        sheet="" if sheet is None else str(real_path(sheet)),
        sheet_digest=sheet_digest(sheet),
        follow_links=allow.links,
        formats={},
        orphan_files=(),
        orphan_rows=(),
    )
    known = recalled is not None and recalled.names == names
    snapshot = judged(listed, folder, known=known, compose=allow.compose or known)
    if recalled and last.listing and current is not None and not damaged:
        seen = replace(recalled, formats={}, orphan_files=(), orphan_rows=())
        if seen == last:
            return _unchanged(current, snapshot, recalled)
    table = None
    if sheet is not None:
        progress(Progress(phase="reading the sheet"))
        table = recalled_sheet(sheet, stated.key, last.sheet_digest, cache_dir)
    joined = joined_with(snapshot, table, allow.orphans)
    weights = check_kind(full_name, snapshot, table, stated.reader)
    expression = licence
    if licence is not None and weights is None and licence != _licence_of(current):
        expression = parse_licence(licence)
    job = Hashing(snapshot, joined.meta, cache, progress)
    job.look_up(repository, before)
    suffixes = recalled.formats if recalled and known else {}
    if weights is None and not suffixes:
        suffixes = formats(snapshot.paths)
    large_loss = is_large(job.gone, before)
    unsaid = left_unsaid(current, stated)
    if not (allow.loss or dry_run):
        check_loss(str(full_name), job.gone if large_loss else (), before, unsaid)

    def state(tree: Tree, attach: Attach) -> Statement:
        attachments: list[Attachment] = []
        if weights is not None:
            body = checkpoint_body(weights, expression)
            attachments.append(attach("sha256sums", weights.sha256sums))
        else:
            records = record_count(stated.reader, snapshot)
            body = dataset_body(
                tree,
                snapshot,
                table,
                joined,
                records=records,
                reader=stated.reader,
                descriptor=stated.descriptor or {},
                licence=expression,
                formats=suffixes,
            )
            if stated.licence_text is not None and "licence" in body:
                attachments.append(attach("licence-text", stated.licence_text))
                body["licence"]["textDigest"] = str(attachments[-1].id)
            attachments += lists(snapshot, joined, attach)
        return Statement(
            "checkpoint" if weights else "dataset",
            str(full_name),
            body,
            tree,
            attachments=attachments,
        )

    def result(manifest: Manifest | None, tree: Tree, index: int | None) -> CommitResult:
        job.remember()
        version = manifest or current
        orphan_files = joined.orphan_files if table else ()
        if cache_dir is not None and version is not None and not dry_run:
            rows = tuple((row.number, row.key) for row in joined.orphan_rows)
            found = replace(last, manifest=str(version.id), formats=suffixes)
            replace(found, orphan_files=orphan_files, orphan_rows=rows).save(cache_dir)
        added, removed, changed = changed_paths(before, tree)
        return CommitResult(
            manifest=manifest,
            current=version,
            log_index=index,
            tree_id=tree.id,
            added=added,
            removed=removed,
            changed=changed,
            files=len(tree),
            bytes=tree.total_bytes,
            bytes_read=job.bytes_read,
            orphan_files=orphan_files,
            orphan_rows=joined.orphan_rows,
            ignored=snapshot.ignored,
            composed=tuple(sorted(snapshot.spelled)),
            large_loss=large_loss,
            unsaid=unsaid,
        )

    if dry_run or not job.pending:
        tree = job.tree()
        statement = state(tree, lambda role, data: Attachment(role, Digest.of(data), len(data)))
        if dry_run or statement.repeats(current):
            return result(None, tree, None)
    _ = signer.did  # a passphrase is asked for now, not after an hour of hashing
    with repository.transaction() as transaction:
        tree = job.store(transaction.writer, repository.backend, pools)
        put = transaction.writer.put_bytes
        put(tree.encode())
        statement = state(tree, lambda role, data: put_attachment(put, role, data))
        if statement.repeats(current):
            return result(None, tree, None)
        manifest = statement.sign(
            repository, current, signer=signer, clock=clock, message=stated.message
        )
        transaction.log_manifest(manifest, tree, new=job.new)
        index = transaction.commit()[0]
    return result(manifest, tree, index)


def _unchanged(current: Manifest, snapshot: Scan, recalled: LastCommit) -> CommitResult:
    if current.tree is None:
        raise InvalidInputError("bad-name", f"{current.name} has no files")
    rows = tuple(Row(number, key, {}) for number, key in recalled.orphan_rows)
    return CommitResult(
        manifest=None,
        current=current,
        log_index=None,
        tree_id=current.tree,
        added=(),
        removed=(),
        changed=(),
        files=len(snapshot.paths),
        bytes=sum(snapshot.sizes),
        bytes_read=0,
        orphan_files=recalled.orphan_files,
        orphan_rows=rows,
        ignored=snapshot.ignored,
        composed=tuple(sorted(snapshot.spelled)),
        large_loss=False,
        unsaid=(),
    )


def _licence_of(current: Manifest | None) -> str | None:
    if current is None:
        return None
    expression: str | None = current.body.get("licence", {}).get("expression")
    return expression
