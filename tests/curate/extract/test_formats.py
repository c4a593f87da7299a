"""Honest documents of every format give the text that was put in."""

import io
import json
from email.message import EmailMessage
from typing import Any

import docx as python_docx
import pytest
import typst

from lyrikstore.canon.digest import Digest
from lyrikstore.curate.extract.document import ExtractOptions, extract
from lyrikstore.curate.extract.formats.html import html_text
from lyrikstore.curate.extract.result import Extracted, Unreadable
from tests.conftest import Corpus
from tests.curate.extract import making


def read(path: str, data: bytes, **options: Any) -> Extracted:
    result = extract(path, data, ExtractOptions(**options))
    assert isinstance(result, Extracted), result
    return result


def reason(path: str, data: bytes, **options: Any) -> str:
    result = extract(path, data, ExtractOptions(**options))
    assert isinstance(result, Unreadable), result
    return result.reason


def ink(text: str) -> str:
    """Return what is printed: no white space; a hyphen at the end of a line is the PDF's."""
    return "".join(text.split()).replace("-", "")


@pytest.fixture(scope="session")
def licences(corpus: Corpus) -> dict[str, str]:
    texts = {name: text.decode() for name, text in corpus.texts.items()}
    chosen = {name: texts[name] for name in sorted(texts) if len(texts[name]) < 40_000}
    return dict(list(chosen.items())[:12])


def test_pdf_gives_back_real_licences(licences: dict[str, str]) -> None:
    for name, text in licences.items():
        made = typst.compile(
            b"#set text(hyphenate: false); #json(bytes(sys.inputs.text))",
            sys_inputs={"text": json.dumps(text)},
        )
        found = read(f"{name}.pdf", made)
        assert found.format == "pdf"
        assert ink(found.text) == ink(text), name
        for page, start in zip(found.pages, found.page_starts, strict=True):
            assert found.text[start:].startswith(page)


def test_docx_gives_back_real_licences(licences: dict[str, str]) -> None:
    for name, text in licences.items():
        document = python_docx.Document()
        document.core_properties.title = name
        paragraphs = [" ".join(one.split()) for one in text.split("\n\n") if one.strip()]
        safe = ["".join(c for c in one if c.isprintable()) for one in paragraphs]
        for one in safe:
            document.add_paragraph(one)
        file = io.BytesIO()
        document.save(file)
        found = read(name, file.getvalue())  # called .txt, and a DOCX
        assert (found.format, found.fields) == ("docx", {"title": name})
        assert found.text == "\n\n".join(one for one in safe if one.strip())
        assert found.page_starts == ()


def test_text_is_kept_but_for_its_line_ends(licences: dict[str, str]) -> None:
    for name, text in licences.items():
        windows = text.replace("\r\n", "\n").replace("\n", "\r\n")
        found = read(name, windows.encode())
        assert found.text == windows.replace("\r\n", "\n").replace("\f", "\n")
        assert (found.encoding, found.encoding_from, found.notes) == ("utf-8", "content", ())


def test_docx_shows_what_word_shows_with_changes_accepted() -> None:
    body = (
        '<w:p><w:r><w:t xml:space="preserve">The </w:t></w:r>'
        "<w:ins><w:r><w:t>new</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>old</w:delText></w:r></w:del>"
        "<w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom>"
        "<w:r><w:tab/><w:t>rent</w:t><w:br/><w:t>is</w:t><w:noBreakHyphen/><w:t>due</w:t></w:r></w:p>"
        "<w:p><w:pPr><w:rPr><w:del/></w:rPr><w:tabs><w:tab/></w:tabs></w:pPr><w:r><w:t>one</w:t></w:r></w:p>"
        + making.paragraph(" line")
        + "<w:tbl><w:tr><w:tc>"
        + making.paragraph("a")
        + "</w:tc><w:tc><w:p/></w:tc><w:tc>"
        + making.paragraph("c")
        + making.paragraph("c2")
        + "</w:tc></w:tr><w:tr><w:tc>"
        + making.paragraph("d")
        + "</w:tc></w:tr></w:tbl>"
        '<w:p><w:r><w:t>Cited</w:t><w:footnoteReference w:id="2"/><w:t>.</w:t>'
        '<w:endnoteReference w:id="7"/></w:r></w:p>'
        "<w:p><w:r><mc:AlternateContent><mc:Choice><w:txbxContent>"
        + making.paragraph("box")
        + "</w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent>"
        + making.paragraph("box")
        + "</w:txbxContent></mc:Fallback></mc:AlternateContent><w:t>beside</w:t></w:r></w:p>"
        '<w:p><w:r><w:instrText>PAGE</w:instrText></w:r></w:p><w:altChunk r:id="out"/>'
        '<w:sectPr><w:headerReference r:id="r-header"/><w:footerReference r:id="r-footer"/>'
        '<w:footerReference r:id="r-footer"/></w:sectPr>'
    )

    def part(root: str, content: str) -> str:
        return f'<w:{root} xmlns:w="{making.WORD}">{content}</w:{root}>'

    def notes(kind: str, number: int, text: str) -> str:
        note = f'<w:{kind} w:id="{number}">{making.paragraph(text)}</w:{kind}>'
        return part(f"{kind}s", note)

    made = making.docx(
        body,
        footnotes=notes("footnote", 2, "See 5."),
        endnotes=notes("endnote", 7, "Last."),
        header=part("hdr", making.paragraph("Confidential")),
        footer=part("ftr", making.paragraph("Page")),
    )
    found = read("x.docx", made)
    assert found.text.split("\n\n") == [
        "Confidential",
        "The new\trent\nis-due",
        "one line",
        "a\t\tc\nc2\nd",
        "Cited[1].[2]",
        "[1] See 5.",
        "beside",
        "box",
        "[2] Last.",
        "Page",
    ]
    assert [(note.code, note.detail) for note in found.notes] == [("parts-not-read", "1")]


