"""Text of one document, extracted in this process (spec §12.5.10).

Parsers of hostile files may crash, hang or fill the memory, and no function can prevent that. For
files from others use :class:`lyrikstore.curate.extract.workers.Extractor`, which runs
:func:`extract` in a process with limits.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError
from lyrikstore.curate.extract.detect import find_format
from lyrikstore.curate.extract.encoding import decode, normalise_encoding
from lyrikstore.curate.extract.formats.docx import extract_docx
from lyrikstore.curate.extract.formats.eml import extract_eml
from lyrikstore.curate.extract.formats.html import extract_html, guess_notes
from lyrikstore.curate.extract.formats.pdf import extract_pdf
from lyrikstore.curate.extract.limits import MAX_DOCUMENT_BYTES
from lyrikstore.curate.extract.result import (
    Extracted,
    TextSize,
    Unreadable,
    UnreadableError,
    clean,
)


class ExtractOptions(Struct, frozen=True):
    """Options of text extraction.

    Attributes:
        encoding: Encoding of TXT, HTML and messages without a byte-order mark; it overrides the
            encoding that they declare. None: the declared one, else UTF-8, else a guess.
    """

    encoding: str | None = None


def check_encoding(name: str) -> str:
    """Return Python's name of an encoding.

    Raises:
        InvalidInputError: (``bad-encoding``) Python knows no text encoding of that name.
    """
    found = normalise_encoding(name)
    if found is None:
        raise InvalidInputError(
            "bad-encoding",
            f"{name[:40]!r} is not a text encoding",
            hint="use a name such as utf-8, utf-16-le, cp1252, cp1251, shift_jis or gb18030",
        )
    return found


def extract(
    path: str, data: bytes, options: ExtractOptions | None = None
) -> Extracted | Unreadable:
    """Return the text of a document, or the reason why it cannot be read.

    Args:
        path: Its path; the suffix decides the format if the content is ambiguous.
        data: The whole document.
        options: Options of text extraction.

    Raises:
        InvalidInputError: (``no-parser``) the extra ``documents`` is not installed.
        LyrikstoreError: See :func:`check_encoding`.

    Cost: linear in the unpacked size; the cost of a hostile PDF is bounded only by the limits of
    the process.
    """
    encoding = (options or ExtractOptions()).encoding
    encoding = None if encoding is None else check_encoding(encoding)
    try:
        return _extract(path, data, encoding)
    except UnreadableError as error:
        return error.result
    except MemoryError:
        return Unreadable("out-of-memory", "the parser asked for more than it may have")
    except RecursionError:
        return Unreadable("broken", "nested too deep")
    except LyrikstoreError:
        raise
    except ModuleNotFoundError as error:
        raise InvalidInputError(
            "no-parser",
            f"{error.name}, which reads documents, is not installed",
            hint="install it: pip install 'lyrikstore[documents]'",
        ) from None
    except Exception as error:  # noqa: BLE001 - a parser may raise anything on hostile bytes
        return Unreadable("broken", f"its parser failed: {type(error).__name__}")


def _extract(path: str, data: bytes, encoding: str | None) -> Extracted:
    if len(data) > MAX_DOCUMENT_BYTES:
        raise UnreadableError("too-large", f"more than {MAX_DOCUMENT_BYTES} bytes")
    return FORMATS[find_format(path, data)](path, data, encoding)


def _extract_text(_: str, data: bytes, encoding: str | None) -> Extracted:
    found = decode(data, demanded=encoding)
    return Extracted(
        "txt",
        (TextSize().add(clean(found.text)),),
        found.encoding,
        found.source,
        notes=guess_notes(found.encoding, found.source, found.others),
    )


FORMATS: Mapping[str, Callable[[str, bytes, str | None], Extracted]] = {
    "docx": lambda path, data, _: extract_docx(path, data),
    "eml": lambda _, data, encoding: extract_eml(data, encoding),
    "html": lambda _, data, encoding: extract_html(data, encoding),
    "pdf": lambda _, data, __: extract_pdf(data),
    "txt": _extract_text,
}
"""Format, as :func:`find_format` returns it → the function that extracts the text."""
