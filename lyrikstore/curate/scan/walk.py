"""The walk through a folder: its files, the entries left out, and those that cannot be committed.

Only folders are opened, and nothing is skipped silently: every entry that is not a file of the
snapshot is in ``ignored``, with its reason, or in ``offenders``, with its kind and the next step.
"""

import os
import re
import stat
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from lyrikstore.curate.scan.ignore import IGNORE_FILE, Rule, ignored_by
from lyrikstore.objects.io.stat_cache import pack_state

MAX_DEPTH = 200
LEAST = 16
"""Smallest number of folders that is divided between processes."""
_EFFECTIVE = os.access in os.supports_effective_ids
# A regular file that every user may read. If an access list forbids it, reading fails later, but
# before anything of the commit is visible. For other files the system is asked.
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
    "symlink-outside": "copy its target into the folder",
    "symlink-broken": "remove it, or name it in .lyrikignore",
    "symlink-loop": "remove it, or name it in .lyrikignore",
    "not-text": "rename it to a UTF-8 name",
    "twin": "rename one of the two; some file systems treat them as the same file",
    "too-deep": "flatten the folder",
    "not-nfc": "add --nfc to record such names in form C, rename it, or name it in .lyrikignore",
}


class Ignored(NamedTuple):
    """A file or folder that is left out on purpose.

    Attributes:
        path: Relative path; a folder ends in ``/``.
        reason: Why, such as ``.lyrikignore line 3``.
    """

    path: str
    reason: str


class Offender(NamedTuple):
    """A file or other entry that cannot be committed.

    Attributes:
        path: Relative path, in printable form.
        kind: Stable code: ``unreadable``, ``fifo``, ``symlink``, ``twin``, ``not-text``, …
        reason: One line.
        hint: The next step.
    """

    path: str
    kind: str
    reason: str
    hint: str


def offender(path: str, kind: str, reason: str) -> Offender:
    """Return the offender at ``path``, which may have any characters, with the next step."""
    hint = _NEXT_STEP.get(kind, "rename it, or name it in .lyrikignore")
    return Offender(_show(path), kind, reason, hint)


class Folder(NamedTuple):
    """A folder that is not listed yet.

    Attributes:
        location: Its path on disk.
        prefix: The prefix of the relative paths in it.
        depth: Its depth below the root.
        above: The identities of the folders above it, if links are followed.
        linked: Whether it may have been reached by a link.
    """

    location: str
    prefix: str
    depth: int
    above: tuple[tuple[int, int], ...]
    linked: bool


class Run(NamedTuple):
    """Files that are adjacent in path order.

    Attributes:
        names: Their relative paths.
        states: Their states, each packed by ``pack_state``.
    """

    names: list[str]
    states: bytes | bytearray


def _show(path: str) -> str:
    from lyrikstore.canon.text import escape_control

    return escape_control(path)


def identity(state: os.stat_result) -> tuple[int, int]:
    """Return device and inode, which identify a folder."""
    return state.st_dev, state.st_ino


