"""Two versions side by side: what differs, and the values of changed rows."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from lyrikstore.api import Manifest, Store, VersionDiff
from lyrikstore.api.commands import FileChange
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.diff.rows import RowPlace, RowsDiff
from lyrikstore.curate.row_index import IndexedRow, RowIndex
from lyrikstore.explorer.explorer import COMPARED, Explorer
from lyrikstore.explorer.jobs import Job
from lyrikstore.explorer.page import (
    Page,
    Query,
    add_form,
    add_head,
    add_judgement,
    add_link,
    add_rows,
    cut,
    href,
    object_href,
    titles_of,
)
from lyrikstore.explorer.views.rows import MAX_COLUMNS, add_progress, add_row, has_rows, index_of
from lyrikstore.web.html import add
from lyrikstore.web.texts import page_text

LISTED = 200
"""Most files in a list."""


def compare_page(explorer: Explorer, query: Query) -> Page:
    """Return the page with two versions side by side."""
    page = Page(page_text("explorer.compare-title"))
    form = add_form(page.main, query)
    for name in ("a", "b"):
        title = page_text(f"explorer.compare-{name}")
        given = {"type": "text", "name": name, "value": query.text(name), "aria-label": title,
                 "placeholder": title}  # fmt: skip
        SubElement(form, "input", given)
    add(form, "button", page_text("explorer.compare"))
    if not (query.text("a") and query.text("b")):
        return page
    old, new = (explorer.manifest(explorer.row_of(query.text(name))) for name in ("a", "b"))
    for one in (old, new):
        if one.kind not in COMPARED:
            raise InvalidInputError("no-files", f"{one.name} is a {one.kind}",
                                    hint="compare datasets or checkpoints")  # fmt: skip
    _beside(page, explorer, old, new)
    work = partial(_compared, old.id.hex, new.id.hex)
    job = explorer.jobs.run(("diff", old.id.hex, new.id.hex), work)
    if not job.is_done:
        add_progress(page, job)
        return page
    found: VersionDiff = job.result
    _licences(page, found)
    if found.rows is not None:
        _rows(page, explorer, query, found, found.rows)
    _files(page, found)
    _fields(page, found)
    return page


def _compared(old: str, new: str, store: Store) -> VersionDiff:
    return store.datasets.diff(old, new)


def _beside(page: Page, explorer: Explorer, old: Manifest, new: Manifest) -> None:
    body = add_rows(page.main, titles_of("what", "compare-a", "compare-b"))
    line = SubElement(body, "tr")
    add_head(line, page_text("explorer.version"))
    for one in (old, new):
        cell = SubElement(line, "td")
        add_link(cell, f"{one.name} {one.id.short}", object_href(one.id.hex), after=" ")
        add_judgement(cell, explorer.judgement_of(str(one.id)))
    facts: tuple[tuple[str, Sequence[object]], ...] = (
        ("when", (old.created, new.created)),
        ("by", [explorer.key_name(one.author) for one in (old, new)]),
        *((key, [one.body.get(member) for one in (old, new)]) for key, member in (
            ("records", "records"), ("bytes", "bytes"), ("file-count", "fileCount"),
            ("reader", "reader"), ("licence", "licence"),
        )),
    )  # fmt: skip
    for key, values in facts:
        if values[0] is None and values[1] is None:
            continue
        line = SubElement(body, "tr")
        add_head(line, page_text(f"explorer.{key}"))
        differs = values[0] != values[1] and key not in {"when", "by"}
        for value, kind in zip(values, ("removed", "added"), strict=True):
            add(line, "td", _said(value), {"class": kind} if differs else {})


def _said(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        value = value.get("expression", value)
    if isinstance(value, int):
        return f"{value:,}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _licences(page: Page, found: VersionDiff) -> None:
    if not found.licences:
        return
    part = page.part(page_text("explorer.licence-changes"))
    body = add_rows(part, titles_of("what", "was", "now", "#file-count"))
    for one in found.licences:
        _change(body, one.column or one.of, one.was, one.now, one.files)


def _change(body: Element, of: str, was: str | None, now: str | None, count: int) -> None:
    line = SubElement(body, "tr")
    add_head(line, of)
    add(line, "td", cut(was or page_text("explorer.nothing")), {"class": "removed"})
    add(line, "td", cut(now or page_text("explorer.nothing")), {"class": "added"})
    add(line, "td", f"{count:,}", {"class": "number"})


def _rows(page: Page, explorer: Explorer, query: Query, found: VersionDiff, rows: RowsDiff) -> None:
    part = page.part(page_text("explorer.rows"))
    body = add_rows(part, titles_of("what", "#rows"))
    for name, count in rows.counts.items():
        line = SubElement(body, "tr")
        add_head(line, page_text(f"explorer.rows-{name}"))
        add(line, "td", f"{count:,}", {"class": "number"})
    if not rows.by_id:
        add(part, "p", page_text("explorer.no-row-ids"), {"class": "quiet"})
    if rows.shifts:
        body = add_rows(part, titles_of("what", "was", "now", "#records"))
        for one in rows.shifts[:LISTED]:
            _change(body, one.of, one.was, one.now, one.records)
    if rows.is_empty or not (has_rows(found.old) and has_rows(found.new)):
        return
    if not query.text("values"):
        add_link(part, page_text("explorer.show-values"), query.href(values="1"), kind="button")
        return
    before, after = (index_of(explorer, one) for one in (found.old, found.new))
    for index in (before, after):
        if isinstance(index, Job):
            add_progress(page, index)
    if isinstance(before, RowIndex) and isinstance(after, RowIndex):
        _values(part, found, rows, before, after)


def _values(
    part: Element, found: VersionDiff, rows: RowsDiff, before: RowIndex, after: RowIndex
) -> None:
    field = found.new.body.get("fields", {}).get("id", "")
    changed = after.at(_places(rows.shown.get("changed", ())))
    keys = {row.values.get(field, "") for row in changed}
    earlier = {row.values.get(found.old.body.get("fields", {}).get("id", ""), ""): row
               for row in before.with_keys(keys)}  # fmt: skip
    if changed:
        add(part, "h3", page_text("explorer.rows-changed"))
        body = add_rows(part, titles_of("#number", "field", "was", "now"))
        for row in changed:
            _changed(body, found, row, earlier.get(row.values.get(field, "")))
    for name, index, manifest in (("added", after, found.new), ("removed", before, found.old)):
        some = index.at(_places(rows.shown.get(name, ())))
        if not some:
            continue
        add(part, "h3", page_text(f"explorer.rows-{name}"))
        fields = index.fields[:MAX_COLUMNS]
        body = add_rows(part, [f"#{page_text('explorer.number')}", *fields])
        for row in some:
            add_row(body, row, fields, href("/row", id=manifest.id.hex, n=row.number))


def _places(places: Iterable[RowPlace]) -> list[tuple[str, int]]:
    return [(one.path, one.line - 1) for one in places]


def _changed(body: Element, found: VersionDiff, row: IndexedRow, was: IndexedRow | None) -> None:
    earlier: Mapping[str, str] = {} if was is None else was.values
    for name in dict.fromkeys((*earlier, *row.values)):
        if earlier.get(name) == row.values.get(name):
            continue
        line = SubElement(body, "tr")
        cell = SubElement(line, "td", {"class": "number"})
        link = href("/row", id=found.new.id.hex, n=row.number)
        add_link(cell, str(row.number + 1), link)
        add_head(line, name)
        add(line, "td", cut(earlier.get(name, page_text("explorer.nothing"))), {"class": "removed"})
        add(line, "td", cut(row.values.get(name, page_text("explorer.nothing"))),
            {"class": "added"})  # fmt: skip


def _files(page: Page, found: VersionDiff) -> None:
    kinds = (
        ("added", [(path, "") for path in found.added]),
        ("removed", [(path, "") for path in found.removed]),
        ("moved", [(one.path, one.moved_from or "") for one in found.moved]),
        ("changed", [(one.path, _what(one)) for one in found.differing]),
    )
    if not any(some for _, some in kinds):
        return
    part = page.part(page_text("explorer.files"))
    for name, some in kinds:
        if not some:
            continue
        add(part, "h3", page_text(f"explorer.files-{name}", count=f"{len(some):,}"))
        body = add_rows(part, titles_of("path", "what"))
        for path, what in some[:LISTED]:
            line = SubElement(body, "tr")
            add(line, "td", path, {"class": name} if name in {"added", "removed"} else {})
            add(line, "td", what)
        if len(some) > LISTED:
            add(part, "p", page_text("explorer.more-not-shown", count=len(some) - LISTED))


def _what(change: FileChange) -> str:
    said = page_text("explorer.content-differs") if change.content else ""
    return "; ".join(filter(None, (said, _cells(change.cells))))


def _cells(cells: Mapping[str, tuple[str | None, str | None]]) -> str:
    nothing = page_text("explorer.nothing")
    return "; ".join(f"{name}: {cut(was or nothing)} → {cut(now or nothing)}"
                     for name, (was, now) in cells.items())  # fmt: skip


def _fields(page: Page, found: VersionDiff) -> None:
    if not found.fields:
        return
    part = page.part(page_text("explorer.descriptor"))
    body = add_rows(part, titles_of("field", "was", "now"))
    for name, states in found.fields.items():
        line = SubElement(body, "tr")
        add_head(line, name)
        for one, kind in zip(states, ("removed", "added"), strict=True):
            add(line, "td", cut(_field(one), 1000), {"class": kind})


def _field(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return page_text("explorer.nothing")
    if one["state"] != "value":
        return f"{one['state']} ({one.get('reason', '')})"
    return _said(one["value"])
