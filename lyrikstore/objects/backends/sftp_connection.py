"""The SSH connection to a remote, and the SFTP channels on it.

Keys come from ssh-agent and ``~/.ssh``, host keys from ``known_hosts``; an unknown host is refused.
"""

import contextlib
import errno
import getpass
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import paramiko

from lyrikstore.canon.errors import NotFoundError, RemoteError, StorageError
from lyrikstore.objects.backends.remote import broken, parse_timeout
from lyrikstore.objects.backends.retry import TransientError
from lyrikstore.objects.backends.sftp_channel import SftpChannel
from lyrikstore.objects.backends.urls import RemoteUrl

# Else logging's last resort writes paramiko's tracebacks to the user's terminal.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

_CHANNELS = 4  # an OpenSSH server allows 10 sessions on one connection


class SftpConnection:
    """One connection, opened on demand. Safe to use from several threads.

    Args:
        url: Host and user.
        options: See :data:`lyrikstore.objects.backends.urls.OPTIONS`.
        failed: Returns the error for a failed operation and its reason.
    """

    def __init__(
        self, url: RemoteUrl, options: dict[str, str], failed: Callable[..., RemoteError]
    ) -> None:
        self._url = url
        self._failed = failed
        self._timeout = parse_timeout(options)
        self._identity = options.get("identity")
        self._known_hosts = options.get("known-hosts")
        self._guard = threading.Lock()
        self._turn = threading.BoundedSemaphore(_CHANNELS)
        self._client: paramiko.SSHClient | None = None
        self._idle: list[SftpChannel] = []

    @contextlib.contextmanager
    def channel(self, doing: str) -> Iterator[SftpChannel]:
        """Provide a channel for one operation, because paramiko's channels cannot be shared.

        Args:
            doing: Description of the operation, for messages.

        Raises:
            NotFoundError: (``no-file``) the file of the operation does not exist.
            RemoteError: The server refuses the operation.
            TransientError: It failed, and a retry may succeed.
        """
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

    def close(self) -> None:
        """Close the connection; the next operation opens a new one."""
        with self._guard:
            self._idle.clear()
            if self._client is not None:
                self._client.close()
            self._client = None

    def _raise(self, doing: str, error: Exception, sftp: SftpChannel | None) -> NoReturn:
        if isinstance(error, FileNotFoundError) or getattr(error, "errno", 0) == errno.ENOENT:
            raise NotFoundError("no-file", f"{self._url}: {doing}: there is no such file") from None
        if isinstance(error, paramiko.BadHostKeyException):
            raise self._failed(
                doing,
                "the host key is not the one in known_hosts",
                kind="remote-denied",
                hint="if the server was really replaced, remove its old key with ssh-keygen -R",
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
            reason = "the server reported a failure; its disk may be full or read-only"
            raise TransientError(self._failed(doing, reason)) from None
        self.close()
        raise TransientError(
            self._failed(doing, broken(error), kind="remote-unreachable")
        ) from None

    def _own_name(self) -> str:
        try:
            return getpass.getuser()
        except (KeyError, OSError):  # as processes in containers often are
            raise self._failed(
                "connecting",
                "this machine has no name for the current user",
                kind="remote-denied",
                hint=f"name the user to log in as: sftp://USER@{self._url.host}/PATH",
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
                username=self._url.user or known.get("user") or self._own_name(),
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


def _ssh_config(host: str) -> dict[str, Any]:
    # A user without a home folder has no such file: a RuntimeError, of expanduser.
    with contextlib.suppress(OSError, RuntimeError, paramiko.SSHException):
        path = Path("~/.ssh/config").expanduser()
        return dict(paramiko.SSHConfig.from_path(str(path)).lookup(host))
    return {}


class _UnknownHostError(OSError):
    """The host's key is not in any known_hosts file."""
