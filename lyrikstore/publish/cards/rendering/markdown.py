"""``card.json`` as Markdown with a YAML block in front, as model hubs have it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lyrikstore.publish.cards.rendering.blocks import (
    Block,
    Bullets,
    Chart,
    Code,
    Heading,
    Paragraph,
    Shown,
    StatementList,
    Table,
)
from lyrikstore.publish.cards.rendering.frontmatter import front_matter
from lyrikstore.publish.cards.rendering.layout import labels_of, state_of, title_of
from lyrikstore.publish.cards.rendering.pages import layout_of
from lyrikstore.publish.markdown import code, escape


def to_markdown(card: Mapping[str, Any]) -> bytes:
    """Return a card as Markdown, UTF-8. Equal in, equal out.

    Args:
        card: What ``card.json`` holds.
    """
    layout = layout_of(card)
    writer = _Writer(labels_of(one["id"] for one in card["evidence"]))
    lines = list(front_matter(card))
    for block in layout.blocks():
        lines += writer.lines(block)
    lines += ["", "## Evidence", "", "| | what | id |", "| --- | --- | --- |"]
    for one in card["evidence"]:
        label = writer.labels[one["id"]]
        lines.append(f'| <a id="{label}"></a>{label} | {escape(one["what"])} | {code(one["id"])} |')
    store = card["subject"]["store"]
    lines += [
        "",
        f"Every id is the BLAKE3 of a signed document in the store {code(store)}.",
        "This text is a rendering of `card.json`, which alone has a meaning. Both are attached to",
        "a signed manifest there.",
        "",
    ]
    return "\n".join(lines).encode()


class _Writer:
    def __init__(self, labels: Mapping[str, str]) -> None:
        self.labels = labels

    def lines(self, block: Block) -> Iterator[str]:
        match block:
            case Heading(text, level):
                yield ""
                yield f"{'#' * level} {escape(text)}"
                yield ""
            case Paragraph(text, strong):
                yield f"**{escape(text)}**" if strong else escape(text)
                yield ""
            case StatementList(statements, about):
                for one in statements:
                    yield self._statement(one, about=about)
                if statements:
                    yield ""
            case Table(titles, rows):
                yield f"| {' | '.join(titles)} | evidence |"
                yield f"|{' --- |' * (len(titles) + 1)}"
                for cells, evidence in rows:
                    shown = " | ".join(escape(cell) for cell in cells)
                    yield f"| {shown} | {self._cited(evidence)} |"
                yield ""
            case Bullets(shown):
                yield from (f"- {escape(line)}" for line in shown)
                yield ""
            case Code(typed):
                yield from (f"    {line}" for line in typed)
                yield ""
            case Chart():
                return

    def _statement(self, one: Shown, *, about: bool) -> str:
        was = f" ({escape(one['was'])})" if "was" in one else ""
        text = f"{escape(title_of(one, about=about))} {escape(one['text'], 4000)}{was}"
        return f"- {text} *{escape(state_of(one, whole=True))}* {self._cited(one['evidence'])}"

    def _cited(self, evidence: Sequence[str]) -> str:
        labels = (self.labels[one] for one in evidence)
        return " ".join(f"[{label}](#{label})" for label in labels)
