r"""The path grammar: the same at commit, at parse and at checkout (spec §5.3).

A path is refused where some file system, shell or reader would silently take it for another path:
separators, drive letters and streams (``\`` and ``:``), device names, invisible characters, names
that tools reserve, twins under case folding. A name that only causes a visible error somewhere,
such as ``?`` on Windows, is allowed.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice
from operator import lt
from typing import NoReturn, Self
from unicodedata import category, is_normalized, normalize

from msgspec import Struct

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.limits import MAX_COMPONENT_BYTES, MAX_PATH_BYTES
from lyrikstore.canon.text import IGNORABLE, brief, escape_control
from lyrikstore.history.trees.unicode14 import is_assigned

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

_WINDOWS_DEVICE = re.compile(r"(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9])")
_OURS = frozenset({".git", ".lyrikstore"})
# What FAT and NTFS may call .git and .lyrikstore in their 8.3 form (CVE-2014-9390).
_SHORT_FORM = re.compile(r"(?:git|lyriks|gi[0-9a-f]{4}|ly[0-9a-f]{4})~[0-9]+")

# A whole path that no rule can object to but the one about its length: what most paths are.
# Components of ASCII, that begin and end with a letter or digit and may not be a device's name.
# Possessive, so that a path that does not match is refused in one pass.
_NAME = (
    r"(?![CcPpAaNnLl][OoRrUuPp][NnXxLlMmTt][0-9]?+ *+(?:[./]|\Z))"
    r"[A-Za-z0-9_](?:[A-Za-z0-9_.,;!#%&'()+=@\[\]{} -]{0,253}(?<![. ]))?+"
)
_plain = re.compile(f"(?:{_NAME}/)*+{_NAME}").fullmatch


class PathViolation(Struct, frozen=True):
    """The reason why one path cannot be in a tree.

    Attributes:
        path: The original path; may contain any character, so print :attr:`shown`.
        kind: Stable code: ``empty``, ``not-text``, ``absolute``, ``dots``, ``backslash``,
            ``colon``, ``control``, ``bidi``, ``ignorable``, ``unassigned``, ``not-nfc``,
            ``too-long``, ``trailing``, ``device``, ``lookalike``, ``twin``, ``file-and-folder``,
            ``duplicate``.
        reason: One line for people.
        other: The path it collides with, or ``None``.
    """

    path: str
    kind: str
    reason: str
    other: str | None = None

    @property
    def shown(self) -> str:
        """The path, with all characters escaped that could hide or move text on a terminal."""
        return escape_control(self.path)


def check_path(path: str) -> None:
    """Raise `bad-path` unless ``path`` follows the grammar of tree paths.

    Only this path is checked; :class:`CaseFoldIndex` finds twins.

    Raises:
        FormatError: (``bad-path``) it does not; ``details`` has the code of the violation (attack
            cases A12, A15, A16).

    Cost: O(length); one regular expression for plain ASCII names.
    """
    offence = path_offence(path)
    if offence is not None:
        raise FormatError(
            "bad-path",
            f"{brief(offence.shown)!r}: {offence.reason}",
            details={"offence": offence.kind},
        )


def path_offence(path: str) -> PathViolation | None:
    """Return the violation in ``path`` alone, or ``None``."""
    if len(path) <= MAX_PATH_BYTES and _plain(path):
        return None
    if not path:
        return PathViolation(path, "empty", "is empty")
    if len(path) > MAX_PATH_BYTES or len(path.encode("utf-8", "surrogatepass")) > MAX_PATH_BYTES:
        return PathViolation(path, "too-long", f"is longer than {MAX_PATH_BYTES} bytes")
    if path.startswith("/"):
        return PathViolation(path, "absolute", "is absolute")
    for component in path.split("/"):
        found = component_offence(component)
        if found is not None:
            return PathViolation(path, *found)
    return None


def offenders(paths: Iterable[str]) -> list[PathViolation]:
    """Return every violation among ``paths``, at most one per path, in path order.

    Args:
        paths: Relative paths with ``/`` as separator, in any order, as the file system gave them;
            names that are not UTF-8 come with surrogate escapes.

    The result does not depend on the order of ``paths``.
    """
    ordered = sorted(paths)
    if are_distinct(ordered) and not any(map(path_offence, ordered)):
        return []
    twins = CaseFoldIndex()
    found: list[PathViolation] = []
    other_forms: list[PathViolation] = []
    before: str | None = None
    for path in ordered:
        offence = path_offence(path)
        if path == before:
            offence = PathViolation(path, "duplicate", "is listed twice", path)
        elif offence is None:
            offence = twins.add(path)
        elif offence.kind == "not-nfc":
            other_forms.append(offence)
            offence = None
        before = path
        if offence is not None:
            found.append(offence)
    # After the others, so that the NFD spelling of a name is called the twin of the NFC one.
    found += [twins.add(offence.path) or offence for offence in other_forms]
    return sorted(found, key=lambda offence: offence.path)


class TreePaths(tuple[str, ...]):
    """Checked paths of one tree: in code point order, each within the grammar, no twins.

    Checked on construction, so that functions that take ``TreePaths`` need not check again.

    Raises:
        FormatError: (``bad-path``) one is not within the grammar; (``bad-tree``) they are out of
            order, or two of them cannot be kept apart.

    Cost: O(n), in few calls for all paths at once.
    """

    __slots__ = ()

    def __new__(cls, paths: Iterable[str] = ()) -> Self:
        """Check ``paths`` and return them as ``TreePaths``."""
        self = super().__new__(cls, paths)
        if not all(map(_plain, self)) or max(map(len, self), default=0) > MAX_PATH_BYTES:
            for path in self:
                check_path(path)
        if not are_distinct(self):
            self._refuse()
        return self

    @classmethod
    def known(cls, paths: Iterable[str]) -> Self:
        """Return ``paths`` without checking them; the caller guarantees that they were checked."""
        return super().__new__(cls, paths)

    def _refuse(self) -> NoReturn:
        twins, before = CaseFoldIndex(), ""
        for path in self:
            # Code point order, which is the order of the UTF-8 bytes. Attack case A11.
            offence = twins.add(path)
            if path == before or offence is not None:
                refuse_tree(offence.reason if offence else "twice in the tree", path)
            if path < before:
                refuse_tree("out of order", path)
            before = path
        raise AssertionError  # are_distinct says no only where one of these does


def refuse_tree(reason: str, path: str) -> NoReturn:
    """Raise the error for a refused entry of a tree.

    Raises:
        FormatError: (``bad-tree``) always.
    """
    raise FormatError("bad-tree", f"{path[:200]!r}: {reason}", details={"path": path[:4096]})


def are_distinct(paths: Sequence[str]) -> bool:
    """Return whether ``paths``, in code point order, contain no duplicate and no twins.

    Cost: O(n), in few calls for all at once; the keys of the paths that have upper case letters, or
    letters beyond ASCII, are held in memory.
    """
    if not all(map(lt, paths, islice(paths, 1, None))):
        return False
    folders: set[str] = set()
    for folder in {path.rpartition("/")[0] for path in paths}:
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]  # noqa: PLW2901
    keys = set(map(fold, folders))
    # A path that is its own key can only clash with one that is not.
    text = "/".join(paths)
    plain = text.isascii() and text == text.lower()
    others = [] if plain else [key for path in paths if (key := fold(path)) != path]
    own = set(others)
    return (
        len(keys) == len(folders)
        and len(own) == len(others)
        and keys.isdisjoint(own)
        and keys.isdisjoint(paths)
        and (not own or own.isdisjoint(paths))
    )


class CaseFoldIndex:
    """An index that detects paths which some file system cannot keep apart, as they are added.

    Paths, and the folders they imply, must have different keys under canonical caseless matching
    (Unicode D145), and no path may be both file and folder (attack cases A14 and A15).
    """

    __slots__ = ("_keys", "_last_folder")

    def __init__(self) -> None:
        self._keys: dict[str, tuple[str, bool]] = {}
        self._last_folder = ""

    def add(self, path: str) -> PathViolation | None:
        """Add ``path``; return its collision with an earlier path, or ``None``.

        A path that collides is not added.

        Cost: O(components), amortised O(1) for paths that come sorted.
        """
        folder = path.rpartition("/")[0]
        if folder and folder != self._last_folder:
            offence = self._add_folders(path, folder)
            if offence is not None:
                return offence
            self._last_folder = folder
        return self._claim(path, path, is_folder=False)

    def _add_folders(self, path: str, folder: str) -> PathViolation | None:
        end = 0
        while end != len(folder):
            end = folder.find("/", end + 1)
            end = len(folder) if end < 0 else end
            offence = self._claim(path, folder[:end], is_folder=True)
            if offence is not None:
                return offence
        return None

    def _claim(self, path: str, spelling: str, *, is_folder: bool) -> PathViolation | None:
        mine = (spelling, is_folder)
        kept = self._keys.setdefault(fold(spelling), mine)
        if kept is mine or (is_folder and kept == mine):
            return None
        other, other_is_folder = kept
        if other_is_folder != is_folder:
            reason = f"{brief(escape_control(other))!r} would be both file and folder"
            return PathViolation(path, "file-and-folder", reason, other)
        if other == spelling:
            return PathViolation(path, "duplicate", "is listed twice", other)
        what = "folder " if is_folder else ""
        reason = f"differs from {what}{brief(escape_control(other))!r} only by case or normal form"
        return PathViolation(path, "twin", reason, other)


def fold(path: str) -> str:
    """Return the key under which caseless and normalising file systems compare ``path``."""
    if path.isascii():
        return path.lower()
    return normalize("NFD", normalize("NFD", path).casefold())


@lru_cache(maxsize=4096)
def component_offence(component: str) -> tuple[str, str] | None:
    """Return code and reason of the violation in one component alone, or ``None``."""
    if component in {"", ".", ".."}:
        return "dots", f"has the component {component!r}" if component else "has an empty component"
    try:
        length = len(component.encode("utf-8"))
    except UnicodeEncodeError:
        return "not-text", "is not UTF-8"
    if length > MAX_COMPONENT_BYTES:
        return "too-long", f"has a component longer than {MAX_COMPONENT_BYTES} bytes"
    if "\\" in component:
        return "backslash", "has a backslash, which is a separator on Windows"
    lookalike = _lookalike(component)
    if lookalike is not None:
        return lookalike
    if ":" in component:
        return "colon", "has a colon, which starts a drive or stream on Windows"
    # Plain ASCII, by far the usual case, has none of these but control characters.
    for character in "" if component.isascii() and component.isprintable() else component:
        kind = _character_offence(character)
        if kind is not None:
            return kind, _CHARACTERS[kind].format(f"U+{ord(character):04X}")
    if not is_normalized("NFC", component):
        return "not-nfc", "is not in Unicode normal form C"
    if component[-1] in {".", " "}:
        return "trailing", "has a component that ends in a dot or space, which Windows drops"
    return None


_CHARACTERS = {
    "control": "has the control character {}",
    "bidi": "has the text direction character {}",
    "ignorable": "has the invisible character {}",
    "unassigned": "has {}, which Unicode 14 does not assign",
}


@lru_cache(maxsize=4096)
def _character_offence(character: str) -> str | None:
    if category(character) in {"Cc", "Zl", "Zp"}:
        return "control"
    if character in _BIDI:
        return "bidi"
    if IGNORABLE.match(character):
        return "ignorable"
    return None if is_assigned(character) else "unassigned"


def _lookalike(component: str) -> tuple[str, str] | None:
    # HFS+ drops ignorable characters, NTFS trailing dots, spaces and stream names, and either
    # ignores case: what is left must not be a name that some tool acts on (CVE-2014-9390).
    bare = normalize("NFKC", IGNORABLE.sub("", component)).casefold()
    bare = normalize("NFKC", IGNORABLE.sub("", bare)).partition(":")[0].rstrip(". ")
    if bare in _OURS or _SHORT_FORM.fullmatch(bare):
        return "lookalike", f"has a component that is or could pass for {_which(bare)!r}"
    if _WINDOWS_DEVICE.fullmatch(bare.partition(".")[0].rstrip(" ")):
        return "device", "has a component that names a device on Windows"
    return None


def _which(bare: str) -> str:
    return ".lyrikstore" if "ly" in bare[:3] else ".git"
