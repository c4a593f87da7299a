"""The files of a version, and the text of one of them."""

from functools import partial
from xml.etree.ElementTree import SubElement

from lyrikstore.api import Manifest, Store, Tree, TreeEntry
from lyrikstore.canon.errors import NotFoundError
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.curate.extract.result import Unreadable
from lyrikstore.curate.extract.workers import Extractor
from lyrikstore.curate.recipes.source import read_start
from lyrikstore.explorer.explorer import Explorer
from lyrikstore.explorer.page import (
    Page,
    Query,
    add_fact,
    add_form,
    add_link,
    add_pager,
    add_rows,
    add_search,
    add_text,
    cut,
    href,
    page_of,
    titles_of,
)
from lyrikstore.explorer.views.rows import add_progress, where_from
from lyrikstore.history.repository.retired import present_tree
from lyrikstore.web.html import add
from lyrikstore.web.texts import page_text

A_PAGE = 100
MOST_BYTES = 64 << 20
"""Most bytes of a file that are read for its page."""

MOST_TEXT = 1_000_000
"""Most characters of its text that are shown."""


def files_page(explorer: Explorer, query: Query) -> Page:
    """Return a page of the files of a version, by path and values of the sheet."""
    manifest = explorer.manifest(explorer.row_of(query.text("id")))
    tree = tree_of(explorer, manifest)
    page = Page(page_text("explorer.files-of", of=f"{manifest.name} {manifest.id.short}"))
    where_from(page, explorer, manifest)
    wanted = query.text("q")
    add_search(add_form(page.main, query, id=manifest.id.hex), wanted,
               label=page_text("explorer.search-files"))  # fmt: skip
    found = _found(tree, wanted.casefold())
    at, pages, shown = page_of(found, query, A_PAGE)
    columns = manifest.body.get("metadata", {}).get("columns", ())[:6]
    titles = [*titles_of("path", "#bytes"), *columns]
    body = add_rows(page.main, titles, label=page_text("explorer.files"))
    for entry in shown:
        line = SubElement(body, "tr")
        link = href("/file", id=manifest.id.hex, path=entry.path)
        add_link(SubElement(line, "td", {"class": "long"}), entry.path, link)
        add(line, "td", f"{entry.bytes:,}", {"class": "number"})
        for column in columns:
            add(line, "td", cut((entry.meta or {}).get(column, "")))
    first = (at - 1) * A_PAGE
    words = page_text("explorer.shown", first=first + len(shown[:1]), last=first + len(shown),
                      count=pluralize(len(found), "file"))  # fmt: skip
    add_pager(page.main, query, at, pages, words)
    return page


def tree_of(explorer: Explorer, manifest: Manifest) -> Tree:
    """Return the files of a version whose data is there; read once for each state of the log."""
    repository = explorer.store.repository
    return explorer.kept(("tree", str(manifest.id)), lambda: present_tree(repository, manifest))


def _found(tree: Tree, wanted: str) -> list[TreeEntry]:
    if not wanted:
        return list(tree.entries)
    return [
        entry
        for entry in tree.entries
        if wanted in entry.path.casefold()
        or any(wanted in value.casefold() for value in (entry.meta or {}).values())
    ]


def file_page(explorer: Explorer, query: Query) -> Page:
    """Return the page of one file: its values in the sheet, and its text."""
    manifest = explorer.manifest(explorer.row_of(query.text("id")))
    tree = tree_of(explorer, manifest)
    path = query.values.get("path", "")
    entry = tree.by_path.get(path)
    if entry is None:
        raise NotFoundError("no-path", f"{manifest.name} has no file {quote(path, 200)}")
    page = Page(entry.path)
    where_from(page, explorer, manifest)
    facts = SubElement(page.main, "dl")
    add_fact(facts, page_text("explorer.bytes"), f"{entry.bytes:,}")
    add_fact(facts, page_text("explorer.blob"), str(entry.blake3), kind="digest")
    for column, value in (entry.meta or {}).items():
        add_fact(facts, column, value)
    job = explorer.jobs.run(("text", str(entry.blake3), entry.path),
                            partial(_text, entry))  # fmt: skip
    if not job.is_done:
        add_progress(page, job)
        return page
    text, note = job.result
    part = page.part(page_text("explorer.text"))
    if note:
        add(part, "p", note, {"class": "quiet"})
    if text:
        add_text(part, text)
    return page


def _text(entry: TreeEntry, store: Store) -> tuple[str, str]:
    """Return the text of a file, and a remark."""
    data = read_start(entry, store.repository.blobs.open, MOST_BYTES)
    try:
        return _start(data.decode(), "")
    except UnicodeDecodeError:
        pass
    with Extractor() as extractor:
        for found in extractor.map([(entry.path, data)]):
            if isinstance(found, Unreadable):
                return "", page_text("explorer.no-text", reason=found.reason)
            return _start(found.text, page_text("explorer.extracted"))
    return "", ""


def _start(text: str, note: str) -> tuple[str, str]:
    if len(text) <= MOST_TEXT:
        return text, note
    more = page_text("explorer.cut", count=len(text) - MOST_TEXT)
    return text[:MOST_TEXT], f"{note} {more}".strip()
