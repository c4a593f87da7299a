"""Backend for a store on a machine reached by SSH, over SFTP, with paramiko.

Exclusive create: the content is written to a temporary name, synced if the server supports it, and
then renamed. SFTP's own rename (version 3) must fail if the new name exists; OpenSSH does it with a
hard link, so exactly one of several writers succeeds. Replacing uses OpenSSH's ``posix-rename``.
SFTP has no compare-and-swap: writers take turns by a file that they create exclusively, and each
replaces only during its turn.
"""

import contextlib
import os
import random
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from lyrikstore.canon.errors import NotFoundError, RemoteError, storage_error
from lyrikstore.objects.backends.remote import (
    MAX_READ,
    Abilities,
    RemoteBackend,
    open_source,
)
from lyrikstore.objects.backends.retry import Retry, TransientError
from lyrikstore.objects.backends.sftp_channel import STEP, SftpChannel
from lyrikstore.objects.backends.sftp_connection import SftpConnection
from lyrikstore.objects.backends.urls import RemoteUrl
from lyrikstore.objects.io.safe_folder import LINKED

_SCRATCH = "tmp"
_ABANDONED = 7 * 86_400  # seconds after which a temporary file's writer is dead
_LEASE = 20.0  # seconds within which a writer whose turn it is replaces the file, or gives up
_DEAD = 60.0  # seconds of one turn after which others take its writer for dead
_PATIENCE = 600.0  # seconds to wait for a turn


