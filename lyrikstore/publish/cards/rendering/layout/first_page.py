"""The first page of a card: what it is for, the decision, the worst, who approved, which data."""

from collections.abc import Iterator, Sequence

from lyrikstore.canon.text import pluralize
from lyrikstore.publish.cards.rendering.layout.blocks import (
    Approvals,
    Block,
    Box,
    Heading,
    Inline,
    LineList,
    Panels,
    Paragraph,
    Reference,
    Shown,
    TermList,
)
from lyrikstore.publish.cards.rendering.layout.finding import worst_finding
from lyrikstore.publish.cards.rendering.layout.printing import Printer, is_short
from lyrikstore.publish.cards.rendering.layout.statements import (
    DETERMINES_NOTHING,
    anchor_of,
    fact_of,
    title_of,
)
from lyrikstore.web.texts import page_text

_NAMED = frozenset({"rights.requires", "rights.prohibits", "data.redacted", "model.external"})
"""Facts whose texts do not say what they are about."""

PROHIBITED = 3
"""Most credentials whose prohibitions are printed on the first page."""

ITEMS = 3
"""Most open items on the first page; the profiles have all of them."""

_BEFORE: Sequence[tuple[str, Sequence[str]]] = (
    ("better", ("evaluation.verdict",)),
    ("cheaper", ("evaluation.cheaper", "evaluation.cost")),
)
"""Rows of cards before ``card/8``, whose sentence does not say all of this."""

_FIGURES: Sequence[tuple[str, Sequence[str]]] = (
    ("given", ("evaluation.given", "evaluation.against")),
    ("promised", ("evaluation.threshold",)),
    ("seen", ("evaluation.seen", "evaluation.near")),
    ("trained", ("run.confined",)),
)
_DATA: Sequence[tuple[str, Sequence[str]]] = (
    ("sources", ("data.source",)),
    ("licence", ("data.licence", "rights.credential", "data.licence-unstated")),
    ("age", ("data.collected", "rights.age")),
    (
        "personal",
        ("data.personal-found", "data.classification", "data.redacted", "rights.regulatory"),
    ),
    (
        "forbidden",
        (
            "rights.prohibits", "rights.limits", "rights.deletion", "rights.attribution",
            "rights.requires", "data.prohibited-uses", "rights.same-bytes",
        ),
    ),
)  # fmt: skip


def first_page(card: Printer) -> Iterator[Block]:
    """Yield the first page."""
    is_model = card.card["subject"]["kind"] == "checkpoint"
    yield Heading(card.card["subject"]["name"], 1)
    titles = ", ".join(one["title"] for one in card.card["profiles"])
    yield Paragraph(
        page_text("card.kind" if is_model else "card.kind-data", profiles=titles), "quiet"
    )
    worst = worst_finding(card)
    if is_model:
        yield _decision(card)
    purpose = _purpose(card, is_model=is_model)
    said = page_text(f"card.worst-{worst.kind}")
    blocks: list[Block] = [Paragraph(said, "strong")]
    if worst.statements:
        blocks.append(LineList([[one] for one in card.some(worst.statements, 2)]))
    finding = Box(page_text("card.worst"), blocks, "worst")
    challenges = [[one] for one in card.some(card.facts("rights.challenge"), 2)]
    disputed: list[Block] = [LineList(challenges)] if challenges else []
    state: list[Block] = [Paragraph(card.status(), "strong"), *disputed, Approvals()]
    status = Box(page_text("card.status"), state, "status")
    yield Panels([[finding, status, _changes(card)], [purpose, _open_items(card)]])
    yield Box(page_text("card.data"), [TermList(_rows(card, _DATA, "not-stated"))], "data")
    unread = [one["title"] for one in card.card["profiles"] if not one["reviewedBy"]]
    review = page_text("card.unreviewed", profiles=", ".join(unread)) if unread else ""
    yield Paragraph(f"{review} {DETERMINES_NOTHING}".strip(), "quiet")


def _decision(card: Printer) -> Box:
    """Return the box with the sentence that decides, and its figures."""
    # Cards before card/8 have the verdict alone.
    decided = card.facts("evaluation.decision") or card.facts("evaluation.verdict")
    blocks: list[Block] = [Paragraph(page_text("card.not-evaluated"), "strong")]
    if decided:
        text = f"{decided[0]['text'][:1].upper()}{decided[0]['text'][1:]}"
        blocks = [LineList([[card.line(decided[0], title="", text=text, large=True)]])]
    figures = _FIGURES if decided and decided[0]["id"].startswith("evaluation.decision") else (
        *_BEFORE, *_FIGURES
    )  # fmt: skip
    blocks.append(TermList(_rows(card, figures, "")))
    return Box(page_text("card.decision"), blocks, "decision", "lead")


