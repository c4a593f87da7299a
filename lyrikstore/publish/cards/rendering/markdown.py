"""``card.json`` as Markdown with a YAML block in front, for model hubs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lyrikstore.publish.cards.rendering import blocks
from lyrikstore.publish.cards.rendering.frontmatter import front_matter
from lyrikstore.publish.cards.rendering.layout import state_of
from lyrikstore.publish.cards.rendering.pages import layout_of
from lyrikstore.publish.markdown import code, escape


def to_markdown(card: Mapping[str, Any]) -> bytes:
    """Return a card as Markdown in UTF-8; equal cards give equal bytes.

    Args:
        card: Contents of ``card.json``.
    """
    lines = list(front_matter(card))
    for block in layout_of(card).blocks():
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
        case blocks.Heading(text, level):
            yield from ("", f"{'#' * level} {escape(text)}", "")
        case blocks.Paragraph(text, strong):
            yield from (f"**{escape(text)}**" if strong else escape(text), "")
        case blocks.StatementList(lines):
            yield from map(_statement, lines)
            if lines:
                yield ""
        case blocks.Table(titles, rows):
            yield f"| {' | '.join(titles)} | evidence |"
            yield f"|{' --- |' * (len(titles) + 1)}"
            for cells, cited in rows:
                yield f"| {' | '.join(map(escape, cells))} | {_cited(cited)} |"
            yield ""
        case blocks.Bullets(said):
            yield from (*(f"- {escape(line)}" for line in said), "")
        case blocks.Code(typed):
            yield from (*(f"    {line}" for line in typed), "")
        case blocks.EvidenceList(found):
            yield from ("| | what | id |", "| --- | --- | --- |")
            for label, what, identity in found:
                yield f'| <a id="{label}"></a>{label} | {escape(what)} | {code(identity)} |'
        case blocks.Chart():
            return


def _statement(line: blocks.StatementLine) -> str:
    one = line.shown
    was = f" ({escape(one['was'])})" if "was" in one else ""
    text = f"{escape(line.title)} {escape(one['text'], 4000)}{was}"
    return f"- {text} *{escape(state_of(one, whole=True))}* {_cited(line.cited)}"


def _cited(labels: Sequence[str]) -> str:
    return " ".join(f"[{label}](#{label})" for label in labels)
