"""A web server that lies and fails as told: a folder of files, or a proxy in front of S3.

::

    with FaultyServer(folder=root) as server:               # or FaultyServer(upstream=endpoint)
        server.plan(Fault("503", retry_after=1), path="/tx/", nth=1)
        server.plan(Fault("flip"), method="GET", path=r"/packs/.*", every=True)
        server.rate(0.25, ("500", "503", "reset"), seed=7)
        ... server.url ...

Faults: ``500``, ``503``, ``403`` (the request has no effect), ``500-after`` (it has, and yet),
``reset`` (before), ``reset-after`` (the answer is lost), ``truncate`` (half the body, then the
end), ``flip`` (one bit), ``swap`` (the bytes of another file), ``slow`` (a byte now and then),
``longer`` and ``shorter`` (a wrong Content-Length), ``flip-request`` (the upload arrives damaged),
``endless`` (no end of the body), ``slow-head`` (headers, a byte now and then),
``redirect`` (to another host), ``empty-list`` and ``odd-list`` (S3 lists without keys, and with a
key that is no path), ``skew`` (a clock).
"""

import http.client
import random
import re
import socket
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.servers.ports import LOOPBACK

EMPTY_LIST = (
    b'<?xml version="1.0" encoding="UTF-8"?><ListBucketResult '
    b'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix/><KeyCount>0'
    b"</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>"
)
UNUSUAL_LIST = EMPTY_LIST.replace(
    b"<KeyCount>0",
    b"<Contents><Key>packs/../x</Key><LastModified>2026-11-26T10:00:00.000Z</LastModified>"
    b"<ETag>x</ETag><Size>1</Size></Contents><KeyCount>1",
)
SKEW = b"<Error><Code>RequestTimeTooSkewed</Code><Message>the clock</Message></Error>"


Answer = tuple[int, dict[str, str], bytes]
"""Status, headers, body."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong.

    Attributes:
        kind: One of those named above.
        retry_after: Seconds to send with a 503.
        other: For ``swap``: the name of the other file.
        pause: For ``slow``: seconds between two bytes.
    """

    kind: str
    retry_after: int | None = None
    other: str = ""
    pause: float = 0.2


@dataclass
class _Plan:
    fault: Fault
    method: str
    path: re.Pattern[str]
    nth: int
    every: bool
    seen: int = 0

    def meets(self, method: str, path: str) -> bool:
        if (self.method and method != self.method) or not self.path.search(path):
            return False
        self.seen += 1
        return self.every or self.seen == self.nth


