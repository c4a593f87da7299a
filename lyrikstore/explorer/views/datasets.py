"""A version of a dataset: what its signed statistics say, licences, terms, and a full profile."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any
from xml.etree.ElementTree import SubElement

from lyrikstore.api import Asker, Manifest, Mix, Store, mix
from lyrikstore.api.purge import explorer_folder
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.curate.row_index import RowIndex
from lyrikstore.explorer.explorer import Explorer
from lyrikstore.explorer.page import (
    Page,
    Query,
    add_badge,
    add_fact,
    add_head,
    add_judgement,
    add_link,
    add_links,
    add_rows,
    cut,
    object_href,
    titles_of,
)
from lyrikstore.explorer.views.files import tree_of
from lyrikstore.explorer.views.rows import add_progress, dataset_of, has_rows
from lyrikstore.verify.datasets.body import stats_of
from lyrikstore.verify.datasets.licences import count_licences
from lyrikstore.web.charts import bars
from lyrikstore.web.html import add
from lyrikstore.web.texts import page_text

LISTED = 30
"""Most labels and licences in a chart."""

_PROFILED = (
    ("exactDuplicates", "explorer.exact-duplicates"),
    ("normalisedDuplicates", "explorer.normal-duplicates"),
    ("labelConflicts", "explorer.label-conflicts"),
    ("sampled", "explorer.sampled"),
    ("documentsPartlyRead", "explorer.partly-read"),
)


def dataset_page(explorer: Explorer, query: Query) -> Page:
    """Return the page of a version of a dataset."""
    manifest = dataset_of(explorer, query.text("id"))
    page = Page(f"{manifest.name} {manifest.id.short}")
    _ways(page, explorer, manifest)
    _facts(page, manifest)
    stats = stats_of(manifest.body)
    _fields(page, manifest, stats)
    _labels(page, stats)
    _licences(page, explorer, manifest)
    _terms(page, explorer, manifest)
    _derivation(page, manifest)
    _descriptor(page, manifest)
    _profile(page, explorer, query, manifest)
    return page


def _ways(page: Page, explorer: Explorer, manifest: Manifest) -> None:
    line = SubElement(page.main, "p")
    add_judgement(line, explorer.judgement_of(str(manifest.id)), after=" ")
    own = page_text("explorer.manifest"), object_href(manifest.id.hex)
    add_links(line, [own, *explorer.ways_from(manifest)[1:]])


def _facts(page: Page, manifest: Manifest) -> None:
    body, facts = manifest.body, SubElement(page.main, "dl")
    for key, value in (
        ("records", f"{body['records']:,}"),
        ("bytes", f"{body['bytes']:,}"),
        ("file-count", f"{body['fileCount']:,}"),
        ("reader", body["reader"]),
        ("origin", body["origin"]),
        ("licence", body.get("licence", {}).get("expression", page_text("explorer.none-stated"))),
    ):
        add_fact(facts, page_text(f"explorer.{key}"), value)


def _fields(page: Page, manifest: Manifest, stats: Mapping[str, Any]) -> None:
    roles: dict[str, list[str]] = {}
    for role, named in manifest.body.get("fields", {}).items():
        for field in [named] if isinstance(named, str) else named:
            roles.setdefault(str(field), []).append(role)
    if fields := stats.get("fields"):
        part = page.part(page_text("explorer.fields"))
        columns = ("field", "role", "types", "#missing", "#distinct", "#least", "#median", "#most")
        body = add_rows(part, titles_of(*columns), label=page_text("explorer.fields"))
        for one in fields:
            types = ", ".join(f"{item['type']} {item['records']:,}" for item in one["types"])
            lengths = one.get("lengths", {})
            line = SubElement(body, "tr")
            add_head(line, one["field"])
            add(line, "td", ", ".join(roles.get(one["field"], ())))
            add(line, "td", types)
            for value in (one["missing"], one.get("distinct"), *(
                lengths.get(name) for name in ("least", "median", "most")
            )):  # fmt: skip
                add(line, "td", "" if value is None else f"{value:,}", {"class": "number"})
    elif sheet := stats.get("columns"):
        part = page.part(page_text("explorer.columns"))
        body = add_rows(part, titles_of("field", "#file-count", "#distinct"))
        for one in sheet:
            line = SubElement(body, "tr")
            add_head(line, one["column"])
            for value in (one.get("files"), one.get("distinct")):
                add(line, "td", "" if value is None else f"{value:,}", {"class": "number"})


def _labels(page: Page, stats: Mapping[str, Any]) -> None:
    labels = [(str(one["label"]), int(one["records"])) for one in stats.get("labels", ())]
    if labels:
        part = page.part(page_text("explorer.labels"))
        most = sorted(labels, key=lambda one: -one[1])[:LISTED]
        total = sum(count for _, count in labels)
        bars(part, most, total, title=page_text("explorer.by-label"))


def _licences(page: Page, explorer: Explorer, manifest: Manifest) -> None:
    tree = None if has_rows(manifest) else tree_of(explorer, manifest)
    found = count_licences(manifest.body, tree)
    values = found.values
    if has_rows(manifest) and found.field and explorer.cache is not None:
        index = RowIndex.open(explorer_folder(explorer.cache), manifest.id)
        values = () if index is None or index.licences is None else index.licences
        values = tuple(one for one in values if one[0])
    part = page.part(page_text("explorer.licence-mix"))
    if values:
        bars(part, values[:LISTED], found.records, title=page_text("explorer.by-licence"))
    elif found.field:
        add(part, "p", page_text("explorer.licences-unread", field=found.field), {"class": "quiet"})
    else:
        said = found.expression or page_text("explorer.none-stated")
        add(part, "p", page_text("explorer.one-licence", licence=said))
    if found.unstated:
        add(part, "p", page_text("explorer.unstated", count=f"{found.unstated:,}"),
            {"class": "doubt"})  # fmt: skip


def _terms(page: Page, explorer: Explorer, manifest: Manifest) -> None:
    part = page.part(page_text("explorer.terms"))
    try:
        found = explorer.kept(("terms", str(manifest.id)), partial(_mix, explorer, manifest))
    except LyrikstoreError as error:
        add(part, "p", f"{error.kind}: {error.message}", {"class": "problem"})
        return
    for source in found.sources:
        line = SubElement(part, "p")
        add(line, "span", source.name, after=" ")
        add_badge(line, str(source.verdict), str(source.verdict), after=" ")
        add(line, "span", " ".join(filter(None, (source.problem, source.note))), {"class": "quiet"})
    body = add_rows(part, titles_of("act", "answer"), label=page_text("explorer.terms"))
    for act, (answer, _) in found.answers.items():
        line = SubElement(body, "tr")
        add_head(line, act)
        state = "good" if answer == "permitted" else "bad" if answer == "prohibited" else "doubt"
        add(line, "td", answer, {"class": state})


def _mix(explorer: Explorer, manifest: Manifest) -> Mix:
    store = explorer.store
    asker = Asker(store.trust, max(store.clock(), store.floor()), store.user)
    return mix(store.datasets.term_sources([str(manifest.id)], asker), None)


def _derivation(page: Page, manifest: Manifest) -> None:
    found = manifest.body.get("derivation")
    if not isinstance(found, Mapping):
        return
    part = page.part(page_text("explorer.derivation"))
    body = add_rows(part, titles_of("what", "#records"))
    for title, counts in (("", found.get("counts", {})), ("dropped", found.get("dropped", {})),
                          ("changed", found.get("changed", {}))):  # fmt: skip
        for name, count in counts.items():
            line = SubElement(body, "tr")
            add_head(line, f"{title}: {name}" if title else name)
            add(line, "td", f"{count:,}", {"class": "number"})


def _descriptor(page: Page, manifest: Manifest) -> None:
    found = manifest.body.get("descriptor", {})
    if not found:
        return
    part = page.part(page_text("explorer.descriptor"))
    body = add_rows(part, titles_of("field", "state", "value", "basis"))
    unknown = [name for name, one in sorted(found.items()) if one["state"] == "unknown"]
    for name, one in sorted(found.items()):
        if name == "stats" or name in unknown:
            continue
        line = SubElement(body, "tr")
        add_head(line, name)
        add(line, "td", one["state"])
        value = one.get("value", one.get("reason", ""))
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        add(line, "td", cut(text, 1000))
        add(line, "td", one.get("basis", ""))
    if unknown:
        said = page_text("explorer.not-stated", fields=", ".join(unknown))
        add(part, "p", said, {"class": "quiet"})


def _profile(page: Page, explorer: Explorer, query: Query, manifest: Manifest) -> None:
    part = page.part(page_text("explorer.full-profile"), anchor="profile")
    if not query.text("profile"):
        add(part, "p", page_text("explorer.profile-reads"), {"class": "quiet"})
        add_link(part, page_text("explorer.make-profile"), query.href(profile="1") + "#profile",
                 kind="button")  # fmt: skip
        return
    job = explorer.jobs.run(("profile", str(manifest.id)), partial(_profiled, str(manifest.id)))
    if not job.is_done:
        add_progress(page, job)
        return
    facts: Mapping[str, Any] = job.result
    listed = SubElement(part, "dl")
    for name, title in _PROFILED:
        add_fact(listed, page_text(title), f"{facts[name]:,}")
    for name, title in (("personalFound", "personal"), ("languagesFound", "languages"),
                        ("documentsUnread", "unread")):  # fmt: skip
        some = [(one["valueText"], one["recordCount"]) for one in facts[name] or ()]
        if some:
            whole = facts["sampled"] or facts["recordCount"]
            bars(part, some[:LISTED], whole, title=page_text(f"explorer.{title}"))
    lengths = [(f"{one['fromLength']:,}", one["recordCount"]) for one in facts["textLengths"]]
    if lengths:
        title = page_text("explorer.text-lengths")
        bars(part, lengths[:LISTED], facts["recordCount"], title=title)


def _profiled(ref: str, store: Store) -> Mapping[str, Any]:
    return store.datasets.profile(ref.partition(":")[2]).to_json()
