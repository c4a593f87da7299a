"""Read-only backend for a store on a web server, with the standard library's client.

The server is not trusted: its announced length, its ranges, its redirects and its response times
are all checked.
"""

import contextlib
import http.client
import io
import netrc
import queue
import re
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, urljoin, urlsplit

from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.objects.backends.remote import (
    MAX_READ,
    SLOWEST,
    Abilities,
    RemoteBackend,
    broken,
    parse_timeout,
)
from lyrikstore.objects.backends.retry import Retry, TransientError
from lyrikstore.objects.backends.urls import RemoteUrl

_REDIRECTS = 3
_STEP = 1 << 16
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(?:\d{1,18}|\*)")


class WebBackend(RemoteBackend):
    """A read-only store behind HTTP(S).

    Args:
        url: URL of its folder.
        scratch: A local folder.
        retry: How often to try.
        options: See :data:`lyrikstore.objects.backends.urls.OPTIONS`.
        monotonic: A clock for time limits.
    """

    def __init__(
        self,
        url: RemoteUrl,
        scratch: Path,
        retry: Retry,
        options: dict[str, str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(url, scratch, retry, options)
        self._timeout = parse_timeout(options)
        self._monotonic = monotonic
        self._idle: queue.LifoQueue[http.client.HTTPConnection] = queue.LifoQueue(8)
        self._context = _context(options) if url.scheme == "https" else None
        self._headers = {"User-Agent": "lyrikstore", "Accept-Encoding": "identity"}
        self._headers |= _login(url.host) if url.scheme == "https" else {}

    def probe(self) -> Abilities:
        """Return the abilities of a read-only server; nothing is written."""
        self.size("format")
        return Abilities(writable=False, creates=False, swaps=False)

    def _get(self, name: str, start: int, length: int | None) -> bytes:
        doing = f"reading {name}"
        headers = {}
        if start or length is not None:
            last = "" if length is None else start + length - 1
            headers["Range"] = f"bytes={start}-{last}"
        most = MAX_READ if length is None else length
        with self._ask("GET", name, doing, headers, most) as answer:
            if answer.status == 416:
                return b""
            if answer.status == 206:
                first = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
                if first is None or int(first[1]) != start:
                    raise self._failed(doing, "it returned another range")
                return self._body(answer, doing, most, exact=int(first[2]) + 1 - start)
            # It does not do ranges: leave out what comes before.
            answer.fp.raw.deadline += start / SLOWEST  # type: ignore[attr-defined]
            self._body(answer, doing, start, keep=False)
            return self._body(answer, doing, most, cut=length is not None)

    def _head(self, name: str) -> int | None:
        doing = f"looking for {name}"
        try:
            with self._ask("HEAD", name, doing, {}) as answer:
                length = answer.headers.get("Content-Length", "")
                if not re.fullmatch(r"\d{1,18}", length):
                    raise self._failed(doing, "it does not send the length of the file")
                return int(length)
        except NotFoundError:
            return None

    def close(self) -> None:
        """Close idle connections; the next operation opens a new one."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    def _body(
        self,
        answer: http.client.HTTPResponse,
        doing: str,
        most: int,
        *,
        exact: int | None = None,
        cut: bool = False,
        keep: bool = True,
    ) -> bytes:
        # Up to `most` bytes. More than that is an error, unless the rest is to be `cut` off.
        announced = answer.length
        parts, got = [], 0
        while got < most and (part := answer.read1(min(_STEP, most - got))):
            got += len(part)
            if keep:
                parts.append(part)
        short = announced is not None and got < min(announced, most)
        if short or (exact is not None and got != exact):
            raise TransientError(self._failed(doing, "the answer was cut short"))
        if keep and not cut and answer.read(1):
            raise self._failed(doing, "it sent more than was requested")
        return b"".join(parts)

    @contextlib.contextmanager
    def _ask(
        self, method: str, name: str, doing: str, headers: dict[str, str], most: int = 0
    ) -> Iterator[http.client.HTTPResponse]:
        target = quote(f"{self._url.path}/{name}")
        connection = self._connection()
        try:
            answer = self._answer(connection, method, target, doing, headers, most)
            yield answer
            if method == "HEAD":
                answer.read()
            if answer.isclosed():
                with contextlib.suppress(queue.Full):
                    self._idle.put_nowait(connection)
                    return
            connection.close()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            certificate = isinstance(error, ssl.SSLCertVerificationError)
            reason = "its certificate is not valid" if certificate else broken(error)
            reason = str(error) if isinstance(error, _SlowError) else reason
            failed = self._failed(doing, reason, kind="remote-unreachable")
            raise (failed if certificate else TransientError(failed)) from None
        except BaseException:
            connection.close()
            raise

    def _answer(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        doing: str,
        headers: dict[str, str],
        most: int,
    ) -> http.client.HTTPResponse:
        for _ in range(_REDIRECTS + 1):
            # ATTACK: headers that drip or never end, and between them the body's own.
            deadline = self._monotonic() + self._timeout + most / SLOWEST
            connection.response_class = partial(_respond, deadline, lambda: self._monotonic())  # type: ignore[assignment] # noqa: PLW0108
            connection.request(method, target, headers={**self._headers, **headers})
            answer = connection.getresponse()
            if answer.status not in {301, 302, 303, 307, 308}:
                self._check(answer, doing)
                return answer
            target = self._redirected(target, answer, doing)
            connection.close()  # the next request opens it again
        raise self._failed(doing, "its redirects form a cycle")

    def _redirected(self, target: str, answer: http.client.HTTPResponse, doing: str) -> str:
        # ATTACK: a redirect to another host would send our requests into somebody's network.
        here = f"{self._url.scheme}://{self._netloc}"
        there = urlsplit(urljoin(here + target, answer.headers.get("Location", "")))
        if f"{there.scheme}://{there.netloc}".lower() != here.lower():
            raise self._failed(
                doing,
                "it redirects to another host, which is not followed",
                hint=f"if you trust {there.netloc[:200]!a}, use the URL of the store there",
            )
        return there.path + (f"?{there.query}" if there.query else "")

    def _check(self, answer: http.client.HTTPResponse, doing: str) -> None:
        status = answer.status
        if status in {200, 206, 416}:
            if answer.headers.get("Content-Encoding", "identity") != "identity":
                raise self._failed(doing, "it sends the file in another encoding")
            return
        if status in {404, 410}:
            raise NotFoundError("no-file", f"{self.url}: {doing}: there is no such file")
        said = f"the server returned {status}"
        if status in _AGAIN:
            after = answer.headers.get("Retry-After", "")
            seconds = float(after) if re.fullmatch(r"\d{1,6}", after) else None
            raise TransientError(self._failed(doing, said), seconds)
        denied = status in {401, 403, 407}
        raise self._failed(doing, said, kind="remote-denied" if denied else "remote-failed")

    @property
    def _netloc(self) -> str:
        host = f"[{self._url.host}]" if ":" in self._url.host else self._url.host
        return f"{host}:{self._url.port}" if self._url.port else host

    def _connection(self) -> http.client.HTTPConnection:
        with contextlib.suppress(queue.Empty):
            return self._idle.get_nowait()
        if self._context is not None:
            return http.client.HTTPSConnection(
                self._netloc, timeout=self._timeout, context=self._context
            )
        return http.client.HTTPConnection(self._netloc, timeout=self._timeout)

    def _put_new(self, name: str, source: bytes | Path) -> bool:  # noqa: ARG002
        self._refuse(f"writing {name}")

    def _put(self, name: str, source: bytes | Path) -> None:  # noqa: ARG002
        self._refuse(f"writing {name}")

    def _swap(self, name: str, expected: bytes, new: bytes) -> bool:  # noqa: ARG002
        self._refuse(f"writing {name}")

    def _names(self, folder: str) -> Sequence[str]:
        raise self._failed(f"listing {folder}", "a web server cannot be listed")

    def _delete(self, name: str) -> None:
        self._refuse(f"removing {name}")

    def _refuse(self, doing: str) -> NoReturn:
        reason = "stores behind a web server can only be read"
        raise self._failed(doing, reason, kind="remote-read-only")


class _Timed(io.RawIOBase):
    """The data from a socket, until a deadline."""

    def __init__(self, sock: socket.socket, deadline: float, now: Callable[[], float]) -> None:
        super().__init__()
        self._stream = sock.makefile("rb", buffering=0)
        self.deadline = deadline
        self._now = now

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int | None:  # type: ignore[override]
        if self._now() > self.deadline:
            raise _SlowError("it sends too slowly")
        return self._stream.readinto(buffer)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return this stream buffered; called by ``http.client`` as on a socket."""
        return io.BufferedReader(self)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _SlowError(OSError):
    """A response is slower than the minimum speed."""


def _respond(
    deadline: float, now: Callable[[], float], sock: socket.socket, **options: Any
) -> http.client.HTTPResponse:
    return http.client.HTTPResponse(_Timed(sock, deadline, now), **options)  # type: ignore[arg-type]


def _context(options: dict[str, str]) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=options.get("ca-file"))
    except (OSError, ssl.SSLError):
        raise InvalidInputError(
            "bad-option", "the file of option ca-file contains no readable certificates"
        ) from None


def _login(host: str) -> dict[str, str]:
    # The usual place of a web server's password. Sent encrypted or not at all.
    try:
        found = netrc.netrc().authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return {}
    if found is None:
        return {}
    return {"Authorization": "Basic " + b64encode(f"{found[0]}:{found[2]}".encode()).decode()}
