"""``commit``: a folder, and a sheet next to it, become a signed version.

Everything that can be wrong with the input is found before the first byte is written; whatever
fails later leaves the store as it was.
"""

from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.context import StoreContext
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.curate.commit.data_loss import check_loss
from lyrikstore.curate.commit.generated import as_generated, check_generated, check_places
from lyrikstore.curate.commit.inputs import CommitMetadata, CommitOptions
from lyrikstore.curate.commit.plan import CommitPlan, find_files, plan_version
from lyrikstore.curate.commit.result import CommitResult
from lyrikstore.curate.commit.statement import Statement, put_attachment
from lyrikstore.curate.scan.listing import Listing
from lyrikstore.curate.work_folder import work_folder
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Attachment
from lyrikstore.history.manifests.names import parse_name
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree
from lyrikstore.objects.parallel.tasks import Pools


def commit_folder(
    context: StoreContext,
    folder: Path | str,
    name: str,
    stated: CommitMetadata | None = None,
    *,
    allow: CommitOptions | None = None,
    dry_run: bool = False,
    pools: Pools | None = None,
    listing: Listing | None = None,
) -> CommitResult:
    """Make a folder, or a single file, the current version of ``name``.

    Args:
        context: The store, the signer, and the signer's cache of file digests and of earlier
            commits. The cache never lies inside the store: whoever can write to the store could
            otherwise choose what is signed.
        folder: The snapshot; files that are missing from it leave the dataset.
        name: A name as users type it; ``checkpoints/…`` imports model weights.
        stated: Metadata of the files: a sheet, the licence, a description.
        allow: Options that permit what is refused by default.
        dry_run: Compute what would change, and write nothing.
        pools: Workers on other machines that read and store the files; see ``objects.cluster``.
        listing: A listing of this folder that began before the store was opened, made with the
            same store, the same sheet and the same ``follow_links``.

    Raises:
        InvalidInputError: (``bad-files``, ``bad-sheet``, ``duplicate-rows``, ``orphan-rows``,
            ``large-loss``, ``unsaid``, ``bad-licence``, …) before anything is written.
        ConflictError, LockedError, KeyMaterialError, PolicyError, StorageError: See
            ``TransactionBuilder``; the store is unchanged.

    Cost: one read of the files that the cache does not know; memory for the tree and the sheet.
    """
    repository, signer, cache = context.repository, context.signer(), context.own_cache
    folder = Path(folder)
    stated, allow = stated or CommitMetadata(), allow or CommitOptions()
    full_name = parse_name(name)
    listing = listing or Listing(
        folder, follow_links=allow.links, store=repository.root, sheet=stated.sheet
    )
    if stated.generated is not None:
        made = check_generated(repository, str(full_name), stated.generated)
        stated = replace(stated, generated=made)
    found = find_files(
        repository, listing, folder, str(full_name), stated, allow, context.own_cache
    )
    if found.unchanged is not None:
        return found.unchanged
    with work_folder(cache) as work:
        plan = plan_version(context, found, full_name, stated, allow, work.path)
        if stated.generated is not None:
            check_places(repository, plan.rows, stated.generated)
        return _store(context, plan, signer, allow=allow, dry_run=dry_run, pools=pools)


def _store(
    context: StoreContext,
    plan: CommitPlan,
    signer: Signer,
    *,
    allow: CommitOptions,
    dry_run: bool,
    pools: Pools | None,
) -> CommitResult:
    repository, job, found = context.repository, plan.job, plan.found
    current, memory = found.current, None if dry_run else context.own_cache
    if not (allow.loss or dry_run):
        check_loss(plan.name, job.gone if plan.large_loss else (), found.before, plan.dropped)
    if dry_run or not job.pending:
        tree = job.tree()
        statement = _statement(
            repository,
            plan,
            tree,
            lambda role, data: Attachment(role, Digest.of(data), len(data)),
        )
        if dry_run or statement.repeats(current):
            return plan.result(None, statement, None, memory)
    _ = signer.did  # prompts for the passphrase now, not after an hour of hashing
    with open_transaction(repository) as transaction:
        tree = job.store(transaction.writer, repository.backend, pools)
        put = transaction.writer.put_bytes
        put(tree.encode())
        statement = _statement(
            repository, plan, tree, lambda role, data: put_attachment(put, role, data)
        )
        if statement.repeats(current):
            return plan.result(None, statement, None, memory)
        manifest = statement.sign(context, current, signer, plan.stated.message)
        transaction.log_manifest(manifest, tree, new=job.new)
        index = transaction.commit()[0]
    return plan.result(manifest, statement, index, memory)


def _statement(
    repository: Repository,
    plan: CommitPlan,
    tree: Tree,
    attach: Callable[[str, bytes], Attachment],
) -> Statement:
    statement, made = plan.state(tree, attach), plan.stated.generated
    return statement if made is None else as_generated(repository, statement, made, attach)
