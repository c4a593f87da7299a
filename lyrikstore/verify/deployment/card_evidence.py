"""The evidence of a card in one file, or in one block of its page (spec §14.6.2).

The evidence shows who signed and who approved a card. One file is not separated from the card so
easily. In a page, the evidence follows the last line, so that the page without it is the signed
page, byte for byte.
"""

import re
from base64 import b64encode
from collections.abc import Mapping

from lyrikstore.canon.base64 import decode_base64
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import JSON, encode, parse_canonical
from lyrikstore.canon.limits import MAX_SIBLINGS
from lyrikstore.canon.quoting import quote
from lyrikstore.verify.credential.key_statements import check_few

FORMAT = "card-evidence/1"
EVIDENCE_ENDING = ".evidence.json"
"""Ending of the evidence file's name, after the name of the card."""

MAX_EVIDENCE = 1 << 24

_BEGIN = f"<!-- lyrikstore {FORMAT} ".encode()
_END = b" -->\n"
_PAGE_END = b"</html>\n"
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
_KIND = "bad-evidence"


def encode_evidence(files: Mapping[str, bytes]) -> bytes:
    """Return the evidence of a card as one file.

    Args:
        files: Name → bytes.
    """
    inside: dict[str, JSON] = {name: b64encode(data).decode() for name, data in files.items()}
    return encode({"format": FORMAT, "files": inside})


def is_evidence(data: bytes) -> bool:
    """Return whether a file claims to be the result of :func:`encode_evidence`."""
    return data.startswith(b'{"files":{') and data.endswith(f'"format":"{FORMAT}"}}'.encode())


def parse_evidence(data: bytes) -> dict[str, bytes]:
    """Return the files in the evidence of a card, name → bytes; none of them is verified.

    Raises:
        FormatError: (``bad-evidence``) the data has another format, or exceeds a limit.
    """
    try:
        found = parse_canonical(data, max_bytes=MAX_EVIDENCE)
    except FormatError as error:
        raise FormatError(_KIND, f"no evidence of a card: {error.message}") from None
    files = found.get("files") if isinstance(found, dict) else None
    if not isinstance(found, dict) or found.keys() != {"format", "files"}:
        raise FormatError(_KIND, "no evidence of a card: it has other members")
    if found["format"] != FORMAT or not isinstance(files, dict) or len(files) > MAX_SIBLINGS:
        raise FormatError(_KIND, "no evidence of a card: another format, or too many files")
    inside: dict[str, bytes] = {}
    for name, text in files.items():
        if _NAME.fullmatch(name) is None or not isinstance(text, str):
            raise FormatError(_KIND, f"no evidence of a card: the file {quote(name)}")
        inside[name] = decode_base64(text, _KIND)
    if not check_few(inside.values()):
        raise FormatError(
            _KIND, "the evidence of a card has more key statements than a verifier reads"
        )
    return inside


def add_block(page: bytes, evidence: bytes) -> bytes:
    """Return a page with its evidence appended.

    Args:
        page: A card as HTML.
        evidence: The result of :func:`encode_evidence`.
    """
    return page + _BEGIN + b64encode(evidence) + _END


def split_block(data: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Return a page without its evidence, and the files in that evidence.

    Only exactly one block at the end counts: otherwise the bytes are returned unchanged, and differ
    from the signed bytes.

    Args:
        data: A received file that may be a card.
    """
    page, begin, block = data.rpartition(_BEGIN)
    # ATTACK: a second block before it, of which another program takes the first.
    if not begin or _BEGIN in page or not page.endswith(_PAGE_END) or not block.endswith(_END):
        return data, {}
    try:
        text = block[: -len(_END)].decode("ascii")
        return page, parse_evidence(decode_base64(text, _KIND))
    except (FormatError, UnicodeDecodeError):
        return data, {}
