"""``card.json`` as Markdown with a YAML block in front, for model hubs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from lyrikstore.publish.cards.rendering.charts import table_of
from lyrikstore.publish.cards.rendering.frontmatter import front_matter
from lyrikstore.publish.cards.rendering.layout import blocks
from lyrikstore.publish.cards.rendering.layout.pages import layout_of
from lyrikstore.publish.cards.rendering.layout.statements import state_of
from lyrikstore.publish.markdown import code, escape
from lyrikstore.web.texts import page_text

VERSION = "markdown/2"


def to_markdown(card: Mapping[str, Any]) -> bytes:
    """Return a card as Markdown in UTF-8; equal cards give equal bytes.

    Args:
        card: Contents of ``card.json``.
    """
    lines = list(front_matter(card))
    for block in layout_of(card):
        lines += _lines(block)
    store = card["subject"]["store"]
    lines += [
        "",
        f"Every id is the BLAKE3 of a signed document in the store {code(store)}.",
        "This text is a rendering of `card.json`, which alone has a meaning. Both are attached to",
        "a signed manifest there.",
        "",
    ]
    return "\n".join(lines).encode()


def _lines(block: blocks.Block) -> Iterator[str]:
    match block:
        case blocks.Heading(text, level, _, anchor):
            yield from ("", f"{'#' * level} {_place(anchor)}{escape(text)}", "")
        case blocks.Paragraph(text, kind):
            yield from (f"**{escape(text)}**" if kind == "strong" else escape(text), "")
        case blocks.LineList(lines):
            yield from (*(f"- {_inline(line)}" for line in lines), "")
        case blocks.TermList(rows):
            yield from (*(f"- **{escape(word)}** {_inline(line)}" for word, line in rows), "")
        case blocks.StatementFlow(lead, parts, state, _, cited):
            said = "; ".join(_part(one) for one in parts)
            start = f"{escape(lead, 4000)}: " if lead else ""
            yield f"- {start}{said} *{escape(state)}* {_cited(cited)}".rstrip()
            yield ""
        case blocks.Table(titles, rows):
            yield from _table(titles, [(row.anchor, [*map(_inline, row.cells)]) for row in rows])
        case blocks.Chart(kind, title, value, of, more):
            places = "".join(_place(one.anchor) for one in of)
            said = f" {_state(of[0])}" if of else ""
            yield from (f"{places}**{escape(title)}**{said}", "")
            head, values = table_of(kind, title, value)
            yield from _table(head, [("", [escape(one) for one in row]) for row in values])
            yield from (*(f"- {_inline([one])}" for one in more), "")
        case blocks.Bullets(said):
            yield from (*(f"- {escape(line)}" for line in said), "")
        case blocks.Code(typed):
            yield from (*(f"    {line}" for line in typed), "")
        case blocks.Approvals():
            yield from (escape(page_text("card.approvals-elsewhere")), "")
        case blocks.Box(title, inside, anchor):
            yield from ("", f"## {_place(anchor)}{escape(title)}", "")
            for one in inside:
                yield from _lines(one)
        case blocks.Panels(columns):
            for column in columns:
                for one in column:
                    yield from _lines(one)


def _table(titles: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> Iterator[str]:
    yield f"| {' | '.join(map(escape, titles))} |"
    yield f"|{' --- |' * len(titles)}"
    for anchor, cells in rows:
        yield f"| {_place(anchor)}{' | '.join(cells)} |"
    yield ""


def _inline(line: Iterable[blocks.Inline]) -> str:
    return " ".join(filter(None, map(_word, line)))


def _word(one: blocks.Inline) -> str:
    match one:
        case str():
            return escape(one, 4000)
        case blocks.StatementLine():
            was = f" ({escape(one.shown['was'], 4000)})" if "was" in one.shown else ""
            text = f"{escape(one.title)} {escape(one.text, 4000)}{was}".strip()
            return f"{_place(one.anchor)}{text}{'' if one.bare else f' {_state(one)}'}"
        case blocks.Reference(text, anchors, state):
            words = [escape(text), *(f"{at}" for at in range(2, len(anchors) + 1))]
            links = (f"[{word}](#{at})" for word, at in zip(words, anchors, strict=True))
            return f"{' '.join(links)}{f' *{state}*' if state else ''}"
        case blocks.Badge(text):
            return f"**{escape(text)}**"
        case blocks.Identifier(text):
            return code(text)


def _part(part: blocks.FlowPart) -> str:
    cited = f" {_cited(part.cited)}" if part.cited else ""
    return f"{_place(part.anchor)}{f'{escape(part.title)} {escape(part.text)}'.strip()}{cited}"


def _state(line: blocks.StatementLine) -> str:
    return f"*{escape(state_of(line.shown, whole=True))}* {_cited(line.cited)}".rstrip()


def _place(anchor: str) -> str:
    return f'<a id="{anchor}"></a>' if anchor else ""


def _cited(labels: Sequence[str]) -> str:
    return " ".join(f"[{label}](#{label})" for label in labels)
