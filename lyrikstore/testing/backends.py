# ruff: noqa: S101 - this is a test suite that ships
"""Tests for storage backends: the suite that a backend must pass, and a backend that fails.

A third-party backend runs the suite like this::

    class TestMyBackend(BackendContract):
        def make(self, scratch: Path) -> Backend:
            return MyBackend(..., scratch=scratch)
"""

import hashlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import pytest

from lyrikstore.canon.errors import InvalidInputError, NotFoundError, StorageError
from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.backends.memory import MemoryBackend

__all__ = ["BackendContract", "CrashError", "FaultyBackend", "MemoryBackend"]


class CrashError(BaseException):
    """The simulated crash of a process; no code may catch it."""


class FaultyBackend:
    """A backend whose ``n``-th operation fails, and after a simulated crash all later ones.

    Args:
        inner: The backend that does the work.
        fail_at: Number of the operation that fails, from 1; 0 for none.
        fault: The kind of :class:`StorageError` to raise, or ``crash`` for :class:`CrashError`.
        after: Whether the operation takes effect before it fails.
    """

    def __init__(
        self,
        inner: Backend,
        fail_at: int,
        fault: Literal["disk-full", "read-only", "io", "crash"] = "io",
        *,
        after: bool = False,
    ) -> None:
        self.inner = inner
        self.fail_at = fail_at
        self.fault = fault
        self.after = after
        self.operations = 0

    @property
    def scratch(self) -> Path:
        """The folder of the inner backend."""
        return self.inner.scratch

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Return bytes of a file, or fail."""
        self._count(f"reading {name}", before=True)
        return self.inner.read(name, start, length)

    def size(self, name: str) -> int | None:
        """Return a file's size, or fail."""
        self._count(f"looking for {name}", before=True)
        return self.inner.size(name)

    def create(self, name: str, source: bytes | Path) -> bool:
        """Create a file, or fail before or after."""
        self._count(f"writing {name}", before=not self.after)
        created = self.inner.create(name, source)
        self._check(f"writing {name}")
        return created

    def replace(self, name: str, source: bytes | Path) -> None:
        """Replace a file, or fail before or after."""
        self._count(f"writing {name}", before=not self.after)
        self.inner.replace(name, source)
        self._check(f"writing {name}")

    def swap(self, name: str, expected: bytes | None, new: bytes) -> bool:
        """Replace a file if it is unchanged, or fail before or after."""
        self._count(f"writing {name}", before=not self.after)
        swapped = self.inner.swap(name, expected, new)
        self._check(f"writing {name}")
        return swapped

    def list(self, prefix: str) -> Iterator[str]:
        """Yield names, or fail."""
        self._count(f"listing {prefix}", before=True)
        return self.inner.list(prefix)

    def remove(self, name: str) -> None:
        """Remove a file, or fail before or after."""
        self._count(f"removing {name}", before=not self.after)
        self.inner.remove(name)
        self._check(f"removing {name}")

    def _count(self, doing: str, *, before: bool) -> None:
        self.operations += 1
        dead = self.fault == "crash" and 0 < self.fail_at < self.operations
        if dead or (before and self.operations == self.fail_at):
            self._fail(doing)

    def _check(self, doing: str) -> None:
        if self.after and self.operations == self.fail_at:
            self._fail(doing)

    def _fail(self, doing: str) -> None:
        if self.fault == "crash":
            raise CrashError(doing)
        raise StorageError(self.fault, f"{doing}: simulated failure", hint="none, it is a test")