class Walk:
    """Lists one folder after another, and collects the entries that are not files of the snapshot.

    Args:
        root: The folder that must contain everything.
        rules: The rules of the ignore file.
        left_out: Path to reason, for further entries that are left out.
        follow: Whether links are followed.

    Attributes:
        ignored: The entries left out so far.
        offenders: The entries so far that cannot be committed.
    """

    def __init__(
        self, root: str, rules: Sequence[Rule], left_out: dict[str, str], *, follow: bool
    ) -> None:
        self._root = Path(root)
        self._rules = rules
        self._left_out = left_out
        self._special = {f"{path.rpartition('/')[0]}/".lstrip("/") for path in left_out}
        self._follow = follow
        self.ignored: list[Ignored] = []
        self.offenders: list[Offender] = []

    def to_json(self) -> dict[str, Any]:
        """Return the walk as JSON, from which :meth:`from_json` makes it in another process."""
        return {
            "root": str(self._root),
            "rules": [(r.line, r.pattern.pattern, r.negated, r.folders_only) for r in self._rules],
            "leftOut": self._left_out,
            "follow": self._follow,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Return the walk that :meth:`to_json` described."""
        rules = [
            Rule(line, re.compile(pattern, re.DOTALL), negated, folders_only)
            for line, pattern, negated, folders_only in value["rules"]
        ]
        return cls(value["root"], rules, value["leftOut"], follow=value["follow"])

    def shares(self, root: Folder) -> list[Run | Folder]:
        """Return runs of files and unlisted folders, in path order; enough folders to divide."""
        parts: list[Run | Folder] = [root]
        while 0 < sum(isinstance(part, Folder) for part in parts) < LEAST:
            parts = [
                found
                for part in parts
                for found in (self._inside(part) if isinstance(part, Folder) else (part,))
            ]
        return parts

    def through(self, folder: Folder) -> Run:
        """Return all files in and below a folder, in path order."""
        names: list[str] = []
        states = bytearray()
        todo: list[Run | Folder] = [folder]
        while todo:
            part = todo.pop()
            if isinstance(part, Folder):
                todo += reversed(self._inside(part))
            else:
                names += part.names
                states += part.states
        return Run(names, states)

    def _inside(self, folder: Folder) -> list[Run | Folder]:
        try:
            # A folder that was listed may have been replaced by a link out of the root.
            linked = 0 if folder.linked else os.O_NOFOLLOW
            fd = os.open(folder.location, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | linked)
        except OSError as error:
            self._refuse(folder.prefix or ".", "folder-unreadable", error)
            return []
        try:
            return self._entries(fd, folder)
        except OSError as error:
            self._refuse(folder.prefix or ".", "folder-unreadable", error)
            return []
        finally:
            os.close(fd)

    def _entries(self, fd: int, folder: Folder) -> list[Run | Folder]:
        plain: list[str] = []
        others: dict[str, os.DirEntry[str]] = {}
        with os.scandir(fd) as listing:
            for entry in listing:
                if entry.is_file(follow_symlinks=False):
                    plain.append(entry.name)
                else:
                    # "a.txt" must come before "a/b": path order is not the order of names.
                    mark = "/" if entry.is_dir(follow_symlinks=False) else ""
                    others[entry.name + mark] = entry
        plain.sort()
        prefix = folder.prefix
        if self._rules or prefix in self._special:
            plain = [name for name in plain if not self._leave_out(prefix + name, "")]
        parts: list[Run | Folder] = []
        start = 0
        for place in sorted(others):
            end = bisect_left(plain, place)
            parts.append(self._files(fd, prefix, plain[start:end]))
            start = end
            try:
                parts += self._other(others[place], folder)
            except OSError as error:
                self._refuse(prefix + others[place].name, "unreadable", error)
        parts.append(self._files(fd, prefix, plain[start:]))
        return parts

    def _files(self, fd: int, prefix: str, found: list[str]) -> Run:
        # The loop over all files: plain files are handled without a call.
        names: list[str] = []
        states = bytearray()
        look = os.stat
        for name in found:
            try:
                state = look(name, dir_fd=fd, follow_symlinks=False)
                plain = state.st_mode & _MASK == _PLAIN
                if plain or self._may_read(prefix + name, name, state, fd):
                    names.append(prefix + name)
                    states += pack_state(state)
            except OSError as error:
                self._refuse(prefix + name, "unreadable", error)
        return Run(names, states)

    def _may_read(
        self, path: str, location: str, state: os.stat_result, fd: int | None = None
    ) -> bool:
        if not stat.S_ISREG(state.st_mode):
            self._refuse(path, "unreadable", "is no longer a file")
            return False
        if state.st_mode & _READABLE == _READABLE or os.access(
            location, os.R_OK, dir_fd=fd, effective_ids=_EFFECTIVE
        ):
            return True
        self._refuse(path, "unreadable", "permission denied")
        return False

    def _other(self, entry: os.DirEntry[str], folder: Folder) -> list[Run | Folder]:
        state = entry.stat(follow_symlinks=False)
        kind = stat.S_IFMT(state.st_mode)
        path, location = folder.prefix + entry.name, f"{folder.location}/{entry.name}"
        if self._leave_out(path, "/" if kind == stat.S_IFDIR else ""):
            return []
        linked = kind == stat.S_IFLNK
        if linked:
            target = self._followed(Path(location), path, folder.above)
            if target is None:
                return []
            state, kind = target, stat.S_IFMT(target.st_mode)
        if kind == stat.S_IFDIR:
            if folder.depth >= MAX_DEPTH:
                self._refuse(path, "too-deep", f"more than {MAX_DEPTH} folders deep")
                return []
            above = (*folder.above, identity(state)) if self._follow else ()
            return [Folder(location, f"{path}/", folder.depth + 1, above, linked)]
        if kind == stat.S_IFREG:
            if self._may_read(path, location, state):
                return [Run([path], pack_state(state))]
            return []
        what = _KINDS.get(kind, "device")
        name = "FIFO" if what == "fifo" else f"{what}, not a file"
        self._refuse(path, what, f"is a {name}")
        return []

    def _leave_out(self, path: str, mark: str) -> bool:
        reason = self._left_out.get(path)
        if reason is None:
            rule = ignored_by(path, self._rules, is_folder=bool(mark))
            reason = None if rule is None else f"{IGNORE_FILE} line {rule.line}"
        if reason is None:
            return False
        self.ignored.append(Ignored(_show(path) + mark, reason))
        return True

    def _followed(
        self, location: Path, path: str, above: tuple[tuple[int, int], ...]
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
        elif identity(state) in above:
            self._refuse(path, "symlink-loop", "is a symbolic link to a folder it is in")
        else:
            return state
        return None

    def _refuse(self, path: str, kind: str, reason: str | OSError) -> None:
        if isinstance(reason, OSError):
            reason = reason.strerror or str(reason)
        self.offenders.append(offender(path, kind, reason))
