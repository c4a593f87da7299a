"""Hostile documents give a reason, or their text; never a crash, and the next one is read."""

import io
import zipfile
import zlib
from collections.abc import Iterator

import pytest

from lyrikstore.curate.extract.result import REASONS, Extracted, Unreadable
from lyrikstore.curate.extract.workers import Extractor
from tests.curate.extract import making

MIB = 1 << 20


@pytest.fixture(scope="module")
def extractor() -> Iterator[Extractor]:
    with Extractor(count=1, seconds=60, memory_bytes=1024 * MIB) as made:
        yield made


def outcome(extractor: Extractor, path: str, data: bytes) -> str:
    """Return the format of a text, or the reason; the next document is read as ever."""
    result = extractor.extract(path, data)
    assert extractor.extract("next.txt", b"next") == Extracted("txt", ("next",), "utf-8", "content")
    if isinstance(result, Unreadable):
        assert result.reason in REASONS
        return result.reason
    return result.format


def nested(levels: int, before: bytes, after: bytes) -> bytes:
    return before * levels + after * levels


GOOD = making.pages_pdf([making.line("hello")])
CATALOGUE = b"<</Type/Catalog/Pages 2 0 R>>"
PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>"

PDFS = {
    "empty": (b"%PDF-1.7\n", "broken"),
    "cut": (GOOD[: len(GOOD) // 3], "broken"),
    "zeros": (b"%PDF-1.7\n" + bytes(100_000), "broken"),
    "xref to itself": (
        GOOD.replace(b"trailer<<", b"trailer<</Prev %d" % GOOD.index(b"xref\n")),
        "pdf",
    ),
    "xref far away": (GOOD.replace(b"startxref\n", b"startxref\n99999999"), "pdf"),
    "many objects stated": (GOOD.replace(b"xref\n0 6", b"xref\n0 2000000000"), "pdf"),
    "size of the table": (GOOD.replace(b"/Size 6", b"/Size 2147483647"), "pdf"),
    "pages in a circle": (
        making.pdf([CATALOGUE, b"<</Type/Pages/Count 1/Kids[2 0 R]>>"]),
        "broken",
    ),
    "a billion pages stated": (
        making.pdf([CATALOGUE, b"<</Type/Pages/Count 1000000000/Kids[3 0 R]>>", PAGE]),
        "no-text-layer",  # PDFium counts for itself
    ),
    "deep page tree": (
        making.pdf(
            [CATALOGUE]
            + [b"<</Type/Pages/Count 1/Kids[%d 0 R]>>" % (n + 3) for n in range(5000)]
            + [b"<</Type/Page>>"]
        ),
        "broken",
    ),
    "deep arrays": (
        making.pdf([CATALOGUE[:-2] + b"/X " + nested(200_000, b"[", b"]") + b">>"]),
        "broken",
    ),
    "deep dictionaries": (
        making.pdf([CATALOGUE[:-2] + b"/X " + b"<</A " * 200_000 + b"1" + b">>" * 200_000 + b">>"]),
        "broken",
    ),
    "length of itself": (
        making.pdf(
            [
                CATALOGUE,
                b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
                PAGE,
                b"<</Length 4 0 R>>stream\nBT ET\nendstream",
            ]
        ),
        "no-text-layer",
    ),
    "form within itself": (
        making.pdf(
            [
                CATALOGUE,
                b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
                PAGE[:-2] + b"/Resources<</XObject<</X 5 0 R>>>>>>",
                making.stream(b"/X Do"),
                making.stream(
                    b"/X Do",
                    b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 5 0 R>>>>",
                ),
            ]
        ),
        "no-text-layer",
    ),
    "filters on filters": (
        making.pdf(
            [
                CATALOGUE,
                b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
                PAGE,
                b"<</Filter[%s]/Length 3>>stream\nabc\nendstream" % (b"/FlateDecode " * 10_000),
            ]
        ),
        "no-text-layer",
    ),
    "fonts that are none": (
        making.pages_pdf(
            [making.line("hello")],
            b"<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/DescendantFonts[3 0 R]"
            b"/ToUnicode 3 0 R>>",
        ),
        None,
    ),
    "a font of noise": (
        making.pages_pdf(
            [making.line("hello")],
            b"<</Type/Font/Subtype/TrueType/BaseFont/X/FirstChar 0/LastChar 2147483647/Widths[1]"
            b"/FontDescriptor<</Type/FontDescriptor/FontFile2 5 0 R>>>>",
        ),
        "pdf",
    ),
    "JavaScript": (
        making.pages_pdf([making.line("hello")]).replace(
            b"/Type/Catalog",
            b"/OpenAction<</S/JavaScript/JS(while(1){app.alert(1)})>>/Type/Catalog",
        ),
        "pdf",
    ),
    "a picture of 4 Gpixel": (
        making.pages_pdf(
            [b"q BI /W 65535 /H 65535 /CS /RGB /BPC 8 /F /AHx ID 00> EI Q " + making.line("hello")]
        ),
        "pdf",
    ),
    "a million operators": (
        making.pages_pdf([b"0 0 m 1 1 l S " * 333_000 + making.line("hello")]),
        "pdf",
    ),
    "a million saved states": (
        making.pages_pdf([b"q " * 1_000_000 + making.line("hello")]),
        "pdf",
    ),
}


@pytest.mark.parametrize("name", PDFS)
def test_hostile_pdfs(extractor: Extractor, name: str) -> None:
    data, expected = PDFS[name]
    found = outcome(extractor, "x.pdf", data)
    assert expected in {None, found}


def test_a_page_that_unpacks_to_the_limit(extractor: Extractor) -> None:
    text = b"BT /F1 1 Tf " + b"1 0 0 1 9 9 Tm (a) Tj " * 4_000_000 + b"ET"
    assert outcome(extractor, "x.pdf", making.pages_pdf([text])) == "out-of-memory"


def test_ten_thousand_pages(extractor: Extractor) -> None:
    many = making.pages_pdf([making.line(f"page {n}") for n in range(1, 10_001)])
    result = extractor.extract("x.pdf", many)
    assert isinstance(result, Extracted)
    assert result.pages == tuple(f"page {n}" for n in range(1, 10_001))
    assert len(result.page_starts) == 10_000


def document(body: str, prologue: str = "") -> bytes:
    return making.docx(body, prologue=prologue)


LAUGHS = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
DOCXS = {
    "no archive": (b"PK\x03\x04" + bytes(100), "broken"),
    "empty archive": (making.archive({}), "broken"),
    "billion laughs": (
        document("<w:p>&a9;</w:p>", f'<!DOCTYPE x [<!ENTITY a0 "ha">{LAUGHS}]>'),
        "broken",
    ),
    "a file of the machine": (document(making.paragraph("&a;"), OUTSIDE), "broken"),
    "quadratic entity": (
        document("<w:p/>", f'<!DOCTYPE x [<!ENTITY a "{"a" * 100_000}">]>'),
        "broken",
    ),
    "not well-formed": (document("<w:p>"), "broken"),
    "a bomb": (making.docx(making.paragraph(" " * 100_000_000)), "too-large"),
    "a bomb beside it is not read": (
        making.docx(making.paragraph("hello"), **{"media/x": bytes(100_000_000)}),
        "docx",
    ),
    "deep elements": (document("<w:p>" * 100_000 + "</w:p>" * 100_000), "docx"),
    "deep tables": (
        document("<w:tbl><w:tr><w:tc>" * 20_000 + "</w:tc></w:tr></w:tbl>" * 20_000),
        "docx",
    ),
    "many parts": (
        making.archive({f"word/{n}.xml": "" for n in range(10_001)}, zipfile.ZIP_STORED),
        "too-large",
    ),
    "an archive within": (
        making.docx(making.paragraph("hello"), **{"embeddings/x": making.archive({"a": "b"})}),
        "docx",
    ),
    "a note cited many times": (
        making.docx(
            "<w:p>" + '<w:r><w:footnoteReference w:id="1"/></w:r>' * 50_000 + "</w:p>",
            footnotes=f'<w:footnotes xmlns:w="{making.WORD}"><w:footnote w:id="1">'
            f"{making.paragraph('x' * 1_000_000)}</w:footnote></w:footnotes>",
        ),
        "docx",
    ),
    "relations that lead outside": (
        making.docx(
            making.paragraph("hello"),
            header=f'<w:hdr xmlns:w="{making.WORD}"/>',
        ),
        "docx",
    ),
    "a damaged part": (
        making.docx(making.paragraph("hello " * 1000)).replace(b"\x78", b"\x79", 3),
        None,
    ),
}


@pytest.mark.parametrize("name", DOCXS)
def test_hostile_docx(extractor: Extractor, name: str) -> None:
    data, expected = DOCXS[name]
    found = outcome(extractor, "x.docx", data)
    assert expected in {None, found}


def test_sizes_that_an_archive_states_are_not_believed(extractor: Extractor) -> None:
    made = bytearray(making.docx(making.paragraph(" " * 50_000_000)))
    place = made.rindex(b"word/document.xml") - 46  # its entry in the central directory
    made[place + 24 : place + 28] = (100).to_bytes(4, "little")
    assert outcome(extractor, "x.docx", bytes(made)) in {"too-large", "broken"}


def test_an_encrypted_part_and_two_of_one_name(extractor: Extractor) -> None:
    made = making.docx(making.paragraph("hello"))
    locked = bytearray(made)
    place = made.rindex(b"word/document.xml") - 46
    locked[place + 8] |= 1
    assert outcome(extractor, "x.docx", bytes(locked)) == "encrypted"
    file = io.BytesIO(made)
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("word/document.xml", "<x/>")
    assert outcome(extractor, "x.docx", file.getvalue()) == "broken"


def headers() -> str:
    return "From: a@example.org\nDate: Sun, 29 Nov 2026 10:00:00 +0100\nMIME-Version: 1.0\n"


def mail_with(parts: int) -> bytes:
    part = "--b\nContent-Type: text/plain\n\npart\n"
    head = 'Content-Type: multipart/mixed; boundary="b"\n\n'
    return (headers() + head + part * parts + "--b--\n").encode()


def boundaries(levels: int) -> bytes:
    head = "".join(
        f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(levels)
    )
    return (headers() + head + "\n\ninner").encode()


MAILS = {
    "ten thousand parts": (mail_with(10_000), "eml"),
    "too many parts": (mail_with(20_001), "too-large"),
    "ten levels": (boundaries(10), "eml"),
    "a hundred levels": (boundaries(100), "too-large"),
    "ten thousand levels": (boundaries(10_000), "too-large"),
    "no body": (headers().encode(), "eml"),
    "no header": (b"\n\nhello", None),
    "a charset that is none": (
        (headers() + 'Content-Type: text/plain; charset="zip"\n\nhello').encode(),
        "eml",
    ),
    "base64 that is none": (
        (headers() + "Content-Transfer-Encoding: base64\n\n!!! not base64 !!!").encode(),
        None,
    ),
    "uuencode that is none": (
        (headers() + "Content-Transfer-Encoding: x-uuencode\n\nbegin 666 x\n\xff").encode(
            "latin-1"
        ),
        None,
    ),
    "a header that is none": (
        (headers() + "To: =?utf-8?q?=ff=fe?= <<<>>>@@@,;:\nSubject: =?x?b?=?=\n\nhello").encode(),
        "eml",
    ),
    "a megabyte of address": (
        (headers() + "To: " + "(" * 1_000_000 + "\n\nhello").encode(),
        None,
    ),
    "a boundary of nothing": (
        (headers() + 'Content-Type: multipart/mixed; boundary=""\n\n--\n\nhello').encode(),
        None,
    ),
}


SLOW = {"too many parts"}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.ci) if n in SLOW else n for n in MAILS]
)
def test_hostile_mail(extractor: Extractor, name: str) -> None:
    data, expected = MAILS[name]
    found = outcome(extractor, "x.eml", data)
    assert expected in {None, found}


@pytest.mark.parametrize(
    "markup",
    [
        "<div>" * 100_000 + "hello",
        "<b><p>" * 50_000 + "hello",
        "<!--" * 100_000,
        "<a " * 200_000,
        "<table><tr><td>" * 30_000,
        "&" * 500_000,
        "<p a='" * 100_000,
        "<pre>" + " " * 3_000_000,
        "\n " * 1_000_000,
        "<script>" * 100_000,
        "<!doctype html [<!entity a 'b'>]>&a;",
    ],
)
def test_hostile_html(extractor: Extractor, markup: str) -> None:
    assert outcome(extractor, "x.html", markup.encode()) == "html"


def test_text_beyond_the_limit(extractor: Extractor) -> None:
    assert outcome(extractor, "x.txt", b"text\n" * (12 * MIB)) == "too-large"
    assert outcome(extractor, "x.bin", zlib.compress(b"x" * 1000)) == "undecodable"
