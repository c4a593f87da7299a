"""One SFTP channel: paramiko's channel with checked answers and fast transfers."""

import struct
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import paramiko
from paramiko.sftp import (
    CMD_DATA,
    CMD_EXTENDED,
    CMD_INIT,
    CMD_READ,
    CMD_VERSION,
    CMD_WRITE,
    int64,
)

STEP = 32_000
"""Number of bytes that every server accepts or returns in one request."""

_WINDOW = 64  # requests under way at once: 2 MB on a line with a long way


class SftpChannel(paramiko.SFTPClient):
    """A channel that knows its server's extensions, and checks every answer.

    paramiko's own pipelined writes ignore the answers, failures included, and its pipelined reads
    take minutes for a large pack.
    """

    extensions: frozenset[str] = frozenset()

    # What paramiko's class has and its type hints have not.
    _async_request: Callable[..., int]
    _read_response: Callable[[int], Any]
    _request: Callable[..., Any]
    _send_packet: Callable[[int, paramiko.Message], None]
    _read_packet: Callable[[], tuple[int, bytes]]

    def upload(self, path: str, parts: Iterator[bytes]) -> None:
        """Create a file, write it, and let the server sync it."""
        file = self.open(path, "wx")
        try:
            waiting: deque[int] = deque()
            at = 0
            for part in parts:
                request = (CMD_WRITE, file.handle, int64(at), part)
                waiting.append(self._async_request(type(None), *request))
                at += len(part)
                if len(waiting) >= _WINDOW:
                    self._read_response(waiting.popleft())
            while waiting:
                self._read_response(waiting.popleft())
            if "fsync@openssh.com" in self.extensions:
                self._request(CMD_EXTENDED, "fsync@openssh.com", file.handle)
            file.chmod(0o444)
        finally:
            file.close()

    def download(self, file: paramiko.SFTPFile, start: int, length: int) -> bytes:
        """Return bytes of an open file; fewer at its end."""
        parts: list[bytes] = []
        waiting: deque[tuple[int, int]] = deque()
        at = asked = start
        while waiting or asked < start + length:
            while asked < start + length and len(waiting) < _WINDOW:
                size = min(STEP, start + length - asked)
                request = (CMD_READ, file.handle, int64(asked), size)
                waiting.append((self._async_request(type(None), *request), size))
                asked += size
            number, size = waiting.popleft()
            parts.append(self._part(number, size))
            at += len(parts[-1])
            if len(parts[-1]) < size:  # a server may give less: what is under way lies wrong
                while waiting:
                    self._part(*waiting.popleft())
                asked = at if parts[-1] else start + length
        return b"".join(parts)

    def _part(self, number: int, size: int) -> bytes:
        try:
            kind, answer = self._read_response(number)
        except EOFError:
            return b""
        part = bytes(answer.get_string()) if kind == CMD_DATA else b""
        if kind != CMD_DATA or len(part) > size:
            raise paramiko.SSHException("an answer to another request")
        return part

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
