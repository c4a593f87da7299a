"""Hostile names, odd kinds of files, odd shapes of folders, and files that do not hold still."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.faults.robust.outcome import Finding, Row, UnavailableError
from tests.faults.robust.subject import Subject, contents, write_texts

TEXT = b"some text\n"


def _plain(name: bytes) -> Callable[[bytes], None]:
    def make(folder: bytes) -> None:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(TEXT)

    return make


def _twins(first: bytes, second: bytes) -> Callable[[bytes], None]:
    def make(folder: bytes) -> None:
        _plain(first)(folder)
        _plain(second)(folder)

    return make


def _link(target: bytes, name: bytes = b"link") -> Callable[[bytes], None]:
    return lambda folder: os.symlink(target, os.path.join(folder, name))


def _socket(folder: bytes) -> None:
    here = os.open(b".", os.O_RDONLY)
    os.chdir(folder)  # a socket's path must be short
    try:
        with socket.socket(socket.AF_UNIX) as end:
            end.bind("socket")
    finally:
        os.fchdir(here)
        os.close(here)


def _device(folder: bytes) -> None:
    if os.getuid() != 0:
        raise UnavailableError("only root can make a device")
    os.mknod(folder + b"/device", 0o020666, os.makedev(1, 3))


def _linked_twice(folder: bytes) -> None:
    _plain(b"one")(folder)
    os.link(folder + b"/one", folder + b"/two")


def _below(*names: bytes) -> Callable[[bytes], None]:
    def make(folder: bytes) -> None:
        inner = b"/".join([folder, *names[:-1]])
        os.makedirs(inner)
        _plain(names[-1])(inner)

    return make


def _special_mode(folder: bytes) -> None:
    _plain(b"odd-mode")(folder)
    os.chmod(folder + b"/odd-mode", 0o6755)


# 31 names and kinds of files: each comes back byte for byte, or is refused with its name.
HOSTILE: dict[str, Callable[[bytes], None]] = {
    "newline": _plain(b"a\nb.txt"),
    "tab": _plain(b"a\tb.txt"),
    "escape sequence": _plain(b"\x1b[31mred"),
    "not UTF-8": _plain(b"caf\xe9.txt"),
    "lone surrogate": _plain(b"\xed\xa0\x80.txt"),
    "decomposed accent": _plain("cafe\u0301.txt".encode()),
    "right-to-left override": _plain("a\u202egpj.exe".encode()),
    "zero-width joiner": _plain("a\u200db".encode()),
    "byte order mark": _plain("\ufeffa.txt".encode()),
    "emoji": _plain("\U0001f600.txt".encode()),
    "leading dash": _plain(b"--yes"),
    "leading space": _plain(b" a.txt"),
    "trailing dot": _plain(b"a.txt."),
    "backslash": _plain(b"a\\b.txt"),
    "colon": _plain(b"C:file"),
    "Windows device": _plain(b"con.txt"),
    "255 bytes": _plain(b"n" * 255),
    "dots": _plain(b"...."),
    ".git twin": _below(b".GIT", b"config"),
    "git~1": _below(b"git~1", b"config"),
    ".lyrikstore twin": _below(b".Lyrikstore", b"format"),
    "case twins": _twins(b"readme.txt", b"README.txt"),
    "composed twins": _twins("caf\u00e9".encode(), "cafe\u0301".encode()),
    "link to a file": _link(b"plain.txt"),
    "link outside": _link(b"/etc/passwd"),
    "dangling link": _link(b"nowhere"),
    "link in a circle": _link(b".", b"circle"),
    "FIFO": lambda folder: os.mkfifo(folder + b"/fifo"),
    "socket": _socket,
    "device": _device,
    "hard links": _linked_twice,
    "setuid file": _special_mode,
}


def hostile(base: Path, *, quick: bool) -> list[Row]:
    """Commit each hostile name and kind of file beside a plain one."""
    row = Row("hostile names and kinds of files")
    subject = Subject(base).found()
    trips = 0
    for number, (label, make) in enumerate(HOSTILE.items()):
        if quick and number % 2:
            continue
        folder = base / f"folder-{number}"
        folder.mkdir()
        (folder / "plain.txt").write_bytes(TEXT)
        try:
            make(os.fsencode(folder))
        except (OSError, UnavailableError):
            continue  # this file system has no such file
        name = f"acme/hostile-{number}"
        answer = subject.run("commit", folder, "-d", name)
        findings = answer.manners()
        if "\x1b" in answer.out + answer.err or "\u202e" in answer.out + answer.err:
            findings.append(Finding("other", "the terminal is sent the name as it is"))
        if answer.code == 0:
            trips += 1
            findings += _comes_back(subject, name, folder)
        elif answer.code != 16:
            findings.append(Finding("other", f"exit {answer.code}: {answer.err}"))
        row.add(label, findings)
    row.add("afterwards", subject.examine())
    row.facts.update({"come back": trips, "refused by name": row.tries - 1 - trips})
    return [row]


def _comes_back(subject: Subject, name: str, folder: Path) -> list[Finding]:
    target = subject.base / "back"
    answer = subject.run("checkout", name, target, timeout=180)
    findings = answer.manners(may_fail=False)
    if answer.code == 0 and contents(target) != contents(folder):
        findings.append(Finding("lost", "committed with exit 0, comes back different"))
    shutil.rmtree(target, ignore_errors=True)
    return findings


def shapes(base: Path, *, quick: bool) -> list[Row]:
    """Commit folders that are deep, wide, empty, and files that are mostly holes."""
    row = Row("400 levels, 100,000 entries, sparse, empty")
    subject = Subject(base).found()
    wide = 5_000 if quick else 100_000
    row.scenario = row.scenario.replace("100,000", f"{wide:,}")
    for label, make in (
        ("deep", lambda folder: _deep(folder, 400)),
        ("too deep", lambda folder: _deep(folder, 1_200)),
        ("wide", lambda folder: _wide(folder, wide)),
        ("sparse", lambda folder: _sparse(folder, 64 << 20 if quick else 2 << 30)),
        ("empty folder", lambda folder: folder.mkdir()),
        ("a pipe, not a folder", os.mkfifo),
    ):
        folder = base / label.replace(" ", "-")
        try:
            make(folder)
        except OSError:
            continue  # longer than this file system's paths
        name = f"acme/{label.replace(' ', '-').replace(',', '')}"
        answer = subject.run("commit", folder, "-d", name, timeout=300)
        findings = answer.manners()
        if answer.code == 0:
            findings += _comes_back(subject, name, folder)
        row.add(label, findings)
        subprocess.run(["rm", "-rf", folder], check=False)  # rmtree recurses
    row.add("afterwards", subject.examine())
    return [row]


def _deep(folder: Path, levels: int) -> None:
    inner = str(folder)
    os.mkdir(inner)
    for _ in range(levels):
        inner += "/d"
        os.mkdir(inner)
    Path(inner, "file.txt").write_bytes(TEXT)


def _wide(folder: Path, count: int) -> None:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:06d}.txt").write_bytes(b"%d\n" % number)


def _sparse(folder: Path, size: int) -> None:
    folder.mkdir()
    with (folder / "holes.bin").open("wb") as file:
        file.write(TEXT)
        file.seek(size // 2)
        file.write(TEXT)
        file.truncate(size)


class _Restless(threading.Thread):
    # Changes files over and over, for as long as the block runs.
    def __init__(self, step: Callable[[int], None]) -> None:
        super().__init__(daemon=True)
        self._step = step
        self._done = threading.Event()

    def run(self) -> None:
        number = 0
        while not self._done.is_set():
            self._step(number)
            number += 1
            time.sleep(0.001)

    def __enter__(self) -> "_Restless":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self.join()


# Writes over and over, 4 MiB by one call, with less weight than the processes beside it.
_OVERWRITE = """
import os, sys
blocks = [bytes([65 + number]) * (4 << 20) for number in range(4)]
os.nice(10)
descriptor = os.open(sys.argv[1], os.O_WRONLY)
while True:
    for block in blocks:
        os.pwrite(descriptor, block, 0)
