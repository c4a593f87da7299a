"""Text of a DOCX as Word shows it with all changes accepted (spec §12.5.10).

The XML is read part by part, without building a tree. python-docx is not used: it returns neither
inserted text nor footnotes nor text boxes, and unpacks the whole archive first.
"""

from lyrikstore.curate.extract.formats.archive import Archive
from lyrikstore.curate.extract.formats.word_xml import WordText, word_attribute, word_name
from lyrikstore.curate.extract.limits import MAX_FIELD_CHARACTERS
from lyrikstore.curate.extract.result import (
    Extracted,
    Note,
    TextSize,
    UnreadableError,
    clean,
)

_FORMATS = (
    ("xl/workbook.xml", "an Excel workbook"),
    ("ppt/presentation.xml", "a PowerPoint presentation"),
    ("META-INF/container.xml", "EPUB"),
    ("mimetype", "OpenDocument"),
)


def extract_docx(path: str, data: bytes) -> Extracted:
    """Return the text of a DOCX.

    Headers of all sections first, then the body, then footers, each text once. Footnotes stand
    below the paragraph that cites them, endnotes below the body.

    Raises:
        UnreadableError: ``encrypted``, ``broken``, ``too-large``; (``unknown-format``) the archive
            is not a Word document.

    Cost: linear in the unpacked parts; the text in memory.
    """
    archive = Archive(data)
    main = _main_part(archive, path)
    links = archive.relationships(main)
    notes = {
        kind: _read_notes(archive, links, f"{kind}s", kind) for kind in ("footnote", "endnote")
    }
    body = WordText(notes["footnote"])
    archive.parse(main, body.start, body.end, body.text)
    if not body.is_document:
        raise UnreadableError("broken", "its main part is no Word document")
    headers = _read_margins(archive, links, body.headers)
    footers = _read_margins(archive, links, body.footers)
    endnotes = [
        f"[{label}] {notes['endnote'].get(number, '')}" for number, label in body.endnotes.items()
    ]
    paragraphs = [*headers, *body.paragraphs(), *endnotes, *footers]
    text = TextSize().add(clean("\n\n".join(one for one in paragraphs if one.strip())))
    title = _read_title(archive)
    unread = (Note("parts-not-read", str(body.embedded)),) if body.embedded else ()
    return Extracted("docx", (text,), fields={"title": title} if title else {}, notes=unread)


def _main_part(archive: Archive, path: str) -> str:
    for part, name in _FORMATS:
        if part in archive:
            raise UnreadableError("unknown-format", name)
    links = archive.relationships("").values()
    main = next((part for kind, part in links if kind == "officeDocument"), "word/document.xml")
    if main in archive:
        return main
    if path.lower().endswith((".docx", ".docm")):
        raise UnreadableError("broken", "it holds no document")
    raise UnreadableError("unknown-format", "ZIP")


def _read_margins(
    archive: Archive, links: dict[str, tuple[str, str]], ids: dict[str, None]
) -> list[str]:
    parts = dict.fromkeys(links[one][1] for one in ids if one in links)
    found: dict[str, None] = {}
    for part in parts:
        if part in archive:
            margin = WordText({})
            archive.parse(part, margin.start, margin.end, margin.text)
            found["\n\n".join(margin.paragraphs())] = None
    return list(found)


def _read_notes(
    archive: Archive, links: dict[str, tuple[str, str]], kind: str, tag: str
) -> dict[str, str]:
    part = next((part for found, part in links.values() if found == kind), None)
    if part is None or part not in archive:
        return {}
    notes: dict[str, str] = {}
    number, reader = "", WordText({})

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal number, reader
        if word_name(name) == tag:
            number, reader = word_attribute(attributes, "id"), WordText({})
        reader.start(name, attributes)

    def end(name: str) -> None:
        reader.end(name)
        if word_name(name) == tag:
            notes[number] = "\n".join(reader.paragraphs())

    def text(words: str) -> None:
        reader.text(words)

    archive.parse(part, start, end, text)
    return notes


def _read_title(archive: Archive) -> str:
    links = archive.relationships("").values()
    part = next((part for kind, part in links if kind == "core-properties"), "")
    if part not in archive:
        return ""
    within, words = False, list[str]()

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal within
        within = name == "http://purl.org/dc/elements/1.1/|title"

    def end(_: str) -> None:
        nonlocal within
        within = False

    archive.parse(part, start, end, lambda text: words.append(text) if within else None)
    return clean("".join(words)).strip()[:MAX_FIELD_CHARACTERS]
