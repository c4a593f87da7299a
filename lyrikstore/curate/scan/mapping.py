"""Allowed names for files whose names the path grammar refuses (spec §12.1.2)."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from unicodedata import normalize

from lyrikstore.canon.json import JSON
from lyrikstore.canon.limits import MAX_COMPONENT_BYTES
from lyrikstore.history.trees.paths import component_offence, fold

ORIGINAL_PATH = "original-path"
"""The member of a file's metadata that has its path in the folder."""

MAPPED_KINDS = frozenset(
    {
        "backslash",
        "bidi",
        "colon",
        "control",
        "device",
        "file-and-folder",
        "ignorable",
        "not-nfc",
        "not-text",
        "too-long",
        "trailing",
        "twin",
        "unassigned",
    }
)
"""Offences of names that a mapping solves. Names that look like ``.git`` stay refused."""

_BY_CHARACTER = MAPPED_KINDS - {"device", "not-nfc", "too-long", "trailing"}
_LONGEST_SUFFIX = 16


def map_names(names: Sequence[str]) -> dict[str, str]:
    """Return name → allowed path, for each file whose name in the folder is refused.

    The result depends only on the names, not on their order. Two files never get the same path. A
    name that is allowed, and is not the twin of an earlier one, is kept.

    Args:
        names: Relative paths as the file system returned them; bytes that are not UTF-8 as
            surrogate escapes.

    Cost: O(n log n); memory for the names.
    """
    mapped: dict[str, str] = {}
    folders: list[tuple[str, Sequence[str]]] = [("", sorted(names))]
    while folders:
        prefix, inside = folders.pop()
        children = _children(prefix, inside)
        for child, name in _named(children).items():
            below = children[child]
            if below is None:
                mapped[prefix + child] = name
            else:
                folders.append((f"{prefix}{child}/", below))
                mapped[f"{prefix}{child}/"] = name
    found: dict[str, str] = {}
    for name in names:
        path, start = "", 0
        while (end := name.find("/", start) + 1) > 0:
            path += f"{mapped[name[:end]]}/"
            start = end
        path += mapped[name]
        if path != name:
            found[name] = path
    return found


def original_text(name: str) -> str:
    r"""Return a name as metadata has it: bytes that are not UTF-8 are written ``\xNN``."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def mapped_json(mapped: Mapping[str, str]) -> list[JSON]:
    """Return paths and original names as JSON of results, in path order."""
    return [{"path": path, "originalPath": was} for path, was in sorted(mapped.items())]


def _children(prefix: str, inside: Sequence[str]) -> dict[str, list[str] | None]:
    """Return the entries of a folder: file name → None, folder name → the paths in it."""
    children: dict[str, list[str] | None] = {}
    for name in inside:
        child, folder, _ = name[len(prefix) :].partition("/")
        if not folder:
            children[child] = None
            continue
        below = children.setdefault(child, [])
        if below is not None:  # a file system has no file and folder of the same name
            below.append(name)
    return children


def _named(children: Iterable[str]) -> dict[str, str]:
    """Return the recorded path component for each name in one folder."""
    ordered = sorted(children)
    named: dict[str, str] = {}
    taken: set[str] = set()
    for child in ordered:
        if component_offence(child) is None and fold(child) not in taken:
            named[child] = child
            taken.add(fold(child))
    last: dict[str, int] = {}
    for child in ordered:
        if child in named:
            continue
        clean = _cleaned(child)
        # If thousands of names have the same clean form, none tries all numbers from 1 again.
        for number in count(last.get(fold(clean), 1)):
            new = clean if number == 1 else _fitting(clean, f"-{number}")
            if fold(new) not in taken:
                break
        last[fold(clean)] = number
        named[child] = new
        taken.add(fold(new))
    return named


def _cleaned(name: str) -> str:
    """Return a name without the characters that the grammar refuses; ``.git`` forms are kept."""
    text = "".join("_" if _is_refused(character) else character for character in name)
    text = normalize("NFC", text)
    if component_offence(text) is not None:
        text = text.rstrip(". ") or "_"
        found = component_offence(text)
        if found is not None and found[0] == "device":
            text = f"_{text}"
    return _fitting(text, "")


def _is_refused(character: str) -> bool:
    # Tested in the middle of a name, so that only the character itself matters.
    found = component_offence(f"x{character}x")
    return found is not None and found[0] in _BY_CHARACTER


def _fitting(name: str, mark: str) -> str:
    """Return a name with ``mark`` before its suffix; the stem is cut to the allowed length."""
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix) > _LONGEST_SUFFIX:
        stem, dot, suffix = name, "", ""
    tail = f"{mark}{dot}{suffix}"
    room = MAX_COMPONENT_BYTES - len(tail.encode())
    if len(stem.encode()) > room:
        stem = stem.encode()[:room].decode("utf-8", "ignore").rstrip(". ")
    return stem + tail