class BackendContract:
    """The test suite. Subclass it as ``TestSomething`` and override :meth:`make`."""

    def make(self, scratch: Path) -> Backend:
        """Return a new empty backend whose scratch folder is on its own or ``scratch``."""
        raise NotImplementedError

    @pytest.fixture
    def backend(self, tmp_path: Path) -> Backend:
        """Return the backend under test."""
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        return self.make(scratch)

    def test_create_then_read(self, backend: Backend) -> None:
        """A created file is read back unchanged, whole and in ranges."""
        assert backend.create("packs/ab/cd.pack", b"0123456789")
        assert backend.read("packs/ab/cd.pack") == b"0123456789"
        assert backend.read("packs/ab/cd.pack", 3) == b"3456789"
        assert backend.read("packs/ab/cd.pack", 3, 4) == b"3456"
        assert backend.read("packs/ab/cd.pack", 8, 100) == b"89"
        assert backend.read("packs/ab/cd.pack", 10, 5) == b""
        assert backend.read("packs/ab/cd.pack", 50, 5) == b""
        assert backend.read("packs/ab/cd.pack", 0, 1 << 40) == b"0123456789"

    def test_empty_file(self, backend: Backend) -> None:
        """An empty file is a file."""
        assert backend.create("tx/a", b"")
        assert backend.read("tx/a") == b""
        assert list(backend.list("tx/")) == ["tx/a"]

    def test_create_is_exclusive(self, backend: Backend) -> None:
        """The second creation changes nothing and returns False."""
        assert backend.create("tx/a", b"first")
        assert not backend.create("tx/a", b"second")
        assert backend.read("tx/a") == b"first"

    def test_create_from_a_file(self, backend: Backend, tmp_path: Path) -> None:
        """A file in the scratch folder or another folder is stored, and may be removed."""
        backend.scratch.mkdir(parents=True, exist_ok=True)
        for number, path in enumerate((backend.scratch / "one", tmp_path / "two")):
            path.write_bytes(b"x" * 3_000_000)
            assert backend.create(f"packs/{number}", path)
            assert not backend.create(f"packs/{number}", path)
            path.unlink()
            assert backend.read(f"packs/{number}") == b"x" * 3_000_000

    def test_one_winner(self, backend: Backend) -> None:
        """Of 32 creators in 16 threads exactly one wins, and its bytes stay."""
        with ThreadPoolExecutor(16) as pool:
            won = list(pool.map(lambda n: backend.create("tx/slot", b"%d" % n), range(32)))
        assert won.count(True) == 1
        assert backend.read("tx/slot") == b"%d" % won.index(True)

    def test_size(self, backend: Backend) -> None:
        """The size is known without reading; it is None for a missing file."""
        assert backend.size("packs/a") is None
        backend.create("packs/a", b"x" * 70_000)
        assert backend.size("packs/a") == 70_000
        backend.replace("packs/a", b"")
        assert backend.size("packs/a") == 0
        backend.remove("packs/a")
        assert backend.size("packs/a") is None

    def test_swap(self, backend: Backend) -> None:
        """A swap succeeds only if the expected content is the current one."""
        assert not backend.swap("log/checkpoint", b"something", b"one")
        assert backend.swap("log/checkpoint", None, b"one")
        assert not backend.swap("log/checkpoint", None, b"two")
        assert not backend.swap("log/checkpoint", b"on", b"two")
        assert not backend.swap("log/checkpoint", b"one and more", b"two")
        assert backend.read("log/checkpoint") == b"one"
        assert backend.swap("log/checkpoint", b"one", b"two")
        assert backend.read("log/checkpoint") == b"two"

    def test_no_increment_is_lost(self, backend: Backend) -> None:
        """A counter that 8 threads move 24 times by swaps ends at 24.

        The contents differ: two callers who write the same content may both get True.
        """
        backend.create("log/counter", b"0 nobody")

        def increment(number: int) -> None:
            for attempt in range(500):
                before = backend.read("log/counter")
                count = int(before.split()[0])
                if backend.swap("log/counter", before, b"%d %d" % (count + 1, number)):
                    return
                time.sleep(0.002 * (attempt % 7 + number % 5))
            raise AssertionError("never got a turn")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(increment, range(24)))
        assert backend.read("log/counter").split()[0] == b"24"

    def test_every_name_is_listed_after_writing(self, backend: Backend) -> None:
        """All 1,100 names written by 8 threads are in the list."""
        names = [f"packs/{number % 7}/{number:04x}" for number in range(1100)]
        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(lambda name: backend.create(name, b"x"), names))
        assert list(backend.list("packs/")) == sorted(names)

    @pytest.mark.parametrize("name", ["a", "-", "_", "tx/0.1-2_3", "a/b/c/d/e/f", "x" * 200])
    def test_names(self, backend: Backend, name: str) -> None:
        """Every name of the grammar works, up to 200 bytes."""
        assert backend.create(name, name.encode())
        assert backend.read(name) == name.encode()
        assert list(backend.list("")) == [name]

    def test_sizes(self, backend: Backend) -> None:
        """Files with sizes around usual block and part sizes are read back whole and in ranges."""
        for size in (1, 4095, 32768, 32769, 1 << 20, (5 << 20) + 1000):
            data = hashlib.shake_128(b"%d" % size).digest(size)
            assert backend.create(f"packs/{size}", data)
            assert backend.read(f"packs/{size}") == data
            middle = size // 2
            assert backend.read(f"packs/{size}", middle, 4) == data[middle : middle + 4]
            assert backend.size(f"packs/{size}") == size

    def test_replace(self, backend: Backend, tmp_path: Path) -> None:
        """The new content is complete, whether or not the file existed before."""
        backend.replace("log/checkpoint", b"one")
        backend.replace("log/checkpoint", b"two")
        assert backend.read("log/checkpoint") == b"two"
        path = tmp_path / "three"
        path.write_bytes(b"three")
        backend.replace("log/checkpoint", path)
        path.unlink()
        assert backend.read("log/checkpoint") == b"three"

    def test_replace_is_never_seen_half_done(self, backend: Backend) -> None:
        """A reader sees the old or the new content, never a part."""
        contents = [bytes([65 + number]) * 200_000 for number in range(8)]
        backend.replace("log/checkpoint", contents[0])

        def write() -> None:
            for content in contents:
                backend.replace("log/checkpoint", content)

        thread = threading.Thread(target=write)
        thread.start()
        seen = [backend.read("log/checkpoint") for _ in range(40)]
        thread.join()
        assert set(seen) <= set(contents)

    def test_list(self, backend: Backend) -> None:
        """Names are listed in order, by prefix, at any depth, and only files."""
        names = ["log/tile/0/000", "packs/ab/1", "packs/ab/2", "packs/ac/1", "tx/1"]
        for name in reversed(names):
            backend.create(name, b"x")
        assert list(backend.list("packs/")) == names[1:4]
        assert list(backend.list("packs/ab/")) == names[1:3]
        assert list(backend.list("packs/a")) == names[1:4]
        assert list(backend.list("log/")) == names[:1]
        assert list(backend.list("nothing/")) == []

    def test_remove(self, backend: Backend) -> None:
        """A removed file is missing; removing it again is not an error."""
        backend.create("packs/a", b"x")
        backend.remove("packs/a")
        backend.remove("packs/a")
        assert list(backend.list("packs/")) == []
        with pytest.raises(NotFoundError):
            backend.read("packs/a")

    def test_missing(self, backend: Backend) -> None:
        """Reading a missing file raises `no-file`."""
        with pytest.raises(NotFoundError) as caught:
            backend.read("tx/none")
        assert caught.value.kind == "no-file"

    @pytest.mark.parametrize(
        "name",
        [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a//b",
            "a/",
            ".hidden",
            "A",
            "a\\b",
            "a\0b",
            "é",
            "a\n",
            "x" * 300,
        ],
    )
    def test_hostile_names(self, backend: Backend, name: str) -> None:
        """A name that could leave the store, or mean two things, is refused by every method."""
        for act in (
            lambda: backend.read(name),
            lambda: backend.create(name, b""),
            lambda: backend.replace(name, b""),
            lambda: backend.remove(name),
        ):
            with pytest.raises(InvalidInputError):
                act()
