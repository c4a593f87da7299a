"""What a command read and wrote beside what it was given, by strace (spec §13.13.3).

What the system itself and installed packages bring is not listed: a run names neither. Nothing
here confines the command.
"""

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import storage_error
from lyrikstore.canon.json import encode
from lyrikstore.train.foreign.repository import CallerRepository
from lyrikstore.train.worker.staging import Staging

FORMAT, ROLE = "observed/1", "observed"
MAX_LISTED = 1000
"""Entries of each list; more are counted."""

MAX_BYTES = 8 << 20
_MAX_KNOWN = 200_000
_MAX_LINE = 1 << 16
_MAX_HASHED = 1 << 30
_CALLS = (
    *("open", "openat", "openat2", "creat", "execve", "execveat", "truncate"),
    *("rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"),
    *("unlink", "unlinkat", "rmdir", "mkdir", "mkdirat", "mknod", "mknodat"),
    *("connect", "sendto", "sendmsg", "sendmmsg"),
)
_OPENED = frozenset({b"open", b"openat", b"openat2", b"creat"})
_NETWORK = frozenset({b"connect", b"sendto", b"sendmsg", b"sendmmsg"})
_OPTIONS = (
    *("-D", "-f", "--seccomp-bpf", "-qqq", "-y", "-s", "128", "-e", "signal=none"),
    *("-e", "trace=" + ",".join(f"?{name}" for name in _CALLS)),
)
_LINE = re.compile(rb"(\d+) +(\w+)\((.*)\) += (-?\d+|\?)(?:<(.*?)>)?(?: .*)?", re.DOTALL)
_RESUMED = re.compile(rb"(\d+) +<\.\.\. (\w+) resumed>(.*)", re.DOTALL)
_UNFINISHED = re.compile(rb"(\d+) +(\w+)\((.*) <unfinished \.\.\.>", re.DOTALL)
_PLACED = re.compile(rb'(?:<((?:[^<>\\]|\\.)*)>, )?"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_PLAIN = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}
_PORT = re.compile(rb"sin6?_port=htons\((\d+)\)")
_HOST = re.compile(rb'(?:inet_addr\(|inet_pton\(AF_INET6, )"([0-9a-fA-F:.]+)"')
_SOCKET = re.compile(rb'sun_path=@?"((?:[^"\\]|\\.)*)"')

_WRITES = re.compile(rb"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC")
_SYSTEM = re.compile(
    r"/(usr|lib|lib32|lib64|libx32|bin|sbin|etc|proc|sys|dev|run|boot|nix|snap)(/|$)|/var/(lib|cache|run)/"
)
_PACKAGES = re.compile(
    r"/(site-packages|dist-packages|lib/python3[0-9.]*t?|lib/python3[0-9.]*\.zip)(/|$)"
    r"|/pyvenv\.cfg$|/[^/]+\.so(\.[0-9.]+)?$|/bin/[^/]+$|\.pyc$"
)


class Observation(Struct, frozen=True):
    """What was seen.

    Attributes:
        reads: Files that it read and the run does not name, with their digests as they were when
            it had ended, if they could be read.
        repository: Files of the caller's Git repository that it read.
        writes: What it wrote, made or removed outside its folder.
        connections: Where it tried to connect to; processes of its own included.
    """

    reads: dict[str, Digest | None]
    repository: tuple[str, ...]
    writes: tuple[str, ...]
    connections: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """Return member ``observed`` of a checkpoint."""
        return {
            "undeclaredReads": len(self.reads),
            "undeclaredWrites": len(self.writes),
            "repositoryReads": len(self.repository),
            "connections": len(self.connections),
        }

    def encode(self) -> bytes:
        """Return the attachment: canonical JSON, each list cut at :data:`MAX_LISTED`."""
        reads: list[dict[str, Any]] = [
            {"path": path} if digest is None else {"path": path, "blake3": digest.hex}
            for path, digest in sorted(self.reads.items())[:MAX_LISTED]
        ]
        listed = {
            name: list(found[:MAX_LISTED])
            for name, found in (
                ("repository", self.repository),
                ("writes", self.writes),
                ("connections", self.connections),
            )
        }
        return encode({"format": FORMAT, "reads": reads, **listed})


class Observer:
    """Watches one command.

    Args:
        staging: The private folder; a named pipe is made there.
        folder: Where the command is started.
        repository: The caller's Git repository.
        home: The caller's home folder, which is not named in what is signed.

    Attributes:
        before: What is written before the command to watch it.
        descriptor: Where the events come from; :meth:`take` reads them.
    """

    def __init__(
        self,
        staging: Staging,
        folder: Path,
        repository: CallerRepository | None,
        home: Path | None = None,
    ) -> None:
        pipe = staging.path / "trace"
        try:
            os.mkfifo(pipe, 0o600)
            self.descriptor = os.open(pipe, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise storage_error(error, "making a pipe") from error
        self.before = (_strace() or "strace", *_OPTIONS, "-o", str(pipe), "--")
        self._staging, self._folder = staging.path.resolve(), folder.resolve()
        self._repository, self._home = repository, home
        self._rest = b""
        self._unfinished: dict[bytes, bytes] = {}
        self._reads: set[str] = set()
        self._writes: set[str] = set()
        self._connections: set[str] = set()

    def __enter__(self) -> "Observer":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def take(self) -> None:
        """Read what there is."""
        with contextlib.suppress(BlockingIOError):
            data = self._rest + os.read(self.descriptor, 1 << 20)
            *lines, rest = data.split(b"\n")
            self._rest = rest if len(rest) <= _MAX_LINE else b""
            for line in lines:
                self._note(line)

    def found(self) -> Observation:
        """Return what was seen; files that were read are hashed, as they are now.

        Cost: one read of each file that is listed, up to 1 GiB in all.
        """
        named = frozenset() if self._repository is None else self._repository.files
        top = None if self._repository is None else self._repository.top.resolve()
        reads: dict[str, Digest | None] = {}
        inside: list[str] = []
        room = _MAX_HASHED
        for path in sorted(self._reads - self._writes):
            place = Path(path)
            if top is not None and place.is_relative_to(top):
                short = place.relative_to(top).as_posix()
                if short in named:
                    inside.append(_shown(short))
                    continue
            digest = None
            with contextlib.suppress(OSError):
                size = place.stat().st_size
                if place.is_file() and size <= room:
                    room -= size
                    digest = Digest.of_file(place)
            reads[self._shown(path)] = digest
        writes = sorted({self._shown(path) for path in self._writes})
        return Observation(reads, tuple(inside), tuple(writes), tuple(sorted(self._connections)))

    def _shown(self, path: str) -> str:
        for name, place in (
            ("repository", None if self._repository is None else self._repository.top),
            ("~", self._home),
        ):
            if place is not None and Path(path).is_relative_to(place):
                return _shown(f"{name}/{Path(path).relative_to(place).as_posix()}")
        return _shown(path)

    def _note(self, line: bytes) -> None:
        if paused := _UNFINISHED.fullmatch(line):
            if len(self._unfinished) < _MAX_KNOWN:
                self._unfinished[paused[1]] = paused[2] + b"(" + paused[3]
            return
        if resumed := _RESUMED.fullmatch(line):
            begun = self._unfinished.pop(resumed[1], b"")
            line = resumed[1] + b" " + begun + resumed[3]
        found = _LINE.fullmatch(line)
        if found is None:
            return
        _, name, arguments, result, opened = found.groups()
        if name in _NETWORK:
            self._connect(arguments, failed=result.startswith(b"-"))
        elif result.startswith(b"-") or result == b"?":
            return
        elif name in _OPENED:
            self._open(name, arguments, opened)
        elif name in {b"execve", b"execveat"}:
            for path in list(_paths(arguments, self._folder))[:1]:
                self._read(path)
        else:
            # Of a rename what it is called then, and what is no more under its name.
            both = name.startswith((b"rename", b"link"))
            for path in list(_paths(arguments, self._folder))[: 2 if both else 1]:
                self._write(path)

    def _open(self, name: bytes, arguments: bytes, opened: bytes | None) -> None:
        if opened is None or b"O_PATH" in arguments:
            return
        path = _unescaped(opened).removesuffix(" (deleted)")
        if not path.startswith("/"):
            return
        if name == b"creat" or _WRITES.search(arguments):
            self._write(path)
        elif b"O_DIRECTORY" not in arguments:
            self._read(path)

    def _read(self, path: str) -> None:
        outside = not self._own(path) and not _SYSTEM.match(path) and not _PACKAGES.search(path)
        if outside and len(self._reads) < _MAX_KNOWN and not Path(path).is_dir():
            self._reads.add(path)

    def _write(self, path: str) -> None:
        device = path.startswith(("/dev/", "/proc/"))
        if not device and not self._own(path) and len(self._writes) < _MAX_KNOWN:
            self._writes.add(path)

    def _own(self, path: str) -> bool:
        return Path(path).is_relative_to(self._staging)

    def _connect(self, arguments: bytes, *, failed: bool) -> None:
        host, port, socket = (one.search(arguments) for one in (_HOST, _PORT, _SOCKET))
        if len(self._connections) >= _MAX_KNOWN:
            return
        if host and port:
            self._connections.add(f"{host[1].decode('ascii')} port {port[1].decode('ascii')}")
        elif socket and not failed:
            self._connections.add(f"socket {self._shown(_unescaped(socket[1]))}")


def can_observe(run: Callable[..., Any] = subprocess.run) -> bool:
    """Return whether strace is here and may watch a program."""
    program = _strace()
    if program is None:
        return False
    try:
        done = run(
            [program, *_OPTIONS, "-o", os.devnull, "--", "true"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return bool(done.returncode == 0 and not done.stderr)


def _strace() -> str | None:
    return shutil.which("strace")


def _paths(arguments: bytes, folder: Path) -> Iterator[str]:
    for place, path in _PLACED.findall(arguments):
        base = _unescaped(place) if place else str(folder)
        yield os.path.normpath(os.path.join(base, _unescaped(path)))  # noqa: PTH118 - as written


def _unescaped(text: bytes) -> str:
    def one(found: re.Match[bytes]) -> bytes:
        code = found[1]
        if code[:1].isdigit():
            return bytes([int(code, 8) & 255])
        if code[:1] == b"x":
            return bytes([int(code[1:], 16)])
        return _PLAIN.get(code, code)

    return os.fsdecode(_ESCAPE.sub(one, text))


def _shown(path: str) -> str:
    """Return a path as text that can be signed, whatever its bytes are."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")[:4096]
