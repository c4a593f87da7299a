"""The annexes of a card: who says so, profiles, data, evaluation, run, questions, evidence."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from lyrikstore.publish.cards.rendering.layout.blocks import (
    Badge,
    Block,
    Bullets,
    Code,
    Heading,
    Identifier,
    Inline,
    LineList,
    Paragraph,
    Shown,
    Table,
    TableRow,
)
from lyrikstore.publish.cards.rendering.layout.charts_page import evaluation_charts
from lyrikstore.publish.cards.rendering.layout.first_page import item_anchor
from lyrikstore.publish.cards.rendering.layout.printing import Printer, subject_of
from lyrikstore.publish.cards.statement import OPEN
from lyrikstore.verify.evaluation.limits import JUDGED_RECORDS
from lyrikstore.web.texts import page_text

_RESPONSIBLE = (
    "subject.signer", "model.base-rights", "data.source", "data.licence", "rights.credential",
    "rights.regulatory", "rights.attested", "rights.challenge", "rights.waiver",
)  # fmt: skip


def annexes(card: Printer) -> Iterator[Block]:
    """Yield the annexes. What they print is what the first two pages do not."""
    yield from _responsible(card)
    for profile in card.card["profiles"]:
        yield from _profile(card, profile)
    yield from _data(card)
    if card.card["subject"]["kind"] == "checkpoint":
        yield from _evaluation(card)
        yield Heading(page_text("card.run"), anchor="run")
        yield from card.compact(card.waiting("run.", "training.", "model.", "subject."))
    yield from _questions(card)
    if others := card.waiting(""):
        yield Heading(page_text("card.others"), 3)
        yield from card.compact(others)
    yield Heading(page_text("card.evidence"), anchor="evidence")
    titles = [page_text(f"card.evidence-{one}") for one in ("label", "what", "id")]
    yield Table(
        titles,
        [
            TableRow(
                ([card.labels[one["id"]]], [one["what"]], [Identifier(one["id"])]),
                card.labels[one["id"]],
            )
            for one in card.card["evidence"]
        ],
    )


def _responsible(card: Printer) -> Iterator[Block]:
    yield Heading(page_text("card.who"), page=True, anchor="who")
    liable = {one["about"]: one for one in card.facts("rights.liability")}
    said: dict[tuple[str, str], list[Shown]] = {}
    for one in (*card.facts(*_RESPONSIBLE), *_answered(card)):
        if one["state"] in OPEN and not one["id"].startswith("answer."):
            continue
        who = f"{one.get('by', '')} {one.get('called', '')}".strip()
        other = liable.get(one["about"], {}).get("id", "")
        said.setdefault((who, one.get("liable") or other), []).append(one)
    rows = []
    for (who, words), found in said.items():
        states: list[Inline] = [words or page_text("card.nothing-said")]
        if words in card.by_id:
            one = card.by_id[words]
            states = card.some([one], title="")
        rows.append(TableRow(([who or page_text("card.nobody")], card.references(found), states)))
    yield Table([page_text(f"card.who-{one}") for one in ("who", "says", "liable")], rows)
    answers = [one for one in _answered(card) if not card.is_printed(one)]
    if answers:
        yield Heading(page_text("card.answers"), 3)
        yield LineList([[card.line(one)] for one in answers])
    if rules := card.waiting("rights.rules", "rights.decision", "rights.waiver"):
        yield Heading(page_text("card.rules"), 3)
        yield from card.compact(rules)
    if opinions := card.waiting("model.opinion", "rights.challenge"):
        yield Heading(page_text("card.opinions"), 3)
        yield from card.compact(opinions)
    yield Heading(page_text("card.not-proven"), 3)
    kind = "model" if card.card["subject"]["kind"] == "checkpoint" else "data"
    names = ("claims", "today", kind, "people", "law")
    yield Bullets([page_text(f"card.not-proven-{one}") for one in names])
    yield Heading(page_text("card.verify"), 3)
    subject = card.card["subject"]
    yield Code(
        (
            page_text("card.verify-file"),
            f"lyrikstore verify {subject['name']}",
            f"lyrikstore lineage {subject['id']}",
        )
    )


def _answered(card: Printer) -> list[Shown]:
    """Return the statements of answers."""
    return [
        one for one in card.card["statements"] if one["id"].startswith("answer.") and one.get("by")
    ]


def _profile(card: Printer, profile: Mapping[str, Any]) -> Iterator[Block]:
    where = f", {profile['jurisdiction']}" if profile["jurisdiction"] else ""
    yield Heading(f"{profile['title']}{where}", anchor=f"p-{profile['profile'].partition('/')[0]}")
    reviewed = profile["reviewedBy"] or page_text("card.no-lawyer")
    about = page_text(
        "card.profile", profile=profile["profile"], day=profile["asOf"], reviewer=reviewed
    )
    yield Paragraph(" ".join(filter(None, (about, profile["banner"]))), "quiet")
    if "doesNotApply" in profile:
        yield Paragraph(profile["doesNotApply"], "strong")
    rows = []
    for item in profile["items"]:
        says = card.references(card.by_id[one] for one in item["statements"])
        said: list[Inline] = [_state_of_item(item), f"{item['asks']}:", *says]
        if not says:
            said.append(page_text("card.nothing"))
        rows.append(
            TableRow(
                ([item["clause"]], said),
                item_anchor(profile["profile"], item["id"]),
            )
        )
    if rows:
        yield Table([page_text(f"card.item-{one}") for one in ("clause", "asks")], rows)
    if profile["sources"]:
        sources = "; ".join(map(_source, profile["sources"]))
        yield Paragraph(page_text("card.profile-sources", sources=sources), "quiet")


def _state_of_item(item: Mapping[str, Any]) -> Badge:
    if item.get("contradicted"):
        return Badge(page_text("card.item-contradicted"), "bad")
    if not item["open"]:
        return Badge(page_text("card.item-answered"), "good")
    if item["required"]:
        return Badge(page_text("card.item-open"), "doubt")
    return Badge(page_text("card.item-open-optional"), "quiet")


def _source(source: Mapping[str, Any]) -> str:
    place = f", {source['url']}" if "url" in source else ""
    name = "card.source-secondary" if source.get("secondary") else "card.source"
    return page_text(name, cite=f"{source['cite']}{place}", day=source["retrieved"])


def _identifiers(card: Printer) -> Iterator[Block]:
    """Yield the table of the identifiers of HIPAA of each dataset that was scanned."""
    for one in card.facts("data.identifiers"):
        if not isinstance(one.get("value"), Mapping):
            continue
        yield LineList([[card.line(one, text="")]])
        rows = []
        for each in one["value"]["rows"]:
            found = ", ".join(f"{kind} {count:,}" for kind, count in each["found"].items())
            # What nobody looked for is not said to be absent.
            none = page_text("card.identifier-none") if each["detectors"] else ""
            status = page_text(f"card.identifier-{each['status']}")
            sought = ", ".join(each["detectors"])
            cells: Sequence[Sequence[Inline]] = (
                [f"{each['identifier']} {each['name']}"],
                [f"{status}: {sought}" if sought else status],
                [found or none],
                [", ".join(each["left"]) or none],
            )
            rows.append(TableRow(cells))
        titles = ("identifier", "looked-for-by", "found", "left")
        yield Table([page_text(f"card.identifier-{name}") for name in titles], rows)
        places = ", ".join(one["value"]["searched"])
        yield Paragraph(page_text("card.identifier-searched", places=places), "quiet")


def _data(card: Printer) -> Iterator[Block]:
    yield Heading(page_text("card.all-data"), anchor="all-data")
    yield from _identifiers(card)
    about: dict[str, list[Shown]] = {}
    for one in card.waiting("data."):
        about.setdefault(_dataset(one), []).append(one)
    for name, found in about.items():
        if name:
            yield Heading(name, 3)
        known = [one for one in found if one["state"] not in OPEN]
        yield from card.compact([*known, *(one for one in found if one not in known)], about=False)
    if rights := card.waiting("rights."):
        yield Heading(page_text("card.rights"), 3)
        subjects = list(dict.fromkeys(map(subject_of, rights)))
        yield from card.compact(sorted(rights, key=lambda one: subjects.index(subject_of(one))))


def _dataset(one: Shown) -> str:
    """Return the dataset that a statement is about, which a role may precede."""
    names = [part for part in one["about"].split(" ") if part.startswith("datasets/")]
    return names[0] if names else str(one["about"].partition(" ")[0])


def _evaluation(card: Printer) -> Iterator[Block]:
    found = card.waiting("evaluation.")
    yield Heading(page_text("card.evaluation"), anchor="evaluation")
    if classes := [one for one in found if one["id"].startswith("evaluation.class")]:
        yield _classes(card, classes)
    yield from evaluation_charts(card)
    yield from card.compact(card.waiting("evaluation."))


def _classes(card: Printer, classes: Iterable[Shown]) -> Table:
    titles = [page_text(f"card.class-{one}") for one in (
        "label", "records", "precision", "recall", "f1", "baseline", "evidence",
    )]  # fmt: skip
    rows = []
    for one in classes:
        value = one["value"]
        cells: Sequence[Sequence[Inline]] = (
            [one["title"]],
            [_records(card, value["support"])],
            [value["precision"]],
            [value["recall"]],
            [value["f1"]],
            [value.get("baselineF1", page_text("card.not-known"))],
            [card.line(one, title="", text="")],
        )
        rows.append(TableRow(cells))
    return Table(titles, rows, figures=True)


def _records(card: Printer, count: int) -> str:
    few = card.form.claims_what_is_shown and count < JUDGED_RECORDS
    return page_text("card.few", count=count) if few else str(count)


def _questions(card: Printer) -> Iterator[Block]:
    waiting = [one for one in card.card["questions"] if card.is_open(one["statements"])]
    yield Heading(page_text("card.questions"), anchor="questions")
    if not waiting:
        yield Paragraph(page_text("card.none-open"))
    unsaid = [one for one in card.waiting("answer.") if not one.get("by")]
    for text in dict.fromkeys(one["text"] for one in unsaid):
        yield Paragraph(text)
    lines: list[Sequence[Inline]] = []
    for question in waiting:
        said = [card.by_id[one] for one in question["statements"]]
        line: list[Inline] = [card.line(one, text="", bare=True) for one in said if one in unsaid]
        lines.append(line or [question["asks"], *card.references(said)])
    yield LineList(lines)
