"""Paragraphs of a Word part, read from its XML in one pass over parser events, without a tree."""

from typing import Final

_NAMESPACES = (
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main|",
    "http://purl.oclc.org/ooxml/wordprocessingml/main|",  # the strict form
)
_LINK = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships|id",
    "http://purl.oclc.org/ooxml/officeDocument/relationships|id",
)
_FALLBACK = "http://schemas.openxmlformats.org/markup-compatibility/2006|Fallback"

# Elements that Word does not show when all changes are accepted, or never shows.
_LEFT_OUT: Final = frozenset({"del", "moveFrom", "delText", "instrText", "delInstrText"})
_JOINED: Final = {"tc": "\n", "tr": "\t", "tbl": "\n"}
_MARKS: Final = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}


def word_name(name: str) -> str:
    """Return the local name of one of Word's elements or attributes, else ``""``."""
    for namespace in _NAMESPACES:
        if name.startswith(namespace):
            return name[len(namespace) :]
    return ""


def word_attribute(attributes: dict[str, str], name: str) -> str:
    """Return the value of one of Word's attributes, else ``""``."""
    return next((value for key, value in attributes.items() if word_name(key) == name), "")


class _Open:
    """An open element: a paragraph, cell, row or table."""

    def __init__(self, tag: str, parts: list[str]) -> None:
        self.tag = tag
        self.parts = parts  # words, paragraphs, cells, rows
        self.below: list[str] = []  # text boxes and footnotes, which follow a paragraph
        self.is_joined = False  # its end mark was deleted: the next paragraph continues it


class WordText:
    """Collects paragraphs from the events of an XML parser.

    Args:
        footnotes: Number in the file → text; each is used once, at its first citation.

    Attributes:
        is_document: Whether the root element is that of a Word document.
        headers: Ids of the headers that sections use, in order.
        footers: Ids of the footers that sections use, in order.
        endnotes: Numbers of the endnotes cited, in order → their labels.
        embedded: Number of documents embedded in the text.
    """

    def __init__(self, footnotes: dict[str, str]) -> None:
        self.is_document = False
        self.headers: dict[str, None] = {}
        self.footers: dict[str, None] = {}
        self.endnotes: dict[str, str] = {}
        self.embedded = 0
        self._footnotes = dict(footnotes)
        self._cited = 0
        self._done: list[str] = []
        self._open: list[_Open] = []
        self._carried: list[str] = []  # the words of a paragraph that the next one continues
        self._depth = 0
        self._left_out = 0  # depth of the outermost element that is left out; 0 outside
        self._in_text = False
        self._in_properties = False  # of a paragraph

    def paragraphs(self) -> list[str]:
        """Return the paragraphs and tables, in reading order; call it after the last event."""
        self._flush()
        return self._done

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Handle the start of an element."""
        self._depth += 1
        if self._left_out:
            return
        tag = word_name(name)
        if tag == "del" and self._in_properties and self._open:
            self._open[-1].is_joined = True
        if tag in _LEFT_OUT or name == _FALLBACK:
            self._left_out = self._depth
        elif tag == "p":
            words: list[str] = []
            if not self._open:
                words, self._carried = self._carried, []
            self._open.append(_Open(tag, words))
        elif tag in _JOINED:
            if not self._open:
                self._flush()
            self._open.append(_Open(tag, []))
        elif tag == "t":
            self._in_text = True
        elif tag == "pPr":
            self._in_properties = True
        elif tag in _MARKS and not self._in_properties:  # w:tab is a tab stop there
            self._append(_MARKS[tag])
        else:
            self._start_reference(tag, attributes)

    def _start_reference(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "document":
            self.is_document = True
        elif tag in {"headerReference", "footerReference"}:
            link = next((attributes[key] for key in _LINK if key in attributes), "")
            (self.headers if tag == "headerReference" else self.footers)[link] = None
        elif tag in {"footnoteReference", "endnoteReference"} and self._open:
            number = word_attribute(attributes, "id")
            self._cited += 1
            self._append(f"[{self._cited}]")
            if tag == "endnoteReference":
                self.endnotes.setdefault(number, str(self._cited))
            elif number in self._footnotes:
                # ATTACK: a long note cited a million times; so each note is written once.
                note = self._footnotes.pop(number)
                self._open[-1].below.append(f"[{self._cited}] {note}")
        elif tag == "altChunk":
            self.embedded += 1

    def end(self, name: str) -> None:
        """Handle the end of an element."""
        if self._left_out:
            if self._left_out == self._depth:
                self._left_out = 0
            self._depth -= 1
            return
        self._depth -= 1
        tag = word_name(name)
        if tag == "t":
            self._in_text = False
        elif tag == "pPr":
            self._in_properties = False
        elif self._open and self._open[-1].tag == tag:
            self._close(self._open.pop())

    def text(self, text: str) -> None:
        """Handle characters."""
        if self._in_text and not self._left_out:
            self._append(text)

    def _append(self, text: str) -> None:
        if self._open and self._open[-1].tag == "p":
            self._open[-1].parts.append(text)

    def _close(self, closed: _Open) -> None:
        if closed.is_joined and not self._open:
            self._carried = closed.parts
        elif closed.tag == "p":
            self._add("".join(closed.parts))
        else:
            text = _JOINED[closed.tag].join(closed.parts)
            self._add(text.rstrip("\t") if closed.tag == "tr" else text)
        for text in closed.below:
            self._add(text)

    def _add(self, text: str) -> None:
        # Add the text to the enclosing element; an empty cell keeps its place in the row.
        if not self._open:
            target = self._done
        elif self._open[-1].tag == "p":
            target = self._open[-1].below
        else:
            target = self._open[-1].parts
        if text or (self._open and self._open[-1].tag == "tr"):
            target.append(text)

    def _flush(self) -> None:
        if self._carried:
            self._done.append("".join(self._carried))
            self._carried = []
