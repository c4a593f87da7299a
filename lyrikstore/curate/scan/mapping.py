"""Names that the path grammar refuses, recorded under names that it allows (spec §12.1.2)."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from unicodedata import normalize

from lyrikstore.canon.json import JSON
from lyrikstore.canon.limits import MAX_COMPONENT_BYTES
from lyrikstore.history.trees.paths import component_offence, fold

ORIGINAL_PATH = "original-path"
"""The member of a file's metadata with the path that it had in the folder."""

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
"""Offences of names that a mapping mends. What could pass for ``.git`` stays refused."""

_BY_CHARACTER = MAPPED_KINDS - {"device", "not-nfc", "too-long", "trailing"}
_LONGEST_SUFFIX = 16


def map_names(names: Sequence[str]) -> dict[str, str]:
    """Return the path of each file whose name in the folder is refused: name → path.

    A function of the names alone, whatever their order. Two files never get one path, and a name
    that is allowed, and no twin of an earlier one, stays as it is.

    Args:
        names: Relative paths as the file system gave them; what is not UTF-8 as surrogate escapes.

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
    r"""Return a name as it stands in metadata: bytes that are not UTF-8 are written ``\xNN``."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def mapped_json(mapped: Mapping[str, str]) -> list[JSON]:
    """Return paths and originals as the schemas of results want them, in path order."""
    return [{"path": path, "originalPath": was} for path, was in sorted(mapped.items())]


def _children(prefix: str, inside: Sequence[str]) -> dict[str, list[str] | None]:
    """Return what is in a folder: names of files with None, of folders with the files below."""
    children: dict[str, list[str] | None] = {}
    for name in inside:
        child, folder, _ = name[len(prefix) :].partition("/")
        if not folder:
            children[child] = None
            continue
        below = children.setdefault(child, [])
        if below is not None:  # one name is not file and folder in one file system
            below.append(name)
    return children


def _named(children: Iterable[str]) -> dict[str, str]:
    """Return the component that each name in one folder is recorded as."""
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
        # Of thousands that are cleaned to one name none tries all numbers again.
        for number in count(last.get(fold(clean), 1)):
            new = clean if number == 1 else _fitting(clean, f"-{number}")
            if fold(new) not in taken:
                break
        last[fold(clean)] = number
        named[child] = new
        taken.add(fold(new))
    return named


def _cleaned(name: str) -> str:
    """Return a name without what the grammar refuses, but for what could pass for ``.git``."""
    text = "".join("_" if _is_refused(character) else character for character in name)
    text = normalize("NFC", text)
    if component_offence(text) is not None:
        text = text.rstrip(". ") or "_"
        found = component_offence(text)
        if found is not None and found[0] == "device":
            text = f"_{text}"
    return _fitting(text, "")


def _is_refused(character: str) -> bool:
    # In the middle of a name, so that only what the character itself does counts.
    found = component_offence(f"x{character}x")
    return found is not None and found[0] in _BY_CHARACTER


def _fitting(name: str, mark: str) -> str:
    """Return a name with a mark before its suffix, cut before both to what a name may have."""
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix) > _LONGEST_SUFFIX:
        stem, dot, suffix = name, "", ""
    tail = f"{mark}{dot}{suffix}"
    room = MAX_COMPONENT_BYTES - len(tail.encode())
    if len(stem.encode()) > room:
        stem = stem.encode()[:room].decode("utf-8", "ignore").rstrip(". ")
    return stem + tail
