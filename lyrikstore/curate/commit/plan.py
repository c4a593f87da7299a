"""The plan of a commit: files, sheet, rows and metadata, before the first byte is written."""

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
    """The inputs of a commit: its files and the previous version, before any file is read.

    Attributes:
        current: The current version.
        before: The bytes of its tree.
        cache: The cache of file digests, if there is one.
        scan: The files; a tree can hold all their paths.
        last: The cache entry of this commit, without the facts that are not known yet.
        recalled: The cache entry of the last commit, if its files had exactly the same names.
        unchanged: The result, if nothing has changed since the last commit.
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
    """Return the inputs of a commit: the files, and the previous version.

    Args:
        repository: The store.
        listing: The listing of the folder, running or not begun.
        folder: The folder.
        name: Full name of the version.
        stated: Metadata of the files.
        allow: Options that permit what is refused by default.
        cache_dir: The cache of earlier commits; None: there is no cache.

    Raises:
        InvalidInputError: (``bad-files``, ``no-files``) the files cannot be a tree.
        StorageError: The folder or the store cannot be read.

    Cost: one stat of each file; only the sheet is read, for its digest.
    """
    with listing as under_way:
        # Meanwhile a second process may be listing the folder.
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
    """The plan of a new version: everything known before the first byte is written.

    Attributes:
        found: The inputs of the commit.
        name: Full name of the version.
        stated: Metadata of the files.
        sheet: The parsed sheet, with a column for the original names of mapped files.
        joined: The sheet's values joined to each file.
        weights: The model's weights, if it is a checkpoint.
        licence: The licence expression, in its normal form.
        text: The licence text of the previous version, if the new version keeps it.
        formats: Number of files by suffix.
        job: The hashing of the files.
        large_loss: Whether more than a fifth of the previous version's files are gone.
        dropped: Metadata that the previous version states and this one does not, as phrases.
        how: The reader of the files.
        rows: The checked rows, if the files are rows.
        roles: The roles of the fields.
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
        """Return the content of the version's manifest.

        Args:
            tree: The tree of the version.
            attach: Returns the attachment for a role and bytes.
        """
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
        """Return the licences that the version and its records state; None for a model."""
        if self.weights is not None:
            return None
        found = count_licences(body, tree)
        if self.rows is None or found.field is None:
            return found
        return replace(found, unstated=self.rows.statistics.unstated(found.field))

    def result(
        self,
        manifest: Manifest | None,
        statement: Statement,
        index: int | None,
        memory: Path | None,
    ) -> CommitResult:
        """Return the result of the commit, and write it to the cache of earlier commits.

        Args:
            manifest: The new version, if there is one.
            statement: The content of its manifest, or of the manifest that it would have.
            index: Its index in the log.
            memory: The cache folder; None: nothing is written.
        """
        tree = statement.tree or Tree(())
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
            licences=self.licences(statement.body, tree),
            textless=textless(statement.body),
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
    """Return the plan of a new version; of the files only the sheet and rows are read.

    Args:
        context: The store, and the cache of parsed sheets, if there is one.
        found: The inputs of the commit.
        name: Full name of the version.
        stated: Metadata of the files.
        allow: Options that permit what is refused by default.
        work: A private folder for unpacked files; needed until the version is stored.

    Raises:
        InvalidInputError: (``bad-sheet``, ``duplicate-rows``, ``orphan-rows``, ``bad-licence``,
            ``bad-name``, ``no-reader``, ``bad-rows``, …) the files cannot be committed.
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
            "--statistic measures rows, and these files are documents",
            hint="omit --statistic, or make rows of the documents with the filter extract-text/2",
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
            "--licence-text needs a dataset with a licence",
            hint="add --licence; a base model can have a licence, but no licence text",
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
