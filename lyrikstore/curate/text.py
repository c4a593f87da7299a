"""Text formats, and the normal form by which two texts are equal.

Normative text: spec §12.2. If a text filter silently dropped a PDF as "undecodable", the user would
lose data without choosing to. So formats that have text but no text reader are refused by name,
before any decision is made.
"""

import re
import unicodedata
from pathlib import PurePosixPath

from lyrikstore.canon.text import WHITE_SPACE

_RUN = re.compile(f"[{WHITE_SPACE}]+")

_MAGIC = (
    (b"%PDF-", "PDF"),
    (b"PK\x03\x04", "ZIP or Office document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Office document"),
    (b"{\\rtf", "RTF"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"\x89PNG\r\n\x1a\n", "PNG picture"),
    (b"\xff\xd8\xff", "JPEG picture"),
    (b"GIF8", "GIF picture"),
    (b"II*\x00", "TIFF picture"),
    (b"MM\x00*", "TIFF picture"),
    (b"PAR1", "Parquet"),
    (b"\x7fELF", "program"),
)
HEAD_BYTES = max(len(mark) for mark, _ in _MAGIC)
"""Number of first bytes of a file that identify its format."""

_SUFFIXES = {
    ".pdf": "PDF",
    ".doc": "old Office document",
    ".docx": "Office document",
    ".odt": "OpenDocument",
    ".rtf": "RTF",
    ".xls": "old Office document",
    ".xlsx": "Office document",
    ".pptx": "Office document",
    ".epub": "EPUB",
    ".msg": "Outlook message",
    ".png": "PNG picture",
    ".jpg": "JPEG picture",
    ".jpeg": "JPEG picture",
    ".tif": "TIFF picture",
    ".tiff": "TIFF picture",
    ".gif": "GIF picture",
    ".zip": "ZIP",
    ".gz": "gzip",
    ".parquet": "Parquet",
}


def foreign_format(path: str, head: bytes) -> str | None:
    """Return the format's name if no text reader fits the file, else ``None``.

    Args:
        path: The suffix decides first, whatever its case.
        head: The first :data:`HEAD_BYTES` or more; they decide if the suffix is not a known one.
    """
    by_suffix = _SUFFIXES.get(PurePosixPath(path).suffix.lower())
    if by_suffix is not None:
        return by_suffix
    return next((name for magic, name in _MAGIC if head.startswith(magic)), None)


def suffix_label(path: str, name: str) -> str:
    """Return the format's name for messages, such as ``.pdf (PDF)``."""
    suffix = PurePosixPath(path).suffix.lower()
    return f"{suffix} ({name})" if suffix else name


def is_blank(text: str) -> bool:
    """Return whether ``text`` is empty or only white space."""
    return not text.strip(WHITE_SPACE)


def normalise(text: str) -> str:
    """Return the normal form of a text; texts with equal forms count as the same (spec §12.2.3).

    It applies NFKC, full case folding and NFKC again, then makes every run of white space one space
    and removes it at the ends. The second NFKC makes the form a fixed point: case folding can leave
    uncomposed letters.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _RUN.sub(" ", folded).strip(" ")
