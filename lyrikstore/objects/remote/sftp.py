"""A store on a machine that one reaches by SSH, over SFTP, with paramiko.

Exclusive create: the content goes to a temporary name, is synced where the server can, and is then
renamed. SFTP's own rename (version 3) must fail if the new name exists; OpenSSH does it with a hard
link, so it is a race that exactly one wins. Replacing uses OpenSSH's ``posix-rename``. SFTP has no
compare-and-swap: writers take turns by a file that they create exclusively, and each replaces only
while it is its turn.

Keys come from ssh-agent and ``~/.ssh``, host keys from ``known_hosts``; an unknown host is refused.
"""

import contextlib
import errno
import logging
import os
import random
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import paramiko

from lyrikstore.canon.errors import NotFoundError, RemoteError, StorageError, storage_error
from lyrikstore.objects.ownfolder import LINKED
from lyrikstore.objects.remote.base import (
    MAX_READ,
    Abilities,
    RemoteBackend,
    broken,
    open_source,
    parse_timeout,
)
from lyrikstore.objects.remote.retrying import Retry, TransientError
from lyrikstore.objects.remote.sftpchannel import STEP, SftpChannel
from lyrikstore.objects.remote.urls import RemoteUrl

# Else logging's last resort writes paramiko's tracebacks to the user's terminal.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