class FaultyServer:
    """The server. Without plans it serves well.

    Args:
        folder: The files to serve, read-only.
        upstream: Or the URL of a server to pass requests on to, with their ``Host`` header, so
            that signatures hold.

    Attributes:
        url: Where it listens.
        requests: Method and path of every request so far.
    """

    def __init__(self, folder: Path | None = None, upstream: str | None = None) -> None:
        self.folder, self.upstream = folder, upstream
        self.requests: list[tuple[str, str]] = []
        self._plans: list[_Plan] = []
        self._rate: tuple[float, tuple[str, ...], random.Random] | None = None
        self._lock = threading.Lock()
        self._server = _Server((LOOPBACK, 0), _Handler)
        self._server.daemon_threads = True
        self._server.owner = self  # type: ignore[attr-defined]
        self.url = f"http://{LOOPBACK}:{self._server.server_port}"

    def __enter__(self) -> "FaultyServer":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def plan(
        self, fault: Fault, *, method: str = "", path: str = "", nth: int = 1, every: bool = False
    ) -> None:
        """Let ``fault`` befall the ``nth`` request, or every one, whose path matches ``path``."""
        self._plans.append(_Plan(fault, method, re.compile(path), nth, every))

    def rate(self, rate: float, kinds: tuple[str, ...], seed: int) -> None:
        """Let one of ``kinds`` befall each request with probability ``rate``."""
        self._rate = (rate, kinds, random.Random(seed))

    def heal(self) -> None:
        """Forget all plans and rates."""
        self._plans.clear()
        self._rate = None

    def count(self, method: str = "", path: str = "") -> int:
        """Return how many requests matched so far."""
        return sum(
            (not method or seen[0] == method) and re.search(path, seen[1]) is not None
            for seen in self.requests
        )

    def forward(self, method: str, path: str, headers: Mapping[str, str], request: bytes) -> Answer:
        """Return what the server behind answers."""
        assert self.upstream is not None
        return pass_on(self.upstream, method, path, headers, request)

    def fault_for(self, method: str, path: str) -> Fault | None:
        """Count a request and return what is to befall it."""
        path = unquote(path)  # Google's clients quote the slashes in a name
        with self._lock:
            self.requests.append((method, path))
            for plan in self._plans:
                if plan.meets(method, path):
                    return plan.fault
            if self._rate and self._rate[2].random() < self._rate[0]:
                return Fault(self._rate[2].choice(self._rate[1]))
        return None


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Say nothing: clients go away in the middle here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_any(self) -> None:
        owner: FaultyServer = self.server.owner  # type: ignore[attr-defined]
        request = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = owner.fault_for(self.command, self.path) or Fault("")
        if fault.kind == "reset":
            self.reset()
        elif fault.kind in {"500", "503", "403"}:
            headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            self.answer(int(fault.kind), headers, b"it is said")
        elif fault.kind == "skew":
            self.answer(403, {}, SKEW)
        elif fault.kind == "slow-head":
            self.drip(b"HTTP/1.1 206 Partial Content\r\nX-Padding: " + b"x" * 60_000, fault.pause)
        elif fault.kind == "redirect":
            self.answer(302, {"Location": "http://127.0.0.2:9/elsewhere"}, b"")
        else:
            if fault.kind == "flip-request" and request:
                request = _flipped(request)
            status, headers, body = self.serve(owner, request, fault)
            if fault.kind == "reset-after":
                self.reset()
            elif fault.kind == "500-after":
                self.answer(500, {}, b"")
            else:
                self.answer_wrongly(status, headers, body, fault)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)

    def serve(self, owner: FaultyServer, request: bytes, fault: Fault) -> Answer:
        if owner.upstream is not None:
            return owner.forward(self.command, self.path, dict(self.headers), request)
        path = unquote(urlsplit(self.path).path).lstrip("/")
        file = (owner.folder or Path()) / (fault.other if fault.kind == "swap" else path)
        if ".." in path or not file.is_file():
            return 404, {}, b"no such file"
        data = file.read_bytes()
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted is None:
            return 200, {}, data
        first, last = int(wanted[1]), min(int(wanted[2] or len(data)), len(data) - 1)
        if first >= len(data):
            return 416, {"Content-Range": f"bytes */{len(data)}"}, b""
        return (
            206,
            {"Content-Range": f"bytes {first}-{last}/{len(data)}"},
            data[first : last + 1],
        )

    def answer_wrongly(
        self, status: int, headers: dict[str, str], body: bytes, fault: Fault
    ) -> None:
        headers = {k: v for k, v in headers.items() if k.lower() != "content-length"} | (
            {"Content-Length": self.headers_length(headers)} if self.command == "HEAD" else {}
        )
        if fault.kind == "flip" and body:
            body = _flipped(body)
        elif fault.kind == "empty-list":
            status, body = 200, EMPTY_LIST
        elif fault.kind == "odd-list":
            status, body = 200, UNUSUAL_LIST
        if fault.kind == "truncate":
            self.answer(status, headers, body, send=body[: len(body) // 2])
            self.reset()
        elif fault.kind == "longer":
            self.answer(status, headers, body, length=len(body) + 7)
            self.reset()
        elif fault.kind == "shorter":
            self.answer(status, headers, body, length=max(0, len(body) - 7))
            self.reset()
        elif fault.kind == "endless":
            self.answer(status, headers | {"Transfer-Encoding": "chunked"}, body, send=b"")
            self.pour()
        elif fault.kind == "slow":
            self.answer(status, headers, body, send=b"")
            self.drip(body, fault.pause)
        else:
            self.answer(status, headers, body)

    def headers_length(self, headers: dict[str, str]) -> str:
        found = [v for k, v in headers.items() if k.lower() == "content-length"]
        return found[0] if found else ""

    def pour(self) -> None:
        try:
            for _ in range(10_000):
                self.wfile.write(b"10000\r\n" + bytes(1 << 16) + b"\r\n")
        except OSError:
            pass
        self.close_connection = True

    def drip(self, body: bytes, pause: float) -> None:
        try:
            for at in range(len(body)):
                self.wfile.write(body[at : at + 1])
                time.sleep(pause)
        except OSError:
            self.close_connection = True

    def answer(
        self,
        status: int,
        headers: dict[str, str],
        body: bytes,
        *,
        send: bytes | None = None,
        length: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        if not headers.get("Content-Length"):
            self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body if send is None else send)
        self.wfile.flush()

    def reset(self) -> None:
        # Linger 0: the peer sees a reset, not an end.
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def finish(self) -> None:
        try:
            super().finish()
        except (OSError, ValueError):
            return  # it was reset

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def pass_on(
    upstream: str, method: str, path: str, headers: Mapping[str, str], request: bytes
) -> Answer:
    """Send a request to the server at ``upstream`` and return its answer."""
    connection = http.client.HTTPConnection(urlsplit(upstream).netloc, timeout=60)
    connection.request(method, path, request, dict(headers))
    answer = connection.getresponse()
    body = answer.read()
    drop = {"connection", "transfer-encoding", "keep-alive", "date", "server"}
    kept = {k: v for k, v in answer.getheaders() if k.lower() not in drop}
    connection.close()
    return answer.status, kept, body


def _flipped(data: bytes) -> bytes:
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