def test_html_gives_what_a_browser_shows() -> None:
    page = (
        "<!doctype html><html><head><title>A &amp; B</title><style>p{}</style></head><body>"
        "<p>Hello <b>bold</b>,\n  world<p>Second<br>line<script>x()</script>"
        "<div hidden>no</div><span style='display: none'>no<br>no</span> after"
        "<ul><li>one<li>two</ul><table><tr><td>a<td>b<tr><td>c</table>"
        "<pre>  keep\n    this</pre><!-- no -->&nbsp;&copy;<svg><title>no</title></svg>"
    )
    text = (
        "Hello bold, world\n\nSecond\nline\n\nafter\n\none\ntwo\n\na\tb\nc\n\n"
        "  keep\n    this\n\n\xa0©"
    )
    assert html_text(page) == (text, "A & B")
    found = read("page.txt", page.encode())
    assert (found.format, found.fields) == ("html", {"title": "A & B"})


@pytest.mark.parametrize(
    ("markup", "encoding", "source"),
    [
        ('<html><meta charset="iso-8859-1">text\xe9', "cp1252", "declared"),
        ('<html><meta http-equiv=x content="text/html; charset=koi8-r">text', "koi8-r", "declared"),
        ("<html>text", "utf-8", "content"),
        ('<html><meta charset="no-such">text', "utf-8", "content"),
    ],
)
def test_html_says_its_encoding(markup: str, encoding: str, source: str) -> None:
    found = read("x.html", markup.encode("latin-1"))
    assert (found.encoding, found.encoding_from) == (encoding, source)
    assert found.text.startswith("text")


def mail() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Ännchen <a@example.org>"
    message["To"] = "b@example.org"
    message["Date"] = "Sun, 29 Nov 2026 10:00:00 +0100"
    message["Subject"] = "Über den Vertrag"
    message["Message-ID"] = "<1@example.org>"
    return message


def test_mail_reads_the_plain_text_and_lists_attachments() -> None:
    message = mail()
    message.set_content("Plain: Grüße\n", charset="iso-8859-1")
    message.add_alternative("<p>HTML</p>", subtype="html")
    message.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="a/b.pdf")
    inner = mail()
    inner.replace_header("Subject", "Inner")
    inner.set_content("<b>Forwarded</b> words", subtype="html")
    message.add_attachment(inner)
    found = read("mail", message.as_bytes())  # told by its headers
    assert found.format == "eml"
    assert found.fields == {
        "from": "Ännchen <a@example.org>",
        "to": "b@example.org",
        "date": "2026-11-29T09:00:00Z",
        "subject": "Über den Vertrag",
        "message-id": "<1@example.org>",
    }
    assert found.text.startswith("Plain: Grüße\n\nFrom: Ännchen")
    assert found.text.endswith("Subject: Inner\n\nForwarded words")
    assert "HTML" not in found.text
    assert found.encoding == "cp1252"
    (attached,) = found.attachments
    assert (attached.name, attached.type, attached.bytes) == ("a/b.pdf", "application/pdf", 5)
    assert attached.blake3 == Digest.of(b"%PDF-").hex


def test_mail_with_html_only_gives_its_text() -> None:
    message = mail()
    message.set_content(" \n")
    message.add_alternative("<p>Only <i>here</i></p>", subtype="html")
    assert read("x.eml", message.as_bytes()).text == "Only here"


