"""Base class of all remotes: retries, and distinguishing a lost answer from a lost race."""

import re
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, TypeVar

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError, RemoteError, storage_error
from lyrikstore.objects.backends.base import check_name
from lyrikstore.objects.backends.retry import Retry, TransientError
from lyrikstore.objects.backends.urls import RemoteUrl

T = TypeVar("T")

MAX_READ = 256 << 20
"""Maximum bytes of one read: twice the largest pack, for any length that a server announces."""
MAX_NAMES = 1 << 20
"""Maximum number of names in one listing: the packs of 64 TB."""
SLOWEST = 16 << 10
"""Minimum bytes per second, after the first timeout: a slower server is disconnected."""
_STEP = 8 << 20


class Abilities(Struct, frozen=True):
    """The abilities of a remote.

    Attributes:
        writable: Whether it can be written.
        creates: Whether exclusive create is reliable, so that several writers may push at once.
        swaps: Whether compare-and-swap is reliable; else two writers may replace the log
            checkpoint one after the other, and the older one stays until the next push.
    """

    writable: bool
    creates: bool
    swaps: bool


class RemoteBackend(ABC):
    """A store on another machine: a :class:`~lyrikstore.objects.backends.base.Backend`.

    Subclasses send one request in each of their methods, except :meth:`_swap`, and return, or raise
    :class:`NotFoundError`, :class:`RemoteError`, or :class:`TransientError` for a failure that may
    be retried. Names are checked before these methods are called.

    Nothing read here is verified: a server may lie about content and size, so callers hash the
    bytes they get. Whether a file exists is asked of the server each time, never of a listing.

    Args:
        url: URL of the store.
        scratch: A local folder for unfinished files.
        retry: The retry policy.
        options: Its options; never a secret.
    """

    def __init__(
        self,
        url: RemoteUrl,
        scratch: Path,
        retry: Retry,
        options: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.options = dict(options)
        self._url = url
        self._scratch = scratch
        self._retry = retry

    @property
    def url(self) -> str:
        """The URL of the store, without secrets."""
        return str(self._url)

    @property
    def scratch(self) -> Path:
        """The local scratch folder."""
        return self._scratch

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Return bytes of a file; see :meth:`Backend.read`.

        Raises:
            NotFoundError: (``no-file``) there is no such file.
            RemoteError: The remote cannot be reached, refuses, or fails repeatedly.

        Cost:
            One request; memory for the returned bytes.
        """
        check_name(name)
        if length == 0:
            length, whole = 1, b""  # whether it is there still has to be asked
            self._try(lambda: self._get(name, start, length))
            return whole
        data = self._try(lambda: self._get(name, start, length))
        if len(data) > (MAX_READ if length is None else length):
            raise self._failed(f"reading {name}", "it sent more than was requested")
        return data

    def size(self, name: str) -> int | None:
        """Return the size of a file, or None if there is none; see :meth:`Backend.size`."""
        check_name(name)
        return self._try(lambda: self._head(name))

    def create(self, name: str, source: bytes | Path) -> bool:
        """Create a file exclusively; see :meth:`Backend.create`.

        After a lost answer the file is read back. So if another caller creates the same name with
        identical content, both may get True.
        """
        check_name(name)
        created, uncertain = self._attempt(lambda: self._put_new(name, source))
        return created or (uncertain and self._holds(name, source))

    def replace(self, name: str, source: bytes | Path) -> None:
        """Replace a file atomically; see :meth:`Backend.replace`."""
        check_name(name)
        self._try(lambda: self._put(name, source))

    def swap(self, name: str, expected: bytes | None, new: bytes) -> bool:
        """Replace a small file if it is unchanged; see :meth:`Backend.swap`."""
        check_name(name)
        if expected is None:
            return self.create(name, new)
        return self._swap(name, expected, new)

    def list(self, prefix: str) -> Iterator[str]:
        """Yield names in order; see :meth:`Backend.list`."""
        folder = prefix.rpartition("/")[0]
        if folder:
            check_name(folder)
        yield from sorted(
            name for name in self._try(lambda: self._names(folder)) if name.startswith(prefix)
        )

    def remove(self, name: str) -> None:
        """Remove a file; see :meth:`Backend.remove`."""
        check_name(name)
        self._try(lambda: self._delete(name))

    @abstractmethod
    def probe(self) -> Abilities:
        """Test the server with a small file under ``tmp/``, which is removed; return its abilities.

        Raises:
            RemoteError: It cannot be reached, or it refuses the credentials.
        """

    @abstractmethod
    def _get(self, name: str, start: int, length: int | None) -> bytes:
        """Return bytes of a file."""

    @abstractmethod
    def _head(self, name: str) -> int | None:
        """Return the size of a file in bytes; None: there is no such file."""

    @abstractmethod
    def _put_new(self, name: str, source: bytes | Path) -> bool:
        """Create a file unless it exists."""

    @abstractmethod
    def _put(self, name: str, source: bytes | Path) -> None:
        """Create or replace a file."""

    @abstractmethod
    def _swap(self, name: str, expected: bytes, new: bytes) -> bool:
        """Replace a file if its content is still ``expected``; sends requests with retries."""

    @abstractmethod
    def _names(self, folder: str) -> Sequence[str]:
        """Return the names of all files at any depth below ``folder``."""

    @abstractmethod
    def _delete(self, name: str) -> None:
        """Remove a file."""

    def _bounded(self, names: Iterable[str], doing: str) -> Sequence[str]:
        # ATTACK A07: a list that always has another page.
        found = list(islice(names, MAX_NAMES + 1))
        if len(found) > MAX_NAMES:
            raise self._failed(doing, f"it lists more than {MAX_NAMES} names")
        return found

    def _try(self, act: Callable[[], T]) -> T:
        return self._retry.run(act)

    def _attempt(self, act: Callable[[], bool]) -> tuple[bool, bool]:
        # The outcome, and whether a try that seemed to fail may have had effect.
        uncertain = False

        def attempt() -> bool:
            nonlocal uncertain
            try:
                return act()
            except TransientError as failed:
                uncertain = uncertain or not failed.refused
                raise

        return self._try(attempt), uncertain

    def _holds(self, name: str, source: bytes | Path) -> bool:
        # Whether the file there has the content of `source`, read in steps.
        if isinstance(source, bytes):
            return self.read(name, 0, len(source) + 1) == source
        with open_source(source, name) as file:
            at = 0
            while True:
                step = file.read(_STEP)
                if self.read(name, at, len(step) or 1) != step:
                    return False
                if not step:
                    return True
                at += len(step)

    def _failed(
        self, doing: str, reason: str, *, kind: str = "remote-failed", hint: str = ""
    ) -> RemoteError:
        return RemoteError(kind, f"{self.url}: {doing}: {reason}", hint=hint or HINTS.get(kind, ""))


HINTS = {
    "remote-unreachable": "check the network and the URL, then run the command again; "
    "what was transferred stays",
    "remote-denied": "check the credentials; docs/remotes.md says where each kind of remote "
    "finds them",
    "remote-failed": "run the command again; what was transferred stays",
    "remote-full": "free space on the remote, then run the command again",
    "remote-missing": "create the bucket or folder first, or correct the URL",
    "remote-read-only": "push over another URL of the store, such as sftp:// or s3://",
    "remote-clock": "set this machine's clock; the server refuses requests that are minutes off",
}
"""The next step, by kind of error."""


def broken(error: Exception) -> str:
    """Return the reason of a failed connection, as far as the system reports it."""
    inner = getattr(error, "errors", None)  # paramiko's, one for each address that was tried
    first = next(iter(inner.values()), error) if isinstance(inner, dict) else error
    if isinstance(first, socket.gaierror):
        return "there is no such host"
    if isinstance(first, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(first, TimeoutError):
        return "it does not answer"
    return "the connection failed"


def open_source(path: Path, name: str) -> BinaryIO:
    """Open a file to be sent.

    Raises:
        StorageError: It cannot be read.
    """
    try:
        return path.open("rb")
    except OSError as error:
        raise storage_error(error, f"reading the source of {name}") from error


def parse_timeout(options: dict[str, str]) -> int:
    """Return the option ``timeout``: the maximum number of seconds without a byte.

    Raises:
        InvalidInputError: (``bad-option``) it is not a number from 1 to 9999.
    """
    seconds = options.get("timeout", "30")
    if not re.fullmatch(r"[1-9][0-9]{0,3}", seconds):
        raise InvalidInputError("bad-option", "timeout is a number of seconds, 1 to 9999")
    return int(seconds)