class SftpBackend(RemoteBackend):
    """A store in a folder behind SFTP.

    Args:
        url: Host, user and folder.
        scratch: A local folder.
        retry: How often to try.
        options: See :data:`lyrikstore.objects.backends.urls.OPTIONS`.
    """

    def __init__(
        self, url: RemoteUrl, scratch: Path, retry: Retry, options: dict[str, str]
    ) -> None:
        super().__init__(url, scratch, retry, options)
        self._connection = SftpConnection(url, options, self._failed)
        self._root = url.path.rstrip("/") or ("/" if url.path else ".")
        self._cleaned = False
        self._own: set[str] = set()

    def probe(self) -> Abilities:
        """Try to create one name twice; see :meth:`RemoteBackend.probe`."""
        name = f"{_SCRATCH}/probe-{os.urandom(8).hex()}"
        self.create(name, b"first")
        try:
            with (
                self._connection.channel("probing") as sftp,
                self._uploaded(sftp, name, b"2") as temporary,
            ):
                try:
                    sftp.rename(temporary, self._path(name))
                    creates = False
                except OSError:
                    creates = True
        finally:
            self.remove(name)
        return Abilities(writable=True, creates=creates, swaps=creates)

    def _get(self, name: str, start: int, length: int | None) -> bytes:
        doing = f"reading {name}"
        with self._connection.channel(doing) as sftp:
            # ATTACK: a FIFO would keep the server, and us, waiting for somebody who writes to it.
            if not stat.S_ISREG(sftp.lstat(self._path(name)).st_mode or 0):
                raise self._failed(doing, "not a regular file")
            return self._download(sftp, name, start, length)

    def _download(self, sftp: SftpChannel, name: str, start: int, length: int | None) -> bytes:
        doing = f"reading {name}"
        with sftp.open(self._path(name), "rb") as file:
            found = file.stat()
            if not stat.S_ISREG(found.st_mode or 0):
                raise self._failed(doing, "not a regular file")
            there = max(0, (found.st_size or 0) - start)
            wanted = there if length is None else min(length, there)
            if wanted > MAX_READ and length is None:
                raise self._failed(doing, "the file is too large")
            if not wanted:
                return b""
            data = sftp.download(file, start, wanted)
            if len(data) != wanted:
                raise TransientError(self._failed(doing, "the answer was cut short"))
            return data

    def _head(self, name: str) -> int | None:
        doing = f"looking for {name}"
        try:
            with self._connection.channel(doing) as sftp:
                found = sftp.lstat(self._path(name))
        except NotFoundError:
            return None
        if not stat.S_ISREG(found.st_mode or 0):
            raise self._failed(doing, "not a regular file")
        return int(found.st_size or 0)

    def _put_new(self, name: str, source: bytes | Path) -> bool:
        with self._connection.channel(f"writing {name}") as sftp:
            if _exists(sftp, self._path(name)):
                return False
            with self._uploaded(sftp, name, source) as temporary:
                try:
                    sftp.rename(temporary, self._path(name))
                except OSError:
                    # SFTP has no number for "exists"; ask whether that is the reason.
                    if _exists(sftp, self._path(name)):
                        return False
                    raise
        return True

    def _put(self, name: str, source: bytes | Path) -> None:
        with (
            self._connection.channel(f"writing {name}") as sftp,
            self._uploaded(sftp, name, source) as temporary,
        ):
            sftp.posix_rename(temporary, self._path(name))

    def _swap(self, name: str, expected: bytes, new: bytes) -> bool:
        token = os.urandom(16).hex().encode()
        swapped, uncertain = self._attempt(lambda: self._swap_in_turn(name, expected, new, token))
        return swapped or (uncertain and self._holds(name, new))

    def _swap_in_turn(self, name: str, expected: bytes, new: bytes, token: bytes) -> bool:
        turn = f"{_SCRATCH}/turn-{name.replace('/', '-')}"
        began = self._take(turn, token)
        doing = f"writing {name}"
        try:
            if not self._is(name, expected):
                return False
            with (
                self._connection.channel(doing) as sftp,
                self._uploaded(sftp, name, new) as temporary,
            ):
                # The last thing before the replacing, so that who was taken for dead keeps still.
                if not self._is(turn, token) or time.monotonic() - began > _LEASE:
                    busy = self._failed(doing, "another writer has the turn")
                    raise TransientError(busy, refused=True)
                sftp.posix_rename(temporary, self._path(name))
        finally:
            with contextlib.suppress(TransientError, RemoteError):
                if self._is(turn, token):
                    self._delete(turn)
        return True

    def _is(self, name: str, content: bytes) -> bool:
        try:
            return self._get(name, 0, len(content) + 1) == content
        except NotFoundError:
            return False

    def _take(self, turn: str, token: bytes) -> float:
        # Wait for the turn, and return when it began. No clock but this machine's is looked at,
        # and of that only how long the same turn lasts.
        first = seen = time.monotonic()
        holder = b""
        while True:
            began = time.monotonic()
            if self._put_new(turn, token):
                return began
            try:
                now = self._get(turn, 0, 100)
            except NotFoundError:
                continue
            if now == token:  # taken by a try whose answer was lost
                return began
            if now != holder:
                holder, seen = now, time.monotonic()
            elif time.monotonic() - seen > _DEAD:
                self._delete(turn)
            if time.monotonic() - first > _PATIENCE:
                raise self._failed(f"writing {turn}", "other writers keep the remote locked")
            time.sleep(random.uniform(0.005, 0.05))  # noqa: S311 - jitter

    def _names(self, folder: str) -> Sequence[str]:
        doing = f"listing {folder}"
        with self._connection.channel(doing) as sftp:
            return self._bounded(self._found(sftp, folder), doing)

    def _found(self, sftp: SftpChannel, folder: str) -> Iterator[str]:
        waiting = [folder]
        while waiting:
            inside = waiting.pop()
            try:
                entries = sftp.listdir_attr(self._path(inside) if inside else self._root)
            except FileNotFoundError:
                continue
            for entry in entries:
                name = f"{inside}/{entry.filename}" if inside else entry.filename
                if stat.S_ISDIR(entry.st_mode or 0):
                    waiting.append(name)
                elif stat.S_ISREG(entry.st_mode or 0) and not name.startswith(f"{_SCRATCH}/"):
                    yield name

    def _delete(self, name: str) -> None:
        with (
            contextlib.suppress(NotFoundError),
            self._connection.channel(f"removing {name}") as sftp,
        ):
            self._refuse_links(sftp, name)
            sftp.remove(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    @contextlib.contextmanager
    def _uploaded(self, sftp: SftpChannel, name: str, source: bytes | Path) -> Iterator[str]:
        # A complete, synced file under a temporary name; removed if it still has it afterwards.
        for parent in (name, f"{_SCRATCH}/x"):
            self._make_parents(sftp, parent)
        self._clean(sftp)
        temporary = self._path(f"{_SCRATCH}/{os.urandom(16).hex()}")
        try:
            sftp.upload(temporary, _parts(source, name))
            yield temporary
        finally:
            with contextlib.suppress(Exception):
                sftp.remove(temporary)

    def _refuse_links(self, sftp: SftpChannel, name: str) -> None:
        # ATTACK A13: see lyrikstore.objects.io.safe_folder. Looked at once: SFTP has no open
        # folders that a name could be relative to.
        while (name := name.rpartition("/")[0]) and name not in self._own:
            if stat.S_ISLNK(sftp.lstat(self._path(name)).st_mode or 0):
                raise self._failed(
                    f"checking {name}",
                    "it is a link; nothing is written or deleted through one",
                    kind=LINKED,
                    hint="remove the link if you did not create it",
                )
            self._own.add(name)

    def _make_parents(self, sftp: SftpChannel, name: str) -> None:
        missing = []
        folder = name.rpartition("/")[0]
        while folder and not _exists(sftp, self._path(folder)):
            missing.append(self._path(folder))
            folder = folder.rpartition("/")[0]
        if not folder and not _exists(sftp, self._root):
            missing.append(self._root)
        for path in reversed(missing):
            try:
                sftp.mkdir(path)
            except FileNotFoundError:
                raise self._failed(
                    f"writing {name}", "its parent folder does not exist", kind="remote-missing"
                ) from None
            except OSError:
                if not _exists(sftp, path):  # else another writer made it meanwhile
                    raise
        self._refuse_links(sftp, name)

    def _clean(self, sftp: SftpChannel) -> None:
        # Once per connection: what writers that died left behind, by the server's own clock.
        if self._cleaned:
            return
        self._cleaned = True
        with contextlib.suppress(OSError):
            probe = self._path(f"{_SCRATCH}/{os.urandom(16).hex()}")
            sftp.upload(probe, iter(()))
            now = sftp.stat(probe).st_mtime or 0
            for entry in sftp.listdir_attr(self._path(_SCRATCH)):
                path = self._path(f"{_SCRATCH}/{entry.filename}")
                if path == probe or now - (entry.st_mtime or now) > _ABANDONED:
                    sftp.remove(path)

    def close(self) -> None:
        """Close the connection; the next operation opens a new one."""
        self._connection.close()


def _exists(sftp: SftpChannel, path: str) -> bool:
    try:
        sftp.lstat(path)
    except FileNotFoundError:
        return False
    return True


def _parts(source: bytes | Path, name: str) -> Iterator[bytes]:
    if isinstance(source, bytes):
        for at in range(0, len(source), STEP):
            yield source[at : at + STEP]
        return
    with open_source(source, name) as file:
        while True:
            try:
                part = file.read(STEP)
            except OSError as error:
                raise storage_error(error, f"reading the source of {name}") from error
            if not part:
                return
            yield part
