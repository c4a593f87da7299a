"""The rows of a version: paged, searched, and one by one."""

from functools import partial
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from lyrikstore.api import Digest, Manifest, Store
from lyrikstore.api.purge import explorer_folder
from lyrikstore.canon.errors import FormatError, InvalidInputError, NotFoundError
from lyrikstore.canon.text import pluralize
from lyrikstore.curate.readers.records import ROWS
from lyrikstore.curate.row_index import IndexedRow, RowIndex, build_rows, forget_rows
from lyrikstore.explorer.explorer import Explorer
from lyrikstore.explorer.jobs import Job
from lyrikstore.explorer.page import (
    Page,
    Query,
    add_fact,
    add_form,
    add_judgement,
    add_link,
    add_links,
    add_pager,
    add_rows,
    add_search,
    add_text,
    cut,
    href,
    object_href,
)
from lyrikstore.history.repository.retired import present_tree, retired_versions
from lyrikstore.web.html import add
from lyrikstore.web.texts import page_text

A_PAGE = 50
MAX_COLUMNS = 12
SEARCH_SECONDS = 0.6
"""Time after which a search shows what it found so far, and a link to go on."""


def rows_page(explorer: Explorer, query: Query) -> Page:
    """Return a page of rows of a version, or of those in which a text occurs."""
    manifest = dataset_of(explorer, query.text("id"))
    page = Page(page_text("explorer.rows-of", of=f"{manifest.name} {manifest.id.short}"))
    where_from(page, explorer, manifest)
    found = index_of(explorer, manifest)
    if isinstance(found, Job):
        add_progress(page, found)
        return page
    wanted = query.text("q")
    add_search(add_form(page.main, query, id=manifest.id.hex), wanted,
               label=page_text("explorer.search-rows"))  # fmt: skip
    if wanted:
        start = query.number("from", 0)
        result = found.search(wanted, start, A_PAGE, SEARCH_SECONDS)
        _table(page, found, result.rows, manifest)
        line = SubElement(page.main, "nav", {"class": "pager"})
        said = page_text("explorer.found-rows", count=len(result.rows), first=start + 1,
                         last=result.searched, rows=f"{found.rows:,}")  # fmt: skip
        if start:
            add_link(line, page_text("explorer.first"), query.href(**{"from": None}), kind="button")
        if result.after is not None:
            link = query.href(**{"from": result.after})
            add_link(line, page_text("explorer.go-on"), link, kind="button")
        add(line, "span", said, {"class": "quiet"})
        return page
    pages = max(-(-found.rows // A_PAGE), 1)
    at = min(max(query.number("page"), 1), pages)
    first = (at - 1) * A_PAGE
    rows = found.page(first, A_PAGE)
    _table(page, found, rows, manifest)
    words = page_text("explorer.shown", first=first + len(rows[:1]), last=first + len(rows),
                      count=pluralize(found.rows, "row"))  # fmt: skip
    add_pager(page.main, query, at, pages, words)
    return page


def row_page(explorer: Explorer, query: Query) -> Page:
    """Return the page of one row with its whole values."""
    manifest = dataset_of(explorer, query.text("id"))
    number = query.number("n", 0)
    page = Page(page_text("explorer.row-of", number=number + 1, of=manifest.name))
    where_from(page, explorer, manifest)
    found = index_of(explorer, manifest)
    if isinstance(found, Job):
        add_progress(page, found)
        return page
    row = found.whole(number)
    if row is None:
        rows = pluralize(found.rows, "row")
        raise NotFoundError("no-record", f"{manifest.name} {manifest.id.short} has {rows}")
    facts = SubElement(page.main, "dl")
    add_fact(facts, page_text("explorer.place"), f"{row.path}:{row.position + 1}")
    add_fact(facts, page_text("explorer.record"), row.record, kind="digest")
    for name, value in row.values.items():
        add(facts, "dt", name)
        add_text(SubElement(facts, "dd"), value)
    line = SubElement(page.main, "nav", {"class": "pager"})
    for title, target in (("previous", number - 1), ("next", number + 1)):
        if 0 <= target < found.rows:
            add_link(line, page_text(f"explorer.{title}"), query.href(n=target), kind="button")
    return page


def dataset_of(explorer: Explorer, ref: str) -> Manifest:
    """Return a version of a dataset whose data is there.

    Raises:
        InvalidInputError: (``no-files``) it is something else.
        IncompleteError: (``retired``) its data was retired.
    """
    manifest = explorer.manifest(explorer.row_of(ref))
    if manifest.kind != "dataset":
        raise InvalidInputError("no-files", f"{manifest.name} is a {manifest.kind}")
    repository = explorer.store.repository
    if manifest.id in (retired := retired_versions(repository)) and explorer.cache is not None:
        # ATTACK A212: another process retired it.
        forget_rows(explorer_folder(explorer.cache), retired)
    present_tree(repository, manifest)
    return manifest


def has_rows(manifest: Manifest) -> bool:
    """Return whether the records of a dataset are rows."""
    return manifest.body["reader"] in ROWS


def index_of(explorer: Explorer, manifest: Manifest) -> RowIndex | Job:
    """Return the index of a version's rows, or the work that builds it.

    Raises:
        InvalidInputError: (``no-rows``) its records are documents; there is no cache folder.
        LyrikstoreError: It could not be built.
    """
    if not has_rows(manifest):
        raise InvalidInputError(
            "no-rows", f"the records of {manifest.name} are files", hint="look at its files"
        )
    if explorer.cache is None:
        raise InvalidInputError("no-rows", "there is no cache folder in which rows are kept")
    folder = explorer_folder(explorer.cache)
    key = ("rows", manifest.id.hex)
    found = RowIndex.open(folder, manifest.id)
    if found is None:
        job = explorer.jobs.run(key, partial(_build, manifest.id, folder))
        if not job.is_done:
            return job
        found = RowIndex.open(folder, manifest.id)
    explorer.jobs.forget(key)
    if found is None:  # removed meanwhile, by a purge
        raise FormatError(
            "bad-index", "the rows that were read are not there", hint="load the page again"
        )
    return found


def _build(identity: Digest, folder: Path, store: Store) -> None:
    repository = store.repository
    build_rows(repository, repository.manifest(identity), folder, store.progress)


def where_from(page: Page, explorer: Explorer, manifest: Manifest) -> None:
    """Add the line that leads from rows or files to their version, with its verdict."""
    line = SubElement(page.main, "p")
    add_link(line, f"{manifest.name} {manifest.id.short}", object_href(manifest.id.hex), after=" ")
    add_judgement(line, explorer.judgement_of(str(manifest.id)), after=" ")
    add_links(line, explorer.ways_from(manifest))


def add_progress(page: Page, job: Job) -> None:
    """Say how far work in the background is; the page loads itself again until it is done."""
    page.again = 1
    done, total = job.progress.done, job.progress.total
    said = page_text("explorer.working-some")
    if total:
        said = page_text("explorer.working", done=f"{done:,}", total=f"{total:,}")
    page.add("p", said, kind="quiet")
    bar = {"max": str(total), "value": str(min(done, total))} if total else {}
    SubElement(page.main, "progress", {"aria-label": said, **bar})


def _table(page: Page, index: RowIndex, rows: tuple[IndexedRow, ...], manifest: Manifest) -> None:
    fields = index.fields[:MAX_COLUMNS]
    body = add_rows(page.main, [f"#{page_text('explorer.number')}", *fields],
                    label=page_text("explorer.rows"))  # fmt: skip
    for row in rows:
        add_row(body, row, fields, href("/row", id=manifest.id.hex, n=row.number))
    if len(index.fields) > MAX_COLUMNS:
        page.add("p", page_text("explorer.more-fields", count=len(index.fields) - MAX_COLUMNS),
                 kind="quiet")  # fmt: skip


def add_row(body: Element, row: IndexedRow, fields: tuple[str, ...], link: str) -> None:
    """Add a row of data to the body of a table; its number leads to the whole row."""
    line = SubElement(body, "tr")
    add_link(SubElement(line, "th", {"scope": "row", "class": "number"}), str(row.number + 1), link)
    for name in fields:
        add(line, "td", cut(row.values.get(name, "")))