def test_content_goes_before_the_suffix() -> None:
    page = making.pages_pdf([making.line("a PDF")])
    assert read("x.txt", page).format == "pdf"
    assert read("x.txt", b"\xef\xbb\xbf<!DOCTYPE html><p>x").format == "html"
    assert read("note.txt", b"From: me\nDate: today\nMessage-ID: x\n\nhello").format == "txt"
    assert read("note", b"From: me\nSubject: hello\n\nhello").format == "txt"
    assert reason("x.docx", b"hello") == "broken"
    assert reason("x.pdf", b"hello") == "broken"
    assert reason("x.docx", making.archive({"a": "b"})) == "broken"
    assert reason("x.txt", making.archive({"a": "b"})) == "unknown-format"
    assert reason("x.docx", making.archive({"xl/workbook.xml": "b"})) == "unknown-format"
    assert reason("x.txt", b"\x89PNG\r\n\x1a\n") == "unknown-format"
    assert reason("x.rtf", b"{\\rtf1 hello}") == "old-office"


def test_old_office_and_encrypted_office_are_distinguished() -> None:
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(1024, b"\0")
    name = "EncryptedPackage".encode("utf-16-le")
    entry = name.ljust(64, b"\0") + b"\x22\0".ljust(64, b"\0")
    assert reason("x.docx", head + entry) == "encrypted"
    assert reason("x.doc", head + b"a" * 10 + name) == "old-office"


def test_a_scan_has_no_text_layer_and_a_mixed_file_names_its_pages() -> None:
    assert reason("x.pdf", making.pages_pdf([making.SCAN, making.SCAN])) == "no-text-layer"
    pages = [making.line("text"), making.SCAN, making.SCAN, b"", making.line("more"), making.SCAN]
    found = read("x.pdf", making.pages_pdf(pages))
    assert found.pages == ("text", "", "", "", "more", "")
    assert [(note.code, note.detail) for note in found.notes] == [("pages-without-text", "2-3, 6")]


@pytest.mark.parametrize("drawn", [b"/AP<</N 7 0 R>>", b""])
def test_what_was_filled_into_a_form_is_text(drawn: bytes) -> None:
    entry = b"/Tx BMC BT /F1 12 Tf 2 5 Td (Jane Roe) Tj ET EMC"
    fonts = b"<</Font<</F1 5 0 R>>>>"
    style = b"/DA(/F1 12 Tf 0 g)"
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Annots[6 0 R]"
    field = b"<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/V(Jane Roe)/Rect[50 690 300 715]/F 4"
    made = making.pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]/DR%s%s>>>>" % (fonts, style),
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            page + b"/Resources%s>>" % fonts,
            making.stream(making.line("Name:", y=720)),
            making.FONT,
            field + style + drawn + b">>",
            making.stream(
                entry, b"/Type/XObject/Subtype/Form/BBox[0 0 200 20]/Resources%s" % fonts
            ),
        ]
    )
    assert read("x.pdf", made).text == "Name:\nJane Roe"


def test_alternatives_that_are_not_shown_are_not_read() -> None:
    message = mail()
    message.set_content("Plain")
    message.add_alternative("<p>HTML</p>", subtype="html")
    html = message.get_payload()[1]
    html.add_related(b"png", "image", "png", filename="a.png")  # type: ignore[union-attr,call-arg]
    broken = message.as_bytes().replace(b"<p>HTML</p>", b"\x81\x8d\0\0\0")
    found = read("x.eml", broken)
    assert found.text == "Plain"
    assert [one.name for one in found.attachments] == ["a.png"]


def test_a_text_about_pdf_is_a_text() -> None:
    assert read("x.txt", b"A file that begins with %PDF-1.7 is a PDF.").format == "txt"
    page = making.pages_pdf([making.line("a PDF")])
    assert read("x.pdf", b"noise before\n" + page).text == "a PDF"


@pytest.mark.parametrize(
    "kind",
    [
        'multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b',
        "application/pkcs7-mime; smime-type=enveloped-data",
    ],
)
def test_an_encrypted_message_is_a_reason(kind: str) -> None:
    assert reason("x.eml", f"From: a@b.c\nContent-Type: {kind}\n\nx".encode()) == "encrypted"


def test_a_password_is_a_reason() -> None:
    assert reason("x.pdf", making.encrypted_pdf(b"sesame")) == "encrypted"
    # An owner's password alone hinders nobody from reading.
    assert read("x.pdf", making.encrypted_pdf(b"")).text == "secret"
