"""What is in a folder: every file, what is left out and why, and everything that cannot go in.

Nothing is opened here and nothing is skipped silently: what is not a file of the snapshot is in
``ignored`` with its reason or in ``offenders`` with its kind and the next step.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.ignore import IGNORE_FILE, Rule, ignored_by, load_rules
from lyrikstore.history.paths import offenders as path_offenders
from lyrikstore.history.paths import show

MAX_DEPTH = 200
_EFFECTIVE = os.access in os.supports_effective_ids

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
class Found:
    """One file of a snapshot.

    Attributes:
        path: Relative path, POSIX separators.
        location: Where it is on disk.
        stat: Its state when the folder was listed.
    """

    path: str
    location: str
    stat: os.stat_result


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
    """The content of a folder.

    Attributes:
        files: In path order.
        ignored: In path order.
        offenders: In path order.
        total_bytes: Sum of the files' sizes as listed.
    """

    files: tuple[Found, ...]
    ignored: tuple[Ignored, ...]
    offenders: tuple[Offender, ...]

    @property
    def total_bytes(self) -> int:
        """Sum of the files' sizes as listed."""
        return sum(found.stat.st_size for found in self.files)

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

    Cost: one listing; no file is opened.
    """
    if not folder.is_dir():
        problem = "is a file" if folder.exists() else "no such folder"
        raise InvalidInputError(
            "no-folder", f"{folder}: {problem}", hint="give the folder that holds the files"
        )
    rules = load_rules(folder / IGNORE_FILE) if ignore is None else ignore
    walk = _Walk(folder.resolve(), rules, follow_links, dict(_resolved(leave_out)))
    walk.visit(folder, "", 0, frozenset({_identity(folder.stat())}))
    offences = {offence.path: offence for offence in path_offenders(f.path for f in walk.files)}
    walk.offenders += [
        Offender(
            offence.shown,
            offence.kind,
            f"{offence.reason}" + (f" ({show(offence.other)})" if offence.other else ""),
            _NEXT_STEP.get(offence.kind, "rename it, or name it in .lyrikignore"),
        )
        for offence in offences.values()
    ]
    return Scan(
        tuple(sorted(walk.files, key=lambda found: found.path)),
        tuple(sorted(walk.ignored, key=lambda item: item.path)),
        tuple(sorted(walk.offenders, key=lambda item: item.path)),
    )


def _resolved(items: Sequence[tuple[Path, str]]) -> Iterator[tuple[str, str]]:
    for path, reason in items:
        yield str(path.resolve()), reason


def _identity(state: os.stat_result) -> tuple[int, int]:
    return state.st_dev, state.st_ino


class _Walk:
    def __init__(
        self, root: Path, rules: Sequence[Rule], follow_links: bool, leave_out: dict[str, str]
    ) -> None:
        self._root = root
        self._rules = rules
        self._follow = follow_links
        self._leave_out = leave_out
        self.files: list[Found] = []
        self.ignored: list[Ignored] = []
        self.offenders: list[Offender] = []

    def visit(self, folder: Path, prefix: str, depth: int, above: frozenset[object]) -> None:
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            self._refuse(prefix or ".", "folder-unreadable", f"{error.strerror or error}")
            return
        for entry in entries:
            path = prefix + entry.name
            try:
                self._look(entry, path, depth, above)
            except OSError as error:
                self._refuse(path, "unreadable", f"{error.strerror or error}")

    def _look(
        self, entry: os.DirEntry[str], path: str, depth: int, above: frozenset[object]
    ) -> None:
        state = entry.stat(follow_symlinks=False)
        left_out = self._reason(path, is_folder=stat.S_ISDIR(state.st_mode))
        if left_out is not None:
            mark = "/" if stat.S_ISDIR(state.st_mode) else ""
            self.ignored.append(Ignored(show(path) + mark, left_out))
            return
        if stat.S_ISLNK(state.st_mode):
            followed = self._followed(Path(entry.path), path, above)
            if followed is None:
                return
            state = followed
        if stat.S_ISDIR(state.st_mode):
            if depth >= MAX_DEPTH:
                self._refuse(path, "too-deep", f"more than {MAX_DEPTH} folders deep")
                return
            self.visit(Path(entry.path), f"{path}/", depth + 1, above | {_identity(state)})
        elif stat.S_ISREG(state.st_mode):
            if os.access(entry.path, os.R_OK, effective_ids=_EFFECTIVE):
                self.files.append(Found(path, entry.path, state))
            else:
                self._refuse(path, "unreadable", "permission denied")
        else:
            kind = (
                "fifo"
                if stat.S_ISFIFO(state.st_mode)
                else "socket"
                if stat.S_ISSOCK(state.st_mode)
                else "device"
            )
            self._refuse(path, kind, f"is a {kind}, not a file" if kind != "fifo" else "is a FIFO")

    def _reason(self, path: str, *, is_folder: bool) -> str | None:
        if path == IGNORE_FILE:
            return "the ignore file"
        if self._leave_out:
            reason = self._leave_out.get(f"{self._root}/{path}")
            if reason is not None:
                return reason
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
