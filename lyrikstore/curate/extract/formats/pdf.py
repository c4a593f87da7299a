"""Text of a PDF, page by page, by PDFium."""

from contextlib import closing
from typing import Any

from lyrikstore.curate.extract.limits import MAX_FIELD_CHARACTERS, MAX_PAGES
from lyrikstore.curate.extract.result import (
    Extracted,
    Note,
    TextSize,
    UnreadableError,
    clean,
    has_text,
    number_ranges,
)

_PASSWORD, _SECURITY = 4, 5  # FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY


def extract_pdf(data: bytes) -> Extracted:
    """Return the text of a PDF.

    The values of form fields and the text of annotations belong to the text of their page. A page
    that is not empty but has no text is most often a scan; a note lists such pages. A PDF that is
    protected only by an owner password opens without one, and is read.

    Raises:
        UnreadableError: ``encrypted``, ``broken``, ``too-large``; (``no-text-layer``) no page has
            text.

    Cost: one page in memory at a time, and the text.
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) in {_PASSWORD, _SECURITY}:
            raise UnreadableError("encrypted", "a PDF with a password") from None
        raise UnreadableError("broken", "PDFium cannot open it") from None
    with closing(document):
        count = len(document)
        if count > MAX_PAGES:
            raise UnreadableError("too-large", f"more than {MAX_PAGES} pages")
        if not count:
            raise UnreadableError("broken", "it has no page")
        document.init_forms()  # renders values of forms; this build of PDFium runs no scripts
        size = TextSize()
        pages, without = [], []
        for number in range(1, count + 1):
            text, shows = _read_page(document, number)
            pages.append(size.add(text))
            if shows and not has_text([text]):
                without.append(number)
        title = document.get_metadata_value("Title")
    if not has_text(pages):
        detail = f"no text on {count} page{'s' if count > 1 else ''}"
        raise UnreadableError("no-text-layer", detail)
    notes = (Note("pages-without-text", number_ranges(without)),) if without else ()
    title = clean(title).strip()[:MAX_FIELD_CHARACTERS]
    return Extracted("pdf", tuple(pages), fields={"title": title} if title else {}, notes=notes)


def _read_page(document: Any, number: int) -> tuple[str, bool]:
    """Return the text of a page, and whether the page shows anything."""
    import pypdfium2
    from pypdfium2 import raw

    try:
        with closing(document[number - 1]) as page:
            if raw.FPDFPage_GetAnnotCount(page) == 0:
                return _text_of(page)
            # PDFium omits forms and annotations from the text until they are flattened.
            raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY)
        with closing(document[number - 1]) as page:
            return _text_of(page)
    except pypdfium2.PdfiumError:
        raise UnreadableError("broken", f"page {number} cannot be read") from None


def _text_of(page: Any) -> tuple[str, bool]:
    from pypdfium2 import raw

    with closing(page.get_textpage()) as text_page:
        return clean(text_page.get_text_range()), raw.FPDFPage_CountObjects(page) > 0
