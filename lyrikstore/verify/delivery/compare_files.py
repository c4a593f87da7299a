"""Comparison of a folder's files with the files that a tree lists (spec §11.4.3). Pure.

The receiver of 2,615 files wants to know which three are wrong and how, not that a hash differs.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import BinaryIO, Protocol
from unicodedata import normalize

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.quoting import listed, name_some
from lyrikstore.canon.text import pluralize
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.verify.report import Check, failed, passed, unchecked, warned

LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""Names of files that desktop programs create, besides ``._*``: they cause a warning, never more.
A fixed list: if a delivery could name ignored files, it could hide files (attack case A51)."""


class FoundKind(Enum):
    """The kind of object at a path."""

    FILE = "file"
    OTHER = "other"
    """A link, device, socket, FIFO: never followed or read."""
    UNREADABLE = "unreadable"


class FoundFile(Struct, frozen=True):
    """A file or other object in the folder.

    Attributes:
        kind: The kind of the object.
        bytes: Its length, for files.
        blake3: Its digest, if a listed file has the same length; else None.
    """

    kind: FoundKind
    bytes: int = 0
    blake3: Digest | None = None


class FileDifference(Struct, frozen=True):
    """A path whose content differs from the listed content.

    Attributes:
        path: The path.
        reason: ``content``, ``size``, ``line-ends`` (only these differ) or ``not-a-file``.
        holds: The path whose listed content it has instead, if any.
    """

    path: str
    reason: str
    holds: str | None = None


