"""The listing of a folder, by two processes if it has many files.

A stat of each file mostly waits for the kernel, so a second process lists a part of the folders. If
it dies or cannot be started, the listing only takes longer.
"""

import contextlib
import os
import time
from collections import deque
from collections.abc import Iterator
from itertools import islice
from operator import lt
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError
from lyrikstore.canon.files import no_file, real_path
from lyrikstore.curate.scan.ignore import IGNORE_FILE, load_rules
from lyrikstore.curate.scan.walk import Folder, Ignored, Offender, Run, Walk, identity
from lyrikstore.objects.io.stat_cache import STATE, pack_state
from lyrikstore.objects.parallel.tasks import Message

if TYPE_CHECKING:
    from lyrikstore.objects.parallel.processes import Workers

MANY_FILES = 4_000
"""Number of files from which a second process saves more time than its start takes."""

_TARGET = "lyrikstore.curate.scan.listing:look_into"
_TASKS = 32


class Listed(NamedTuple):
    """The content of a folder, in columns; its names are not checked yet.

    Attributes:
        root: The folder.
        names: Relative paths of the files, in path order, as the file system returned them.
        states: The states of the files when they were listed, concatenated, each packed by
            :func:`lyrikstore.objects.io.stat_cache.pack_state`.
        ignored: Files and folders that were left out, in path order.
        offenders: Entries that cannot be committed, in path order; they are not in ``names``.
    """

    root: str
    names: list[str]
    states: bytes
    ignored: tuple[Ignored, ...]
    offenders: tuple[Offender, ...]


