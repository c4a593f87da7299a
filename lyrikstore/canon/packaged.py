"""Files that are part of the program: schemas, contexts, the page."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
"""The folder of the modules."""


def read_packaged(path: Path) -> bytes:
    """Return a file of the program.

    Raises:
        ImportError: It cannot be read. As with a module that is no error of ours: whoever checks a
            document would take that for the document's fault.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImportError(f"{path}: {error.strerror or error}", path=str(path)) from error