class FileComparison(Struct, frozen=True):
    """The differences between the files found and a tree. Paths are in path order.

    Attributes:
        matching: Files that are as listed.
        differs: Files with other content.
        swapped: Pairs of files that have each other's content.
        renamed: Listed path, and the path at which its content was found.
        reformed: As ``renamed``, if the two are one path in two Unicode forms.
        missing: Listed files that do not exist.
        extra: Existing files that are not listed.
        litter: Existing desktop litter that is not listed.
        unreadable: Existing files that cannot be read.
    """

    matching: int
    differs: tuple[FileDifference, ...] = ()
    swapped: tuple[tuple[str, str], ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    reformed: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    litter: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every listed file is present and as listed."""
        moved = self.swapped or self.renamed or self.reformed
        return not (self.differs or moved or self.missing or self.unreadable)


EachFile = Callable[[TreeEntry, BinaryIO], None]
"""Function that is called with every listed file that has its listed length, in tree order, as a
stream that is hashed while it is read; it need not read all of it."""


class DataSource(Protocol):
    """The place of the data; at present always a folder."""

    def compare(self, tree: Tree, each: EachFile | None = None) -> FileComparison:
        """Return the differences between the data and ``tree``; reads every listed file once.

        Args:
            tree: The required files.
            each: Called with every listed file.

        Raises:
            IncompleteError: The data may not be read.
        """

    def tree(self) -> Tree:
        """Return the tree, without ``meta``, that the data itself makes.

        Raises:
            FormatError: A path violates the grammar of tree paths.
            IncompleteError: The data may not be read.
        """


def is_litter(path: str) -> bool:
    """Return whether the last part of ``path`` is on the fixed list of desktop litter."""
    name = path.rpartition("/")[2]
    return name in LITTER or name.startswith("._")


def compare_listing(
    tree: Tree,
    found: Mapping[str, FoundFile],
    rewritten: Callable[[TreeEntry, FoundFile], bool] = lambda _entry, _found: False,
) -> FileComparison:
    """Return the differences between ``found`` and ``tree``.

    Args:
        tree: The required files.
        found: Path → the object there, for every existing path.
        rewritten: Function that decides whether only the line ends of a file differ.

    Cost: O(n log n), and one call of ``rewritten`` for each file that differs.
    """
    listed_paths = tree.by_path
    matching = 0
    missing: list[str] = []
    unreadable: list[str] = []
    wrong: dict[str, FileDifference] = {}
    for entry in tree.entries:
        here = found.get(entry.path)
        if here is None:
            missing.append(entry.path)
        elif here.kind is FoundKind.UNREADABLE:
            unreadable.append(entry.path)
        elif here.kind is FoundKind.OTHER:
            wrong[entry.path] = FileDifference(entry.path, "not-a-file")
        elif here.blake3 == entry.blake3 and here.bytes == entry.bytes:
            matching += 1
        else:
            reason = "content" if here.bytes == entry.bytes else "size"
            wrong[entry.path] = FileDifference(entry.path, reason)
    surplus = {path: here for path, here in sorted(found.items()) if path not in listed_paths}
    reformed = _find_reformed(tree, missing, surplus)
    gone = {old for old, _ in reformed}
    taken = {new for _, new in reformed}
    renamed = _find_renamed(
        tree,
        [path for path in missing if path not in gone],
        {path: here for path, here in surplus.items() if path not in taken},
    )
    gone |= {old for old, _ in renamed}
    taken |= {new for _, new in renamed}
    swapped, differs = _find_swapped(tree, wrong, found, rewritten)
    extra: list[str] = []
    litter: list[str] = []
    for path, here in surplus.items():
        if path.endswith("/"):  # a folder that cannot be listed: what is in it, nobody knows
            unreadable.append(path)
        elif path not in taken:
            is_junk = here.kind is FoundKind.FILE and is_litter(path)
            (litter if is_junk else extra).append(path)
    return FileComparison(
        matching=matching,
        differs=tuple(differs),
        swapped=tuple(swapped),
        renamed=tuple(renamed),
        reformed=tuple(reformed),
        missing=tuple(path for path in missing if path not in gone),
        extra=tuple(extra),
        litter=tuple(litter),
        unreadable=tuple(unreadable),
    )


def check_files(
    comparison: FileComparison, check: str = "data.files", *, whole: bool = False
) -> Check:
    """Return ``data.files``, or the check of another id, over a comparison.

    A file with wrong content is a failure; absent or unreadable files only leave the check unmade,
    because they may still be delivered.

    Args:
        comparison: The differences.
        check: Id of the check.
        whole: Whether an absent file is a failure, too: a program that loads the folder needs all.
    """
    parts: list[str] = []
    differing: list[str] = []
    rewritten: list[str] = []
    for item in comparison.differs:
        (rewritten if item.reason == "line-ends" else differing).append(item.path)
    wrong = [
        (
            "swapped",
            [f"{a} <-> {b}" for a, b in comparison.swapped],
            "holding each other's content",
        ),
        ("differs", differing, "differing"),
        ("line-ends", rewritten, "changed in transit, by line ends alone"),
        ("renamed", [f"{old} -> {new}" for old, new in comparison.renamed], "renamed"),
        ("unicode-form", [old for old, _ in comparison.reformed], "in another Unicode form"),
        ("extra", list(comparison.extra), "not listed"),
        ("missing", list(comparison.missing), "missing"),
        ("unreadable", list(comparison.unreadable), "unreadable"),
        ("litter", list(comparison.litter), "desktop litter"),
    ]
    for _, names, words in wrong:
        if names:
            parts.append(f"{len(names)} {words}: {name_some(names)}")
    detail = _detail(comparison)
    summary = (
        "; ".join(parts)
        or f"the {pluralize(comparison.matching, 'file is', 'files are')} as listed"
    )
    fatal = [code for code, names, _ in wrong[: -2 if whole else -3] if names]
    if fatal:
        return failed(check, fatal[0], summary, **detail)
    if comparison.missing or comparison.unreadable:
        reason = "missing" if comparison.missing else "unreadable"
        return unchecked(check, reason, summary, **detail)
    if comparison.litter:
        return warned(check, "litter", summary, **detail)
    return passed(check, summary, **detail)


def _detail(comparison: FileComparison) -> dict[str, object]:
    detail: dict[str, object] = {"matching": comparison.matching}
    if comparison.differs:
        detail["differs"] = listed(
            [
                {"path": d.path, "reason": d.reason, **({"holds": d.holds} if d.holds else {})}
                for d in comparison.differs
            ]
        )
    if comparison.swapped:
        detail["swapped"] = listed([list(pair) for pair in comparison.swapped])
    if comparison.renamed:
        detail["renamed"] = listed([{"from": a, "to": b} for a, b in comparison.renamed])
    if comparison.reformed:
        detail["unicodeForm"] = listed([{"from": a, "to": b} for a, b in comparison.reformed])
    for member in ("missing", "extra", "litter", "unreadable"):
        names: tuple[str, ...] = getattr(comparison, member)
        if names:
            detail[member] = listed(names)
            detail[f"{member}Count"] = len(names)
    return detail


def _find_reformed(
    tree: Tree, missing: Iterable[str], surplus: Mapping[str, FoundFile]
) -> list[tuple[str, str]]:
    # Listed paths are in form C. As some file systems name them they are in another, of which
    # there may be several, where they tell them apart.
    forms: dict[str, list[str]] = {}
    for path in surplus if any(not path.isascii() for path in missing) else ():
        if not path.isascii():
            forms.setdefault(normalize("NFC", path), []).append(path)
    reformed = []
    for path in missing:
        entry = tree.by_path[path]
        wanted = FoundFile(FoundKind.FILE, entry.bytes, entry.blake3)
        reformed += [(path, one) for one in forms.get(path, ()) if surplus[one] == wanted][:1]
    return reformed


def _find_renamed(
    tree: Tree, missing: Iterable[str], surplus: Mapping[str, FoundFile]
) -> list[tuple[str, str]]:
    # ATTACK: a hundred thousand files of one content; each costs one step.
    elsewhere: dict[Digest, deque[str]] = {}
    for path, here in surplus.items():
        if here.blake3 is not None:
            elsewhere.setdefault(here.blake3, deque()).append(path)
    renamed = []
    for path in missing:
        candidates = elsewhere.get(tree.by_path[path].blake3)
        # An empty file has the content of every empty file: that says nothing of its origin.
        if candidates and tree.by_path[path].bytes:
            renamed.append((path, candidates.popleft()))
    return renamed


def _find_swapped(
    tree: Tree,
    wrong: Mapping[str, FileDifference],
    found: Mapping[str, FoundFile],
    rewritten: Callable[[TreeEntry, FoundFile], bool],
) -> tuple[list[tuple[str, str]], list[FileDifference]]:
    home: dict[Digest, str] = {}
    for entry in tree.entries:
        home.setdefault(entry.blake3, entry.path)
    wanted = {tree.by_path[path].blake3: path for path in reversed(list(wrong))}
    swapped: list[tuple[str, str]] = []
    differs: list[FileDifference] = []
    named: set[str] = set()  # each is named once
    for path, difference in wrong.items():
        content = found[path].blake3
        other = wanted.get(content) if content is not None else None
        if path in named:
            continue
        # ATTACK: an entry of another length than its digest's file would be swapped with itself.
        if (
            other is not None
            and other != path
            and other not in named
            and found[other].blake3 == tree.by_path[path].blake3
        ):
            swapped.append((path, other))
            named |= {path, other}
            continue
        holds = home.get(content) if content is not None else None
        reason = difference.reason
        if holds is None and reason != "not-a-file" and rewritten(tree.by_path[path], found[path]):
            reason = "line-ends"
        differs.append(FileDifference(path, reason, holds))
        named.add(path)
    return swapped, differs