class Listing:
    """A running listing of one folder, or of one file; a context manager.

    Args:
        folder: An existing folder, without the files that its ``.lyrikignore`` names; or a file.
        follow_links: Whether symbolic links that stay inside the folder are followed.
        store: The store, which is never part of the data.
        sheet: The metadata sheet, which is not part of the data either.
        expected: The expected number of files, if known. If they are many, a worker process begins
            at once, while this process does other work until :meth:`finish`.

    Attributes:
        began: Time before the first stat of a file, in nanoseconds.

    Raises:
        NotFoundError: (``no-file``) ``folder`` does not exist.
        InvalidInputError: (``no-folder``) it is neither a folder nor a file; (``bad-ignore``) its
            ignore file cannot be read.

    Cost: one listing and one stat of each file; no file is opened.
    """

    def __init__(
        self,
        folder: Path,
        *,
        follow_links: bool = False,
        store: Path | None = None,
        sheet: Path | None = None,
        expected: int = 0,
    ) -> None:
        self.began = time.time_ns()
        self._todo = deque[int]()
        self._tasks: list[list[int]] = []
        self._workers: Workers | None = None
        self._thread: Thread | None = None
        if folder.is_file():
            self._one_file(folder, store)
            return
        if not folder.is_dir():
            if not os.path.lexists(folder):
                raise no_file(folder, "file or folder")
            raise InvalidInputError(
                "no-folder",
                f"{folder} is neither a file nor a folder",
                hint="give a file, or the folder that holds the files",
            )
        self._root = str(folder)
        rules = load_rules(folder / IGNORE_FILE)
        root = real_path(folder)
        if store is not None and root.is_relative_to(real_path(store)):
            raise _in_the_store(folder)
        left_out = {IGNORE_FILE: "the ignore file"}
        for path, reason in ((store, "the store itself"), (sheet, "the metadata sheet")):
            place = real_path(path) if path else None
            if place and place.is_relative_to(root):
                left_out[place.relative_to(root).as_posix()] = reason
        self._walk = Walk(str(root), rules, left_out, follow=follow_links)
        above = (identity(folder.stat()),)
        self._parts = self._walk.shares(Folder(self._root, "", 0, above, linked=True))
        folders = [at for at, part in enumerate(self._parts) if isinstance(part, Folder)]
        size = -(-len(folders) // _TASKS)
        self._tasks = [folders[at : at + size] for at in range(0, len(folders), size or 1)]
        self._todo = deque(range(len(self._tasks)))
        if expected >= MANY_FILES:
            self._get_help()

    def _one_file(self, file: Path, store: Path | None) -> None:
        if store is not None and real_path(file).is_relative_to(real_path(store)):
            raise _in_the_store(file)
        self._root = str(file.parent)
        self._walk = Walk(str(real_path(file.parent)), (), {}, follow=True)
        self._parts = [Run([file.name], pack_state(file.stat()))]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._todo.clear()
        if self._workers is not None:
            self._workers.__exit__(kind, error, trace)
        if self._thread is not None:
            self._thread.join()

    def finish(self) -> Listed:
        """Return the content of the folder, after all of it has been listed."""
        count = 0
        while self._todo:
            try:
                task = self._todo.pop()  # the worker process takes tasks from the other end
            except IndexError:
                break
            count += self._look(task)
            if count >= MANY_FILES:
                self._get_help()
        if self._thread is not None:
            self._thread.join()
        for task, places in enumerate(self._tasks):  # those of a worker that died are listed here
            if isinstance(self._parts[places[0]], Folder):
                self._look(task)
        return self._joined()

    def _look(self, task: int) -> int:
        count = 0
        for at in self._tasks[task]:
            part = self._parts[at]
            if isinstance(part, Folder):
                self._parts[at] = run = self._walk.through(part)
                count += len(run.names)
        return count

    def _get_help(self) -> None:
        if not self._todo or self._workers is not None:
            return
        from lyrikstore.objects.parallel import processes  # loaded only for many files

        if processes.cores() < 2:
            return
        self._workers = processes.Workers(_TARGET, self._walk.to_json(), 1)
        thread = Thread(target=self._take, args=(self._workers,), daemon=True)
        with contextlib.suppress(RuntimeError):  # the system cannot start another thread
            thread.start()
            self._thread = thread

    def _take(self, workers: "Workers") -> None:
        taken: list[int] = []

        def tasks() -> Iterator[Message]:
            while self._todo:
                try:
                    taken.append(self._todo.popleft())
                except IndexError:
                    return
                yield Message({"folders": [self._parts[at] for at in self._tasks[taken[-1]]]})

        try:
            for result in workers.map(tasks()):
                names, states = _names(result.buffers[0]), result.buffers[1]
                runs, start = [], 0
                for end in result.header["ends"]:
                    part = states[start * STATE.size : end * STATE.size]
                    runs.append(Run(names[start:end], part))
                    start = end
                for at, run in zip(self._tasks[taken[result.task]], runs, strict=True):
                    self._parts[at] = run
                self._walk.ignored += [Ignored(*item) for item in result.header["ignored"]]
                self._walk.offenders += [Offender(*item) for item in result.header["offenders"]]
        except (LyrikstoreError, OSError, RuntimeError):
            return  # this process does the remaining tasks

    def _joined(self) -> Listed:
        runs = [part for part in self._parts if isinstance(part, Run)]
        names = [name for run in runs for name in run.names]
        states = b"".join([run.states for run in runs])
        # They are in path order already, unless links to folders were followed.
        if not all(map(lt, names, islice(names, 1, None))):
            order, width = sorted(range(len(names)), key=names.__getitem__), STATE.size
            names = [names[at] for at in order]
            states = b"".join([states[at * width : (at + 1) * width] for at in order])
        return Listed(
            self._root,
            names,
            states,
            tuple(sorted(self._walk.ignored)),
            tuple(sorted(self._walk.offenders)),
        )


def _in_the_store(path: Path) -> InvalidInputError:
    return InvalidInputError(
        "no-folder",
        f"{path} is inside the store",
        hint="give the folder that holds the files",
    )


def look_into(
    setup: dict[str, Any], task: dict[str, Any], *_buffers: bytes
) -> Iterator[tuple[Any, ...]]:
    """Yield the listings of folders, in a worker process.

    See :mod:`lyrikstore.objects.parallel.tasks`.
    """
    walk = Walk.from_json(setup)
    names: list[str] = []
    states, ends = bytearray(), []
    for location, prefix, depth, above, linked in task["folders"]:
        identities = tuple((device, inode) for device, inode in above)
        run = walk.through(Folder(location, prefix, depth, identities, linked))
        names += run.names
        states += run.states
        ends.append(len(names))
    header = {"ends": ends, "ignored": walk.ignored, "offenders": walk.offenders}
    yield header, "\0".join(names).encode("utf-8", "surrogateescape"), bytes(states)


def _names(joined: bytes) -> list[str]:
    return joined.decode("utf-8", "surrogateescape").split("\0") if joined else []
