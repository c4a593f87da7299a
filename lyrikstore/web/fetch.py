"""Fetching over HTTPS for a verification; no other code fetches anything (spec §18.6).

The URL comes from a document of a stranger, who could send the request to any machine. So a request
goes only to a public address of a registered name, which is resolved once and used as resolved, and
accepts one response of bounded length in bounded time. Only the command line calls this, on its
user's request.
"""

import http.client
import io
import ipaddress
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from typing import NoReturn
from urllib.parse import urlsplit

from msgspec import Struct

from lyrikstore.canon.errors import FormatError, RemoteError
from lyrikstore.canon.limits import MAX_DID_DOCUMENT_BYTES
from lyrikstore.credentials.did import DocumentSource, KnownDocument, web_url
from lyrikstore.credentials.did.names import is_registered_name
from lyrikstore.version import __version__

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_LIST_BYTES = 1 << 20
"""Longest status list: the limit of a credential (spec §10.2)."""

MAX_ADDRESSES = 32
_MAX_URL = 2000
_TRIES = 3
_OVERHEAD = 64 << 10
"""Most bytes of a response besides its body: status, headers, sizes of chunks."""

_JSON_TYPE = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json|application/(?:vc|did)", re.ASCII)
_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@/%-]*(?:\?[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*)?")

# Addresses that the library calls global, and that are a way to somewhere else: an IPv4 address
# inside an IPv6 one (6to4, Teredo), anycast relays, documentation, a cloud's own metadata host.
_REFUSED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.88.99.0/24",
        "168.63.129.16/32",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


def is_public(address: Address) -> bool:
    """Return whether a request may go to ``address``: only to public unicast addresses.

    Private, loopback, link-local, carrier-grade NAT, multicast and reserved addresses are refused,
    and all IPv6 addresses that represent an IPv4 address (mapped, NAT64, 6to4, Teredo).
    """
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in _REFUSED)
    )


def system_addresses(host: str, port: int) -> list[str]:
    """Return the addresses to which the operating system resolves ``host``.

    Raises:
        OSError: The host cannot be resolved.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


class Fetcher(Struct, frozen=True):
    """Fetches JSON documents, with limits on addresses, size and time.

    Attributes:
        seconds: Time limit for one document, name resolution included.
        addresses: Host and port → addresses. Only tests replace this function.
        allowed: Function that decides whether a request may go to an address. Only tests replace
            it.
        tls: The TLS context, with certificates checked for the name; the system's by default.
    """

    seconds: float = 5.0
    addresses: Callable[[str, int], Sequence[str]] = system_addresses
    allowed: Callable[[Address], bool] = is_public
    tls: ssl.SSLContext | None = None

    def did_document(self, did: str) -> KnownDocument:
        """Return the document of a ``did:web``, fetched from the URL of the DID.

        Raises:
            FormatError: (``bad-did``, ``bad-did-document``) not a did:web; no document, or one of
                another DID.
            RemoteError: As :meth:`json`.
        """
        data = self.json(web_url(did), max_bytes=MAX_DID_DOCUMENT_BYTES)
        known = KnownDocument.of(data, DocumentSource.FETCHED)
        if known.document.id != did:
            raise FormatError("bad-did-document", f"{web_url(did)} is the document of another DID")
        return known

    def status_list(self, url: str) -> bytes:
        """Return the status list published at ``url``, unverified; raises as :meth:`json`."""
        return self.json(url, max_bytes=MAX_LIST_BYTES)

    def json(self, url: str, *, max_bytes: int) -> bytes:
        """Return the body of the answer to one GET request.

        Args:
            url: https, with a registered name; no user, no fragment.
            max_bytes: Longest body.

        Raises:
            RemoteError: (``fetch-refused``) the URL, or an address of its host, is not allowed;
            (``fetch-failed``) no connection, a certificate of another host, or no response in
            time; (``fetch-unacceptable``) a redirect or another status than 200, another
            content type than JSON, a compressed body, or one that is too long.
        """
        deadline = time.monotonic() + self.seconds
        host, port, path = _split(url)
        try:
            with self._connect(host, port, deadline, url) as stream:
                authority = host if port == 443 else f"{host}:{port}"
                stream.sendall(_request(authority, path))
                return _answer(stream, deadline, max_bytes, url)
        except ssl.SSLCertVerificationError as error:
            _fail(url, f"its certificate is not the host's: {error.verify_message}")
        except (OSError, http.client.HTTPException, ValueError) as error:
            _fail(url, str(error)[:200] or type(error).__name__)

    def _connect(self, host: str, port: int, deadline: float, url: str) -> ssl.SSLSocket:
        context = self.tls or ssl.create_default_context()
        last: OSError = TimeoutError("no address answers")
        for address in self._resolve(host, port, deadline, url)[:_TRIES]:
            try:
                # The address itself: asked again, the name may have another answer (rebinding).
                plain = socket.create_connection((str(address), port), _left(deadline))
            except OSError as error:
                last = error
                continue
            try:
                plain.settimeout(_left(deadline))
                return context.wrap_socket(plain, server_hostname=host)
            except BaseException:
                plain.close()
                raise
        raise last

    def _resolve(self, host: str, port: int, deadline: float, url: str) -> list[Address]:
        # The system's resolver takes no deadline; a thread that is not waited for does.
        answers: queue.Queue[Sequence[str] | OSError] = queue.Queue()

        def ask() -> None:
            try:
                answers.put(self.addresses(host, port))
            except OSError as error:
                answers.put(error)

        threading.Thread(target=ask, daemon=True).start()
        try:
            found = answers.get(timeout=_left(deadline))
        except queue.Empty:
            raise TimeoutError("its name was not resolved in time") from None
        if isinstance(found, OSError):
            raise found
        addresses = [ipaddress.ip_address(text) for text in found[:MAX_ADDRESSES]]
        # All of them: one good address must not open the door for the others.
        for address in addresses:
            if not self.allowed(address):
                _refuse(url, f"its host has the address {address}, which is not a public one")
        return addresses


class _Timed(io.RawIOBase):
    """A stream of a socket, limited to a number of bytes and a moment."""

    def __init__(self, stream: ssl.SSLSocket, deadline: float, room: int) -> None:
        super().__init__()
        self._stream = stream
        self._deadline = deadline
        self._room = room

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if self._room <= 0:
            raise OSError("the answer is too long")
        self._stream.settimeout(_left(self._deadline))
        count = self._stream.recv_into(buffer, min(len(buffer), self._room))
        self._room -= count
        return count

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return this stream buffered; called by ``http.client`` as on a socket."""
        return io.BufferedReader(self)


