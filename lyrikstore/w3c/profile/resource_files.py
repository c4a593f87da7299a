"""Reading resources from local files, to verify or sign a foreign credential."""

from collections.abc import Iterable
from pathlib import Path

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.files import read_at_most
from lyrikstore.canon.limits import MAX_JSON_BYTES
from lyrikstore.canon.text import pluralize

MAX_FILES = 1000


def read_resources(named: Iterable[str]) -> dict[str, bytes]:
    """Return resources in files: name or URL → bytes.

    Args:
        named: ``FILE``, ``FOLDER`` or ``URL=FILE``.

    Raises:
        InvalidInputError: (``too-many-files``) a folder with more than :data:`MAX_FILES`.
        LyrikstoreError: As :func:`read_at_most`.
    """
    found: dict[str, bytes] = {}
    for text in named:
        path = Path(text)
        url, separator, file = text.rpartition("=")
        if path.is_dir():
            inside = [one for one in sorted(path.iterdir()) if one.is_file()]
            if len(inside) > MAX_FILES:  # an omitted file could be one that the document needs
                raise InvalidInputError(
                    "too-many-files",
                    f"{path} has {pluralize(len(inside), 'file')}; at most {MAX_FILES} are read",
                    hint="give a folder with only the files that the document names, or URL=FILE",
                )
            found |= {str(one): read_at_most(one, MAX_JSON_BYTES + 1) for one in inside}
        elif separator and ":" in url and not path.exists():
            found[url] = read_at_most(Path(file), MAX_JSON_BYTES + 1)
        else:
            found[text] = read_at_most(path, MAX_JSON_BYTES + 1)
    return found