def _purpose(card: Printer, *, is_model: bool) -> Box:
    asked: Sequence[tuple[str, Sequence[str]]] = (
        ("for", ("answer.intended-use",)),
        ("not-for", ("answer.out-of-scope",)),
    )
    if is_model:
        is_said = any(one.get("by") for one in card.facts("answer.intended-use"))
        task = () if is_said else ("model.task", "model.labels")
        asked = (*asked, ("does", (*task, "model.external")))
    else:
        asked = (
            ("holds", ("data.about", "answer.contents", "subject.content")),
            ("for", ("answer.motivation", "answer.suitable-uses", "data.purposes")),
            ("not-for", ("answer.unsuitable-uses",)),
        )
    return Box(page_text("card.purpose"), [TermList(_rows(card, asked, ""))], "purpose")


def _rows(
    card: Printer, asked: Sequence[tuple[str, Sequence[str]]], absent: str
) -> list[tuple[str, Sequence[Inline]]]:
    """Return a row for each word that a statement is there for.

    Args:
        card: The card.
        asked: Name of the word's text, and the facts of its row.
        absent: Name of the text of a row without statements; empty: there is no such row.
    """
    rows: list[tuple[str, Sequence[Inline]]] = []
    for word, facts in asked:
        waiting = [one for one in card.facts(*facts) if not card.is_printed(one)]
        unknown = [one for one in waiting if one["state"] == "not-established"]
        line: list[Inline] = []
        elsewhere: list[Shown] = []
        for fact in facts:
            of = [one for one in card.facts(fact) if one in waiting and one not in unknown]
            of.sort(key=lambda one: one.get("value") == [])  # what says something comes first
            saying = [one for one in of if one.get("value") != []]
            most = min(max(1, len(saying)), PROHIBITED) if fact == "rights.prohibits" else 1
            shown = [one for one in of if is_short(one)][:most]
            line += [card.line(one, title=_start(one, len(of))) for one in shown]
            elsewhere += [one for one in of if one not in shown]
        references = card.references(elsewhere or (() if line else unknown))
        line += [page_text("card.more"), *references] if line and references else references
        if not line and absent:
            line = [page_text(f"card.{absent}")]
        if line:
            rows.append((page_text(f"card.{word}"), line))
    return rows


def _start(one: Shown, count: int) -> str:
    """Return the start of a statement whose row says what it is: its subject, if there are more."""
    fact = fact_of(one)
    if fact in _NAMED:
        return title_of(one, about=False)
    is_named = count > 1 or fact == "data.source" or fact.startswith("rights.")
    about = str(one["about"]) if is_named else ""
    return f"{about}:" if about else ""


def _open_items(card: Printer) -> Box:
    required, _ = card.open_items()
    waiting = [
        (profile, item)
        for profile, item in card.items()
        if item["open"] and (item["required"] or item["contradicted"])
    ]
    lines: list[Sequence[Inline]] = [
        [
            Reference(
                f"{item['clause']}: {item['asks']}", [item_anchor(profile["profile"], item["id"])]
            )
        ]
        for profile, item in waiting[:ITEMS]
    ]
    if not waiting:
        lines.append([page_text("card.none-open")])
    elif len(waiting) > ITEMS:
        more = page_text("card.more-open", count=len(waiting) - ITEMS)
        lines.append([Reference(more, ["questions"])])
    title = page_text("card.open", items=pluralize(required, "required item"))
    return Box(title, [LineList(lines, bullets=True)], "open")


def _changes(card: Printer) -> Box:
    found = [*card.facts("subject.version"), *card.facts("evaluation.before")]
    lines: list[Sequence[Inline]] = [card.some(found, 3)]
    lines.append([page_text("card.diff", subject=card.card["subject"]["name"])])
    return Box(page_text("card.changed"), [LineList(lines)], "changed")


def item_anchor(profile: str, item: str) -> str:
    """Return the name of the place of a profile's item."""
    return anchor_of(f"{profile.partition('/')[0]}-{item}", "i")