def _split(url: str) -> tuple[str, int, str]:
    if len(url) > _MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
        _refuse(url, "not a URL of at most 2000 characters")
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError:
        _refuse(url, "not a URL")
    host = parts.hostname or ""
    if parts.scheme != "https" or not is_registered_name(host) or "@" in parts.netloc:
        _refuse(url, "the URL must be https with a registered host name and without a user name")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.fragment or not _PATH.fullmatch(path):
        _refuse(url, "the path of the URL is invalid")
    return host, port, path


def _request(authority: str, path: str) -> bytes:
    # No cookie, no credentials, no compression: nothing but the question.
    return (
        f"GET {path} HTTP/1.1\r\nHost: {authority}\r\nAccept: application/json\r\n"
        f"Accept-Encoding: identity\r\nUser-Agent: lyrikstore/{__version__}\r\n"
        "Connection: close\r\n\r\n"
    ).encode("ascii")


def _answer(stream: ssl.SSLSocket, deadline: float, max_bytes: int, url: str) -> bytes:
    # Chunks of one byte cost six, hence the factor.
    timed = _Timed(stream, deadline, 8 * max_bytes + _OVERHEAD)
    response = http.client.HTTPResponse(timed, method="GET")  # type: ignore[arg-type]
    response.begin()
    if response.status != 200:
        _reject(url, f"status {response.status}; redirects are not followed")
    kind = (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()
    if not _JSON_TYPE.fullmatch(kind):
        _reject(url, f"content type {kind[:80]!a}, not JSON")
    if (response.getheader("Content-Encoding") or "identity").strip().lower() != "identity":
        _reject(url, "it is compressed, which was not asked for")
    if response.length is not None and response.length > max_bytes:
        _reject(url, f"longer than {max_bytes} bytes")
    body = response.read(max_bytes + 1)
    if len(body) > max_bytes:
        _reject(url, f"longer than {max_bytes} bytes")
    if response.length:  # http.client reads what there is
        _fail(url, "the answer is cut short")
    return body


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("it took too long")
    return left


def _refuse(url: str, reason: str) -> NoReturn:
    raise RemoteError("fetch-refused", f"not fetched: {url[:200]!a}: {reason}")


def _reject(url: str, reason: str) -> NoReturn:
    raise RemoteError("fetch-unacceptable", f"{url[:200]!a}: {reason}")


def _fail(url: str, reason: str) -> NoReturn:
    raise RemoteError("fetch-failed", f"cannot fetch {url[:200]!a}: {reason}")