"""


@contextlib.contextmanager
def _overwritten(path: Path) -> Iterator[None]:
    busy = [[sys.executable, "-c", "while True: pass"]] * (os.cpu_count() or 1)
    with contextlib.ExitStack() as stack:
        for command in (*busy, [sys.executable, "-c", _OVERWRITE, str(path)]):
            process = stack.enter_context(subprocess.Popen(command))
            stack.callback(process.kill)
        time.sleep(0.5)
        yield


def moving(base: Path, *, quick: bool) -> list[Row]:
    """Commit files that grow, are rewritten, replaced or removed while they are read."""
    row = Row("files that change while they are read")
    folder = base / "restless"
    folder.mkdir()
    subject = Subject(base).found()
    block = 3 << 20

    def grow(_number: int) -> None:
        with (folder / "restless.log").open("ab") as file:
            file.write(b"one more line\n" * 50)

    def rewrite(number: int) -> None:
        with (folder / "restless.log").open("r+b") as file:
            file.write(bytes([65 + number % 26]) * block)

    def replace(number: int) -> None:
        (base / "new").write_bytes(bytes([65 + number % 26]) * block)
        (base / "new").replace(folder / "restless.log")

    def vanish(number: int) -> None:
        path = folder / "text-00007.txt"
        if number % 2:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(TEXT)

    def shrink(number: int) -> None:
        os.truncate(folder / "restless.log", block if number % 2 else block // 2)

    steps = (grow, rewrite, replace, vanish, shrink)
    writers: dict[str, Callable[[], contextlib.AbstractContextManager[object]]] = {
        **{step.__name__: partial(_Restless, step) for step in steps},
        "overwrite": lambda: _overwritten(folder / "restless.log"),
    }
    refused = 0
    for label, writer in writers.items():
        for attempt in range(1 if quick else 8):
            write_texts(folder, 300, seed=1)
            size = 4 << 20 if label == "overwrite" else block
            start = b"one more line\n" * 50 if label == "grow" else b"A" * size
            (folder / "restless.log").write_bytes(start)
            name = f"acme/{label}"
            with writer():
                answer = subject.run("commit", folder, "-d", name, "--yes", "--json")
            findings = answer.manners()
            if answer.code == 0:
                findings += _one_moment(subject, answer.json["id"], label == "grow", size)
            elif answer.code == 16:
                refused += 1
            else:
                findings.append(Finding("other", f"exit {answer.code}: {answer.err}"))
            row.add(f"{label} {attempt}", findings)
    row.facts["refused"] = refused
    row.add("afterwards", subject.examine())
    return [row]


def _one_moment(subject: Subject, identity: str, grows: bool, block: int) -> list[Finding]:
    # What was committed is a state that the file was once in, never a mixture.
    target = subject.base / "back"
    answer = subject.run("checkout", identity, target)
    findings = answer.manners(may_fail=False)
    path = target / "restless.log"
    data = path.read_bytes() if path.is_file() else b""
    if grows:
        whole = data.replace(b"one more line\n", b"") == b""
    else:  # or shrunk and grown again, with zeros
        whole = len(set(data)) == 1 or data == b"A" * (block // 2) + bytes(block - block // 2)
    if answer.code == 0 and not whole:
        findings.append(Finding("undetected", "a mixture of two states was committed"))
    if answer.code == 0 and not grows and len(data) > block:
        findings.append(Finding("undetected", "more than the file ever held was committed"))
    shutil.rmtree(target, ignore_errors=True)
    return findings