_CHANNELS = 4  # an OpenSSH server allows 10 sessions on one connection
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
        options: See :data:`lyrikstore.objects.remote.urls.OPTIONS`.
    """

    def __init__(
        self, url: RemoteUrl, scratch: Path, retry: Retry, options: dict[str, str]
    ) -> None:
        super().__init__(url, scratch, retry, options)
        self._timeout = parse_timeout(options)
        self._identity = options.get("identity")
        self._known_hosts = options.get("known-hosts")
        self._root = url.path.rstrip("/") or ("/" if url.path else ".")
        self._guard = threading.Lock()
        self._turn = threading.BoundedSemaphore(_CHANNELS)
        self._client: paramiko.SSHClient | None = None
        self._idle: list[SftpChannel] = []
        self._cleaned = False
        self._own: set[str] = set()

    def probe(self) -> Abilities:
        """Try to create one name twice; see :meth:`RemoteBackend.probe`."""
        name = f"{_SCRATCH}/probe-{os.urandom(8).hex()}"
        self.create(name, b"first")
        try:
            with self._channel("probing") as sftp, self._uploaded(sftp, name, b"2") as temporary:
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
        with self._channel(doing) as sftp, sftp.open(self._path(name), "rb") as file:
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
            with self._channel(doing) as sftp:
                found = sftp.lstat(self._path(name))
        except NotFoundError:
            return None
        if not stat.S_ISREG(found.st_mode or 0):
            raise self._failed(doing, "not a regular file")
        return int(found.st_size or 0)

    def _put_new(self, name: str, source: bytes | Path) -> bool:
        with self._channel(f"writing {name}") as sftp:
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
            self._channel(f"writing {name}") as sftp,
            self._uploaded(sftp, name, source) as temporary,
        ):
            sftp.posix_rename(temporary, self._path(name))

    def _swap(self, name: str, expected: bytes, new: bytes) -> bool:
        token = os.urandom(16).hex().encode()
        swapped, doubt = self._attempt(lambda: self._swap_in_turn(name, expected, new, token))
        return swapped or (doubt and self._holds(name, new))

    def _swap_in_turn(self, name: str, expected: bytes, new: bytes, token: bytes) -> bool:
        turn = f"{_SCRATCH}/turn-{name.replace('/', '-')}"
        began = self._take(turn, token)
        doing = f"writing {name}"
        try:
            if not self._is(name, expected):
                return False
            with self._channel(doing) as sftp, self._uploaded(sftp, name, new) as temporary:
                # The last thing before the replacing, so that who was taken for dead keeps still.
                if not self._is(turn, token) or time.monotonic() - began > _LEASE:
                    busy = self._failed(doing, "another writer took the turn")
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
                raise self._failed(f"writing {turn}", "other writers hold the remote")
            time.sleep(random.uniform(0.005, 0.05))  # noqa: S311 - jitter

    def _names(self, folder: str) -> list[str]:
        names: list[str] = []
        with self._channel(f"listing {folder}") as sftp:
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
                    elif stat.S_ISREG(entry.st_mode or 0):
                        names.append(name)
        return [name for name in names if not name.startswith(f"{_SCRATCH}/")]

    def _delete(self, name: str) -> None:
        with contextlib.suppress(NotFoundError), self._channel(f"removing {name}") as sftp:
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
            sftp.upload(temporary, _pieces(source, name))
            yield temporary
        finally:
            with contextlib.suppress(Exception):
                sftp.remove(temporary)

    def _refuse_links(self, sftp: SftpChannel, name: str) -> None:
        # ATTACK A13: see lyrikstore.objects.ownfolder. Looked at once: SFTP has no open folders
        # that a name could be relative to.
        while (name := name.rpartition("/")[0]) and name not in self._own:
            if stat.S_ISLNK(sftp.lstat(self._path(name)).st_mode or 0):
                raise self._failed(
                    f"looking at {name}",
                    "it is a link; nothing is written or deleted through one",
                    kind=LINKED,
                    hint="remove the link if you did not make it",
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
                    f"writing {name}", "there is no folder to make it in", kind="remote-missing"
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

    @contextlib.contextmanager
    def _channel(self, doing: str) -> Iterator[SftpChannel]:
        # A channel of one's own for the time of one operation: paramiko's are not for sharing.
        with self._turn:
            sftp: SftpChannel | None = None
            try:
                sftp = self._open_channel()
                yield sftp
            except StorageError:
                raise  # the file to be sent cannot be read here
            except (paramiko.SSHException, EOFError, OSError) as error:
                self._raise(doing, error, sftp)
            finally:
                if sftp is not None:
                    with self._guard:
                        self._idle.append(sftp)

    def _raise(self, doing: str, error: Exception, sftp: SftpChannel | None) -> NoReturn:
        if isinstance(error, FileNotFoundError) or getattr(error, "errno", 0) == errno.ENOENT:
            raise NotFoundError("no-file", f"{self.url}: {doing}: there is no such file") from None
        if isinstance(error, paramiko.BadHostKeyException):
            raise self._failed(
                doing,
                "the host key is not the one in known_hosts",
                kind="remote-denied",
                hint="if the server was really replaced, remove its line with ssh-keygen -R",
            ) from None
        if isinstance(error, PermissionError | paramiko.AuthenticationException):
            raise self._failed(doing, "the server refuses", kind="remote-denied") from None
        if isinstance(error, _UnknownHostError):
            raise self._failed(
                doing,
                "the host is not in known_hosts",
                kind="remote-denied",
                hint="connect once with ssh and compare the fingerprint",
            ) from None
        if sftp is not None and isinstance(error, OSError) and error.errno is None:
            # SSH_FX_FAILURE is a server's only word for everything else.
            reason = "the server reports a failure; its disk may be full or read-only"
            raise TransientError(self._failed(doing, reason)) from None
        self.close()
        raise TransientError(
            self._failed(doing, broken(error), kind="remote-unreachable")
        ) from None

    def _open_channel(self) -> SftpChannel:
        with self._guard:
            while self._idle:
                sftp = self._idle.pop()
                channel = sftp.get_channel()
                if channel is not None and not channel.closed and not channel.eof_received:
                    return sftp
            if self._client is None:
                self._client = self._connected()
            transport = self._client.get_transport()
            if transport is None:
                raise EOFError
            channel = transport.open_session(timeout=self._timeout)
            channel.settimeout(self._timeout)
            channel.invoke_subsystem("sftp")
            return SftpChannel(channel)

    def _connected(self) -> paramiko.SSHClient:
        class Refuse(paramiko.MissingHostKeyPolicy):
            def missing_host_key(self, *_: Any) -> None:
                raise _UnknownHostError

        client = paramiko.SSHClient()
        if self._known_hosts is None:
            client.load_system_host_keys()
        else:
            client.load_system_host_keys(self._known_hosts)
        client.set_missing_host_key_policy(Refuse())
        known = _ssh_config(self._url.host)
        try:
            client.connect(
                known.get("hostname", self._url.host),
                port=self._url.port or int(known.get("port", 22)),
                username=self._url.user or known.get("user"),
                key_filename=self._identity or known.get("identityfile"),
                timeout=self._timeout,
                banner_timeout=self._timeout,
                auth_timeout=self._timeout,
            )
        except BaseException:
            client.close()
            raise
        transport = client.get_transport()
        if transport is not None:
            transport.set_keepalive(15)
        return client

    def close(self) -> None:
        """End the connection; the next operation opens another."""
        with self._guard:
            self._idle.clear()
            if self._client is not None:
                self._client.close()
            self._client = None


def _ssh_config(host: str) -> dict[str, Any]:
    with contextlib.suppress(OSError, paramiko.SSHException):
        path = Path("~/.ssh/config").expanduser()
        return dict(paramiko.SSHConfig.from_path(str(path)).lookup(host))
    return {}


class _UnknownHostError(OSError):
    """The host's key is in no known_hosts."""


def _exists(sftp: SftpChannel, path: str) -> bool:
    try:
        sftp.lstat(path)
    except FileNotFoundError:
        return False
    return True


def _pieces(source: bytes | Path, name: str) -> Iterator[bytes]:
    if isinstance(source, bytes):
        for at in range(0, len(source), STEP):
            yield source[at : at + STEP]
        return
    with open_source(source, name) as file:
        while True:
            try:
                piece = file.read(STEP)
            except OSError as error:
                raise storage_error(error, f"reading what is to become {name}") from error
            if not piece:
                return
            yield piece
