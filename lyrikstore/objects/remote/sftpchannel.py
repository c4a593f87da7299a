"""One SFTP channel: paramiko's, with what paramiko leaves out."""

import struct
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import paramiko
from paramiko.sftp import CMD_EXTENDED, CMD_INIT, CMD_VERSION, CMD_WRITE, int64

WINDOW = 64
"""Requests under way at once: 2 MB on a line with a long way."""


class SftpChannel(paramiko.SFTPClient):
    """A channel that knows what its server offers, and that checks every answer to a write.

    paramiko's own pipelined writes drop the answers, failures included.
    """

    extensions: frozenset[str] = frozenset()

    # What paramiko's class has and its type hints have not.
    _async_request: Callable[..., int]
    _read_response: Callable[[int], Any]
    _request: Callable[..., Any]
    _send_packet: Callable[[int, paramiko.Message], None]
    _read_packet: Callable[[], tuple[int, bytes]]

    def upload(self, path: str, pieces: Iterator[bytes]) -> None:
        """Create a file, write it, let the server sync it."""
        file = self.open(path, "wx")
        try:
            waiting: deque[int] = deque()
            at = 0
            for piece in pieces:
                request = (CMD_WRITE, file.handle, int64(at), piece)
                waiting.append(self._async_request(type(None), *request))
                at += len(piece)
                if len(waiting) >= WINDOW:
                    self._read_response(waiting.popleft())
            while waiting:
                self._read_response(waiting.popleft())
            if "fsync@openssh.com" in self.extensions:
                self._request(CMD_EXTENDED, "fsync@openssh.com", file.handle)
            file.chmod(0o444)
        finally:
            file.close()

    def _send_version(self) -> int:
        # As paramiko's, which throws the list of extensions away.
        hello = paramiko.Message()
        hello.add_int(3)
        self._send_packet(CMD_INIT, hello)
        kind, data = self._read_packet()
        if kind != CMD_VERSION or len(data) < 4:
            raise paramiko.SSHException("not an SFTP server")
        rest = paramiko.Message(data[4:])
        names = []
        while rest.get_remainder():
            names.append(rest.get_string().decode("latin-1"))
            rest.get_string()
        self.extensions = frozenset(names)
        return int(struct.unpack(">I", data[:4])[0])
