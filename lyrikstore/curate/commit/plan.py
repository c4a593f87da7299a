"""What a commit finds and would make of it: all that is known before the first byte is written."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.files import real_path
from lyrikstore.canon.progress import Progress
from lyrikstore.context import StoreContext
from lyrikstore.curate.commit.admission import check_kind, count_records, joined_with, judged
from lyrikstore.curate.commit.commit_cache import (
    LastCommit,
    last_commit,
    listing_of,
    names_of,
    stat_cache,
)
from lyrikstore.curate.commit.data_loss import dropped_metadata, is_large, kept_text
from lyrikstore.curate.commit.inputs import (
    CommitMetadata,
    CommitOptions,
    RowOptions,
    words_digest,
)
from lyrikstore.curate.commit.manifest_body import Attach, checkpoint_body, dataset_body, lists
from lyrikstore.curate.commit.model_files import Weights
from lyrikstore.curate.commit.result import CommitResult, textless
from lyrikstore.curate.commit.rows.read import CommittedRows, read_rows, recognised
from lyrikstore.curate.commit.rows.sample import measure_sample
from lyrikstore.curate.commit.statement import (
    Statement,
    changed_paths,
    current_version,
    tree_bytes,
)
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.readers.recognise import Recognised
from lyrikstore.curate.readers.records import ROWS
from lyrikstore.curate.scan.hashing import Hashing
from lyrikstore.curate.scan.listing import Listing
from lyrikstore.curate.scan.scan import Scan
from lyrikstore.curate.sheets.mistakes import Mistakes
from lyrikstore.curate.sheets.sheet import Joined, Row, Sheet
from lyrikstore.curate.sheets.sheet_cache import recalled_sheet, sheet_digest
from lyrikstore.curate.terms.licence import parse_licence
from lyrikstore.history.manifests.manifest import Attachment, Manifest
from lyrikstore.history.manifests.names import Name
from lyrikstore.history.records.order_root import DOCUMENT
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree
from lyrikstore.objects.io.stat_cache import StatCache
from lyrikstore.verify.datasets.files import formats
from lyrikstore.verify.datasets.licences import LicenceCount, count_licences


class CommitInput(Struct, frozen=True):
    """What there is before a file or the sheet is read.

    Attributes:
        current: The current version.
        before: The bytes of its tree.
        cache: What files hashed to, if that is remembered.
        scan: The files, every one fit for a tree.
        last: This commit as the next one will remember it, without what is not known yet.
        recalled: The last commit, if it had files of these very names.
        unchanged: The result, if nothing has changed since that commit.
    """

    current: Manifest | None
    before: bytes
    cache: StatCache | None
    scan: Scan
    last: LastCommit
    recalled: LastCommit | None
    unchanged: CommitResult | None


def find_files(
    repository: Repository,
    listing: Listing,
    folder: Path,
    name: str,
    stated: CommitMetadata,
    allow: CommitOptions,
    cache_dir: Path | None,
) -> CommitInput:
    """Return what there is: the files, and the version before.

    Args:
        repository: The store.
        listing: Of the folder, under way or not begun.
        folder: The folder.
        name: Full name of the version.
        stated: What is said of the files.
        allow: What is allowed that is else refused.
        cache_dir: Where it is remembered what was committed, if anywhere.

    Raises:
        InvalidInputError: (``bad-files``, ``no-files``) it cannot be a tree.
        StorageError: The folder or the store cannot be read.

    Cost: one look at each file; no file is read but the sheet, for its digest.
    """
    with listing as under_way:
        # Meanwhile a helper may be listing.
        current = current_version(repository, name)
        before = tree_bytes(repository, current)
        cache = stat_cache(cache_dir, folder, under_way.began) if cache_dir else None
        recalled = last_commit(cache_dir, folder, name) if cache_dir else None
        damaged = repository.blobs.damaged
        listed = under_way.finish()
    names = names_of(listed)
    if recalled is not None and (recalled.names, recalled.map_names) != (names, allow.map_names):
        recalled = None
    sheet = stated.sheet
    last = LastCommit(
        folder=str(real_path(folder)),
        name=name,
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
        rows=RowOptions.of(stated, allow),
        map_names=allow.map_names,
    )
    known = recalled is not None
    compose = allow.compose or known
    scan = judged(listed, folder, known=known, compose=compose, map_names=allow.map_names)
    unchanged = None
    if recalled and last.listing and current is not None and not damaged:
        seen = replace(recalled, formats={}, orphan_files=(), orphan_rows=(), copies={})
        if seen == last:
            unchanged = _unchanged(current, scan, recalled)
    return CommitInput(current, before, cache, scan, last, recalled, unchanged)


class CommitPlan(Struct, frozen=True):
    """What would become a version: all that is known before the first byte is written.

    Attributes:
        found: What there is.
        name: Full name of the version.
        stated: What is said of the files.
        sheet: The sheet, read, with a column for the names of files that were mapped.
        joined: What it says of each file.
        weights: The model's weights, if it is a checkpoint.
        licence: The licence expression, in its normal form.
        text: The licence text of the version before, if it goes over.
        formats: How many files have each suffix.
        job: The hashing.
        large_loss: Whether more than a fifth of the files went.
        dropped: What the version before stated and this one does not.
        how: How the files are read.
        rows: What the rows hold, if they are rows.
        roles: Which field has which role.
    """

    found: CommitInput
    name: str
    stated: CommitMetadata
    sheet: Sheet | None
    joined: Joined
    weights: Weights | None
    licence: str | None
    text: Attachment | None
    formats: Mapping[str, int]
    job: Hashing
    large_loss: bool
    dropped: tuple[str, ...]
    how: Recognised
    rows: CommittedRows | None
    roles: FieldRoles

    def state(self, tree: Tree, attach: Attach) -> Statement:
        """Return what the version says of ``tree``; ``attach`` is given its attachments."""
        if self.weights is not None:
            return Statement(
                "checkpoint",
                self.name,
                checkpoint_body(self.weights, self.licence, self.stated.source),
                tree,
                attachments=[attach("sha256sums", self.weights.sha256sums)],
            )
        stated, scan, reader = self.stated, self.found.scan, self.how.reader
        if self.rows is not None:
            records = self.rows.statistics.records
        else:
            records = len(scan.paths) if reader == DOCUMENT else count_records(reader, scan)
        body = dataset_body(
            tree,
            scan,
            self.sheet,
            self.joined,
            self.rows,
            records=records,
            reader=reader,
            roles=self.roles,
            descriptor=stated.descriptor or {},
            licence=self.licence,
            formats=self.formats,
        )
        attachments: list[Attachment] = []
        text = self.text
        if stated.licence_text is not None:
            text = attach("licence-text", stated.licence_text)
        if text is not None:
            attachments.append(text)
            body["licence"]["textDigest"] = str(text.id)
        attachments += lists(scan, self.joined, self.rows, attach)
        return Statement("dataset", self.name, body, tree, attachments=attachments)

    def licences(self, body: Mapping[str, Any], tree: Tree) -> LicenceCount | None:
        """Return what the version states of licences, and its records; None for a model."""
        if self.weights is not None:
            return None
        found = count_licences(body, tree)
        if self.rows is None or found.field is None:
            return found
        return replace(found, unstated=self.rows.statistics.unstated(found.field))

    def result(
        self, manifest: Manifest | None, said: Statement, index: int | None, memory: Path | None
    ) -> CommitResult:
        """Return what the commit did, and remember it in the folder ``memory``, if any.

        Args:
            manifest: The new version, if there is one.
            said: What it states, or would state.
            index: Its place in the log.
            memory: Where the commit is remembered.
        """
        tree = said.tree or Tree(())
        found, joined = self.found, self.joined
        self.job.remember()
        version = manifest or found.current
        if memory is not None and version is not None:
            replace(
                found.last,
                manifest=str(version.id),
                formats=self.formats,
                orphan_files=joined.orphan_files,
                orphan_rows=tuple((row.number, row.key) for row in joined.orphan_rows),
                copies={
                    path: (tree.by_path[path].blake3.hex, source.hex)
                    for path, source in (self.rows.sources if self.rows else {}).items()
                },
            ).save(memory)
        added, removed, changed = changed_paths(found.before, tree)
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
            bytes_read=self.job.bytes_read,
            orphan_files=joined.orphan_files,
            orphan_rows=joined.orphan_rows,
            ignored=found.scan.ignored,
            composed=found.scan.composed,
            mapped=found.scan.mapped,
            large_loss=self.large_loss,
            dropped=self.dropped,
            licences=self.licences(said.body, tree),
            textless=textless(said.body),
            how=self.how,
            rows=self.rows,
            roles=self.roles,
        )


def plan_version(
    context: StoreContext,
    found: CommitInput,
    name: Name,
    stated: CommitMetadata,
    allow: CommitOptions,
    work: Path,
) -> CommitPlan:
    """Return what would become a version; reads the sheet and rows, and no other files.

    Args:
        context: The store, and where it is remembered what a sheet says, if anywhere.
        found: What there is.
        name: Full name of the version.
        stated: What is said of the files.
        allow: What is allowed that is else refused.
        work: A private folder for what is unpacked; needed until the version is stored.

    Raises:
        InvalidInputError: (``bad-sheet``, ``duplicate-rows``, ``orphan-rows``, ``bad-licence``,
            ``bad-name``, ``no-reader``, ``bad-rows``, …) this cannot be committed.
    """
    how = Recognised(DOCUMENT)
    if name.prefix == "datasets":
        current = found.current
        is_documents = current is not None and current.body["reader"] == DOCUMENT
        before = found.before if is_documents else b""
        how = recognised(found.scan, stated, Path(found.last.folder), name.part, before)
    progress = context.progress
    rows, roles = None, stated.roles
    if how.reader in ROWS:
        rows = read_rows(found.scan, how, stated, allow, work, progress)
        if stated.measures:
            rows = replace(rows, sample=measure_sample(rows, stated.measures, progress))
        found, roles = replace(found, scan=rows.scan), rows.roles
    elif stated.measures:
        raise InvalidInputError(
            "no-rows",
            "only rows are measured, and these are documents",
            hint="leave out --statistic; extract-text/2 makes rows of documents",
        )
    scan, sheet, mistakes = found.scan, None, Mistakes()
    if stated.sheet is not None:
        progress(Progress(phase="reading the sheet"))
        digest = found.last.sheet_digest
        sheet = recalled_sheet(stated.sheet, stated.key, digest, context.own_cache, mistakes)
    sheet, joined = joined_with(scan, sheet, allow.orphans, mistakes)
    weights = check_kind(name, scan, sheet)
    if rows is None and sheet is not None:
        roles.check(sheet.columns, f"the sheet {sheet.name}")
    licence = stated.licence
    if licence is not None and weights is None and licence != _licence_of(found.current):
        licence = parse_licence(licence)
    if stated.licence_text is not None and (licence is None or weights is not None):
        raise InvalidInputError(
            "bad-licence",
            "a licence text belongs to the licence of a dataset",
            hint="add --licence; of a base model only the licence is kept",
        )
    text = None if weights is not None else kept_text(found.current, stated, licence)
    job = Hashing(scan, joined.meta, found.cache, progress)
    job.look_up(context.repository, found.before)
    suffixes = found.recalled.formats if found.recalled else {}
    if weights is None and not suffixes:
        suffixes = formats(scan.paths)
    return CommitPlan(
        found=found,
        name=str(name),
        stated=stated,
        sheet=sheet,
        joined=joined,
        weights=weights,
        licence=licence,
        text=text,
        formats=suffixes,
        job=job,
        large_loss=is_large(job.gone, found.before),
        dropped=dropped_metadata(found.current, stated, text),
        how=how,
        rows=rows,
        roles=roles,
    )


def _unchanged(current: Manifest, scan: Scan, recalled: LastCommit) -> CommitResult:
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
        files=len(scan.paths),
        bytes=sum(scan.sizes),
        bytes_read=0,
        orphan_files=recalled.orphan_files,
        orphan_rows=rows,
        ignored=scan.ignored,
        composed=scan.composed,
        mapped=scan.mapped,
        large_loss=False,
        dropped=(),
        licences=None if current.kind != "dataset" else count_licences(current.body, None),
        textless=textless(current.body),
    )


def _licence_of(current: Manifest | None) -> str | None:
    if current is None:
        return None
    expression: str | None = current.body.get("licence", {}).get("expression")
    return expression
