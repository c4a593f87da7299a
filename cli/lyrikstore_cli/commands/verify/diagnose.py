"""Hints for files that `verify` cannot read as credentials: what they are, and what to do."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lyrikstore.canon.errors import (
    FormatError,
    InvalidInputError,
    NotFoundError,
)
from lyrikstore.canon.json import parse
from lyrikstore.canon.limits import MAX_JSON_BYTES
from lyrikstore.canon.text import escape_control
from lyrikstore.verify.report import CheckState, Report
from lyrikstore_cli.options import DATA_STEP, read_file

_BEGINNINGS = {
    b"%PDF-": "a PDF",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"PK\x03\x04": "a ZIP archive, or a document that is one",
    b"\x1f\x8b": "a gzip archive",
    b"PAR1": "a Parquet file",
    b"c2sp.org/tlog-proof@v1\n": "a log proof, which belongs beside a credential",
    b"<": "an HTML page or an XML file",
}

_UNPACK = "if a delivery is in it, unpack it, and verify the unpacked folder"

_EXPECTED = (
    "verify takes a delivery, the folder that `issue` writes, or one credential or presentation, "
    "a JSON file that `issue`, `attest`, `grant`, `present` or `w3c sign` writes"
)


def next_steps(path: Path, report: Report) -> Iterator[str]:
    """Yield hints if the file is not a credential.

    Args:
        path: The file.
        report: The report on it.
    """
    broken = {check.id for check in report.checks if check.state is CheckState.FAIL}
    if broken.isdisjoint({"format", "model"}):
        return
    try:
        data = read_file(path)
    except (InvalidInputError, NotFoundError):  # it was removed meanwhile
        return
    name = escape_control(str(path))
    if "model" in broken and _has_context(data):
        return  # a credential of other software, and the report shows the problem
    if b'"@context"' in data:
        yield f"{name} seems to be a damaged credential: ask its issuer for a new copy"
        return
    what, step = _described(data)
    yield f"{name} is {what}; {_EXPECTED}"
    yield step or f"{DATA_STEP} FOLDER"


def enclosing(credential: Path, data: Path, report: Report) -> Iterator[str]:
    """Yield a hint if ``--data`` names the delivery instead of the data folder in it.

    Args:
        credential: The credential's file.
        data: The path that the user named as data.
        report: The report on both.
    """
    differs = any(c.id == "data.files" and c.state is CheckState.FAIL for c in report.checks)
    inner = data / "data"
    with suppress(OSError):
        if differs and inner.is_dir() and data.resolve() == credential.resolve().parent:
            yield f"{data} is the delivery; the data is in it: --data {inner}"


def not_about_data(path: Path, *, foreign: bool, delivered: bool) -> InvalidInputError:
    """Return the error for another credential where a dataset credential is required."""
    message = f"{path} is an attestation or a grant, not a dataset credential: it lists no data"
    if foreign:
        message = f"{path} is not a dataset credential of lyrikstore: it lists no data"
    hint = f"verify it by itself: lyrikstore verify {path}"
    if delivered:
        hint = f"in a delivery, credential.json describes the data; {hint}"
    return InvalidInputError("not-ours" if foreign else "no-dataset", message, hint=hint)


def _has_context(data: bytes) -> bool:
    try:
        document = parse(data, floats=True, nulls=True)
    except FormatError:
        return False
    return isinstance(document, dict) and "@context" in document


def _described(data: bytes) -> tuple[str, str]:
    """Return what the bytes seem to be, and the next step; empty: the step for data."""
    if not data:
        return "an empty file", ""
    for beginning, what in _BEGINNINGS.items():
        if data.startswith(beginning):
            return what, _UNPACK if "archive" in what else ""
    try:
        document = parse(data, floats=True, nulls=True)
    except FormatError:
        return _text_or_not(data), ""
    match document:
        case {"lyrikstore": _, "kind": str(kind)}:
            step = "verify its delivery; or run in its store: lyrikstore verify REF"
            return f"a manifest of kind {kind[:40]!a}", step
        case {"verificationMethod": _, "id": str()}:
            step = "lyrikstore trust add DID --name NICKNAME --did-document FILE"
            return "a DID document, which lists the keys of an issuer", step
    return "JSON, but not a credential", ""


def _text_or_not(data: bytes) -> str:
    try:
        data[:1000].decode("utf-8", "strict" if len(data) <= 1000 else "ignore")
    except UnicodeDecodeError:
        return "a binary file of another kind"
    if b"\x00" in data:
        return "a binary file of another kind"
    return "a text longer than any credential" if len(data) > MAX_JSON_BYTES else "a text"
