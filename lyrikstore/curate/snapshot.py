"""What is in a folder: every file, what is left out and why, and everything that cannot go in.

Nothing is opened here and nothing is skipped silently: what is not a file of the snapshot is in
``ignored`` with its reason or in ``offenders`` with its kind and the next step.
"""

import os
import stat
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from operator import lt
from pathlib import Path

from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.curate.ignore import IGNORE_FILE, Rule, ignored_by, load_rules
from lyrikstore.history.paths import Paths, show
from lyrikstore.history.paths import offenders as path_offenders
from lyrikstore.objects.statcache import STATE, pack_state, sizes

MAX_DEPTH = 200
_EFFECTIVE = os.access in os.supports_effective_ids
# A regular file that everybody may read. An access list may still say otherwise: then reading it
# fails, before anything of the commit is visible. Every other file is asked about.
_READABLE = 0o444
_MASK = 0o170000 | _READABLE
_PLAIN = stat.S_IFREG | _READABLE
_KINDS = {stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket"}

_NEXT_STEP = {
    "unreadable": "make it readable (chmod u+r), or name it in .lyrikignore",
    "folder-unreadable": "make it readable (chmod u+rx), or name it in .lyrikignore",
    "fifo": "name it in .lyrikignore",
    "socket": "name it in .lyrikignore",
    "device": "name it in .lyrikignore",
    "symlink": "replace it by a copy, add --follow-links, or name it in .lyrikignore",
    "symlink-outside": "copy what it points at into the folder",
    "symlink-broken": "remove it, or name it in .lyrikignore",
    "symlink-loop": "remove it, or name it in .lyrikignore",
    "not-text": "rename it to a UTF-8 name",
    "twin": "rename one of the two; some file systems cannot keep them apart",
    "too-deep": "flatten the folder",
}


@dataclass(frozen=True, slots=True)
class Ignored:
    """Something left out on purpose.

    Attributes:
        path: Relative path; a folder ends in ``/``.
        reason: Such as ``.lyrikignore line 3``.
    """

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Offender:
    """Something that cannot be committed.

    Attributes:
        path: Relative path, printable.
        kind: Stable code: ``unreadable``, ``fifo``, ``symlink``, ``twin``, ``not-text``, …
        reason: One line.
        hint: The next step.
    """

    path: str
    kind: str
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Scan:
    """The content of a folder, in columns.

    Attributes:
        root: The folder.
        paths: Relative paths of the files, in path order.
        states: The state of each file when it was listed, one after another, as
            :func:`lyrikstore.objects.statcache.pack_state` packs it.
        ignored: In path order.
        offenders: In path order; files among them are not in ``paths``.
    """

    root: str
    paths: Paths
    states: bytes
    ignored: tuple[Ignored, ...]
    offenders: tuple[Offender, ...]

    @property
    def sizes(self) -> "array[int]":
        """The files' sizes as listed, in path order."""
        return sizes(self.states)

    def location(self, at: int) -> str:
        """Return where file number ``at`` is on disk."""
        return f"{self.root}/{self.paths[at]}"

    def require_clean(self, folder: Path) -> None:
        """Return if everything can be committed.

        Raises:
            InvalidInputError: (``bad-files``) something cannot; names the first and lists all in
                ``details``. Nothing has been written.
        """
        if not self.offenders:
            return
        first = self.offenders[0]
        more = f" (and {len(self.offenders) - 1} more)" if len(self.offenders) > 1 else ""
        raise InvalidInputError(
            "bad-files",
            f"{folder}: {first.path}: {first.reason}{more}",
            hint=first.hint,
            details={
                "offenders": [
                    {"path": o.path, "kind": o.kind, "reason": o.reason, "hint": o.hint}
                    for o in self.offenders[:1000]
                ],
                "count": len(self.offenders),
            },
        )


def scan(
    folder: Path,
    *,
    ignore: Sequence[Rule] | None = None,
    follow_links: bool = False,
    leave_out: Sequence[tuple[Path, str]] = (),
) -> Scan:
    """Return what is in ``folder``.

    Args:
        folder: An existing folder.
        ignore: Rules; by default those of ``.lyrikignore`` in the folder.
        follow_links: Whether symbolic links that stay inside the folder are followed.
        leave_out: (path, reason) of things that never belong to the data, such as the store.

    Raises:
        InvalidInputError: (``no-folder``) there is no such folder; (``bad-ignore``).

    Cost: one listing and one look at each file; no file is opened.
    """
    if not folder.is_dir():
        problem = "is a file" if folder.exists() else "no such folder"
        raise InvalidInputError(
            "no-folder", f"{folder}: {problem}", hint="give the folder that holds the files"
        )
    rules = load_rules(folder / IGNORE_FILE) if ignore is None else ignore
    walk = _Walk(folder, rules, follow_links, leave_out)
    walk.visit(str(folder), "", 0, frozenset({_identity(folder.stat())}))
    paths, states = walk.columns()
    try:
        checked = Paths(paths)
    except FormatError:
        paths, states = walk.without_offenders(paths, states)
        checked = Paths(paths)
    return Scan(
        str(folder),
        checked,
        states,
        tuple(sorted(walk.ignored, key=lambda item: item.path)),
        tuple(sorted(walk.offenders, key=lambda item: item.path)),
    )


def _place(entry: os.DirEntry[str]) -> str:
    # So that a walk gives "a.txt" before "a/b": path order, not the order of names.
    return f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name


def _identity(state: os.stat_result) -> tuple[int, int]:
    return state.st_dev, state.st_ino


class _Walk:
    def __init__(
        self,
        folder: Path,
        rules: Sequence[Rule],
        follow_links: bool,
        leave_out: Sequence[tuple[Path, str]],
    ) -> None:
        self._root = folder.resolve()
        self._rules = rules
        self._follow = follow_links
        self._left_out = {IGNORE_FILE: "the ignore file"}
        for path, reason in leave_out:
            place = path.resolve()
            if place.is_relative_to(self._root):
                self._left_out[place.relative_to(self._root).as_posix()] = reason
        self._paths: list[str] = []
        self._states = bytearray()
        self.ignored: list[Ignored] = []
        self.offenders: list[Offender] = []

    def columns(self) -> tuple[list[str], bytes]:
        # The walk is in path order already, unless links to folders were followed.
        paths, states, width = self._paths, bytes(self._states), STATE.size
        if not all(map(lt, paths, islice(paths, 1, None))):
            order = sorted(range(len(paths)), key=paths.__getitem__)
            paths = [paths[at] for at in order]
            states = b"".join([states[at * width : (at + 1) * width] for at in order])
        return paths, states

    def without_offenders(self, paths: list[str], states: bytes) -> tuple[list[str], bytes]:
        offences = {offence.path: offence for offence in path_offenders(paths)}
        for offence in offences.values():
            other = f" ({show(offence.other)})" if offence.other else ""
            self._refuse(offence.path, offence.kind, offence.reason + other)
        kept = [at for at, path in enumerate(paths) if path not in offences]
        width = STATE.size
        return (
            [paths[at] for at in kept],
            b"".join([states[at * width : (at + 1) * width] for at in kept]),
        )

    def visit(self, folder: str, prefix: str, depth: int, above: frozenset[object]) -> None:
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=_place)
        except OSError as error:
            self._refuse(prefix or ".", "folder-unreadable", f"{error.strerror or error}")
            return
        # The loop over all files: what can be said of a plain file is said without a call.
        simple = not self._rules
        left_out = self._left_out
        for entry in entries:
            path = prefix + entry.name
            try:
                state = entry.stat(follow_symlinks=False)
                if simple and state.st_mode & _MASK == _PLAIN and path not in left_out:
                    self._paths.append(path)
                    self._states += pack_state(state)
                else:
                    self._look(entry, state, path, depth, above)
            except OSError as error:
                self._refuse(path, "unreadable", f"{error.strerror or error}")

    def _look(
        self,
        entry: os.DirEntry[str],
        state: os.stat_result,
        path: str,
        depth: int,
        above: frozenset[object],
    ) -> None:
        kind = stat.S_IFMT(state.st_mode)
        reason = self._reason(path, is_folder=kind == stat.S_IFDIR)
        if reason is not None:
            mark = "/" if kind == stat.S_IFDIR else ""
            self.ignored.append(Ignored(show(path) + mark, reason))
            return
        if kind == stat.S_IFLNK:
            followed = self._followed(Path(entry.path), path, above)
            if followed is None:
                return
            state = followed
            kind = stat.S_IFMT(state.st_mode)
        if kind == stat.S_IFDIR:
            if depth >= MAX_DEPTH:
                self._refuse(path, "too-deep", f"more than {MAX_DEPTH} folders deep")
                return
            self.visit(entry.path, f"{path}/", depth + 1, above | {_identity(state)})
        elif kind == stat.S_IFREG:
            if state.st_mode & _READABLE == _READABLE or os.access(
                entry.path, os.R_OK, effective_ids=_EFFECTIVE
            ):
                self._paths.append(path)
                self._states += pack_state(state)
            else:
                self._refuse(path, "unreadable", "permission denied")
        else:
            what = _KINDS.get(kind, "device")
            name = "FIFO" if what == "fifo" else f"{what}, not a file"
            self._refuse(path, what, f"is a {name}")

    def _reason(self, path: str, *, is_folder: bool) -> str | None:
        if path in self._left_out:
            return self._left_out[path]
        rule = ignored_by(path, self._rules, is_folder=is_folder)
        return f"{IGNORE_FILE} line {rule.line}" if rule is not None else None

    def _followed(
        self, location: Path, path: str, above: frozenset[object]
    ) -> os.stat_result | None:
        try:
            target = location.resolve(strict=True)
            state = target.stat()
        except (OSError, RuntimeError):
            self._refuse(path, "symlink-broken", "is a symbolic link to nothing")
            return None
        if not target.is_relative_to(self._root):
            self._refuse(path, "symlink-outside", "is a symbolic link out of the folder")
        elif not self._follow:
            self._refuse(path, "symlink", "is a symbolic link")
        elif _identity(state) in above:
            self._refuse(path, "symlink-loop", "is a symbolic link to a folder it is in")
        else:
            return state
        return None

    def _refuse(self, path: str, kind: str, reason: str) -> None:
        hint = _NEXT_STEP.get(kind, "rename it, or name it in .lyrikignore")
        self.offenders.append(Offender(show(path), kind, reason, hint))
