"""Where a command connected to, by what strace says of its sockets (spec §13.13.3).

Processes of one command that talk to each other, such as the ranks of ``torchrun``, use no network:
what one of them listens at is not listed.
"""

import contextlib
import os
import re
import socket
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from msgspec import Struct

CALLS = ("connect", "sendto", "sendmsg", "sendmmsg", "bind", "listen", "getsockname", "setsockopt")
"""System calls that :class:`Connections` takes."""

_TRIES = frozenset({b"connect", b"sendto", b"sendmsg", b"sendmmsg"})
_MAX_KNOWN = 200_000
_PORT = re.compile(rb"sin6?_port=htons\((\d+)\)")
_HOST = re.compile(rb'(?:inet_addr\(|inet_pton\(AF_INET6, )"([0-9a-fA-F:.]+)"')
_PATH = re.compile(rb'sun_path=(@?)"((?:[^"\\]|\\.)*)"')
_INODE = re.compile(rb"\d+<socket:\[(\d+)\]>")
_ONLY_6 = re.compile(rb"IPV6_V6ONLY, \[[^0]")
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_PLAIN = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}


class _Address(Struct, frozen=True):
    """Where a socket is: a host and a port, or a path, or with ``@`` a name."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        return f"{self.host} port {self.port}" if self.host else f"socket {self.path.lstrip('@')}"

    @property
    def ip(self) -> IPv4Address | IPv6Address:
        found = ip_address(self.host)
        return (isinstance(found, IPv6Address) and found.ipv4_mapped) or found


class Connections:
    """The sockets of one command."""

    def __init__(self) -> None:
        self._tried: set[_Address] = set()
        self._bound: dict[bytes, _Address] = {}
        self._listening: set[bytes] = set()
        self._only_6: set[bytes] = set()

    def note(self, name: bytes, arguments: bytes, *, failed: bool) -> None:
        """Take one of :data:`CALLS`.

        Args:
            name: Of the call.
            arguments: What strace writes between the parentheses.
            failed: It gave an error.
        """
        if name in _TRIES:
            address = _address(arguments)
            # A connection that fails was tried; where there is no socket file, nothing was there.
            if address and not (failed and address.path) and len(self._tried) < _MAX_KNOWN:
                self._tried.add(address)
            return
        inode = _INODE.match(arguments)
        if failed or inode is None or len(self._bound) + len(self._listening) > _MAX_KNOWN:
            return
        if name == b"listen":
            self._listening.add(inode[1])
        elif name == b"setsockopt":
            if _ONLY_6.search(arguments):
                self._only_6.add(inode[1])
        elif address := _address(arguments):
            self._bound[inode[1]] = address

    def found(self) -> tuple[str, ...]:
        """Return where it tried to connect to, apart from where it listened itself."""
        own: dict[tuple[int, str], list[tuple[_Address, bytes]]] = {}
        for inode in self._listening & self._bound.keys():
            at = self._bound[inode]
            own.setdefault((at.port, at.path), []).append((at, inode))
        elsewhere = {
            str(address)
            for address in self._tried
            if not any(
                self._is_at(address, at, inode)
                for at, inode in own.get((address.port, address.path), ())
            )
        }
        return tuple(sorted(elsewhere))

    def _is_at(self, address: _Address, at: _Address, inode: bytes) -> bool:
        """Return whether who connects to an address reaches a socket that listens."""
        if not (address.host and at.host):
            return not (address.host or at.host) and address.path.startswith(("/", "@"))
        if not at.port:
            return False
        if not at.ip.is_unspecified:
            return address.ip == at.ip
        # ATTACK: with the same port of the other family a server on this machine is passed off as
        # the command's own.
        reached = address.ip.version == at.ip.version or (
            at.ip.version == 6 and inode not in self._only_6
        )
        return reached and _is_here(address.ip)


def unescaped(text: bytes) -> str:
    """Return a string of strace's as what it stands for."""

    def one(found: re.Match[bytes]) -> bytes:
        code = found[1]
        if code[:1].isdigit():
            return bytes([int(code, 8) & 255])
        if code[:1] == b"x":
            return bytes([int(code[1:], 16)])
        return _PLAIN.get(code, code)

    return os.fsdecode(_ESCAPE.sub(one, text))


def as_text(path: str) -> str:
    """Return a path as text that can be signed, whatever its bytes are."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")[:4096]


def _address(arguments: bytes) -> _Address | None:
    host, port = _HOST.search(arguments), _PORT.search(arguments)
    if host and port:
        with contextlib.suppress(ValueError):
            name = host[1].decode("ascii")
            ip_address(name)
            return _Address(host=name, port=int(port[1]))
    if path := _PATH.search(arguments):
        return _Address(path=as_text(path[1].decode("ascii") + unescaped(path[2])))
    return None


@cache
def _is_here(ip: IPv4Address | IPv6Address) -> bool:
    """Return whether an address is one of this machine's."""
    if ip.is_loopback or ip.is_unspecified:
        return True
    family = socket.AF_INET6 if ip.version == 6 else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as one:
        one.bind((str(ip), 0))
        return True
    return False
