"""A server among clients that are silent, slow, many or gone, and signals to it."""

import contextlib
import http.client
import json
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.robust.outcome import Finding, Row, UnavailableError
from tests.faults.robust.subject import PATIENCE, Answer, Subject

CONTEXT = "https://www.w3.org/ns/credentials/v2"
PATH = "/issuers/eddsa-jcs-2022/credentials/issue"
PLACES = 64
"""Clients that are served at a time; docs/serve.md."""


@dataclass
class Server:
    """A running ``lyrikstore w3c serve``.

    Attributes:
        child: Its process.
        port: Where it listens.
        issuer: Who signs.
    """

    child: "subprocess.Popen[bytes]"
    port: int
    issuer: str

    def connect(self) -> socket.socket:
        """Return a connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def body(self) -> bytes:
        """Return a wish that it can grant."""
        credential = {
            "@context": [CONTEXT],
            "type": ["VerifiableCredential"],
            "issuer": self.issuer,
            "credentialSubject": {"id": "urn:example:somebody"},
        }
        return json.dumps({"credential": credential}).encode()

    def wish(self, more: int = 0) -> bytes:
        """Return a whole request; ``more`` bytes are promised and not there."""
        body = self.body()
        head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        size = f"Content-Type: application/json\r\nContent-Length: {len(body) + more}\r\n\r\n"
        return f"{head}{size}".encode() + body

    def ask(self) -> tuple[int, bytes]:
        """Have a credential signed; 0 where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("POST", PATH, self.body(), {"content-type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()

    def ended(self, number: int) -> Answer:
        """Send a signal and return how it ended."""
        with contextlib.suppress(ProcessLookupError):
            self.child.send_signal(number)
        try:
            out, err = self.child.communicate(timeout=PATIENCE)
            hung = False
        except subprocess.TimeoutExpired:
            self.child.kill()
            out, err = self.child.communicate()
            hung = True
        return Answer(self.child.returncode, out.decode(), err.decode("utf-8", "replace"), hung)


@contextlib.contextmanager
def _serving(subject: Subject, port: int = 0, **options: Any) -> Iterator[Server]:
    child = subprocess.Popen(
        subject.command("w3c", "serve", "--port", port, "--signer", "default"),
        cwd=subject.work,
        env=subject.variables(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )
    try:
        line = child.stdout.readline().decode() if child.stdout else ""
        if not line:
            raise UnavailableError("the extra serve is not installed, or no port is free")
        yield Server(child, int(line.split(",")[0].rpartition(":")[2]), line.split()[-1])
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()


def _crowd(server: Server, say: bytes, more: bytes = b"") -> list[Finding]:
    # More than there are places, and all of them stay: until it answers somebody else.
    with contextlib.ExitStack() as held:
        clients = [held.enter_context(server.connect()) for _ in range(PLACES + 8)]
        for client in clients:
            client.sendall(say)
        give_up = time.monotonic() + PATIENCE
        while server.ask()[0] != 201:
            if time.monotonic() > give_up:
                return [Finding("hang", "nobody else is served")]
            for client in clients if more else ():
                with contextlib.suppress(OSError):
                    client.sendall(more)
            time.sleep(0.2)
    return []


def _leave(server: Server, said: bytes) -> list[Finding]:
    for _ in range(5):
        with server.connect() as client, contextlib.suppress(OSError):
            client.sendall(said)
    return []


def _too_large(server: Server) -> list[Finding]:
    with server.connect() as client, contextlib.suppress(OSError):
        client.sendall(server.wish(more=2 << 20) + bytes(2 << 20))
        answer = client.recv(20)
        if b" 413" not in answer:
            return [Finding("other", f"a body of 2 MiB: {answer!r}")]
    return []


def _many(server: Server) -> list[Finding]:
    with ThreadPoolExecutor(PLACES) as pool:
        statuses = list(pool.map(lambda _: server.ask()[0], range(PLACES)))
    unexpected = [status for status in statuses if status not in {201, 503}]
    return (
        [Finding("other", f"of {PLACES} at once: {unexpected}")]
        if unexpected or 201 not in statuses
        else []
    )


CLIENTS: dict[str, Callable[[Server], list[Finding]]] = {
    "silent": lambda server: _crowd(server, b""),
    "slow heads": lambda server: _crowd(server, b"GET / HTTP/1.1\r\n", b"A: b\r\n"),
    "bodies that do not come": lambda server: _crowd(server, server.wish(more=9)),
    "gone in the middle": lambda server: _leave(server, server.wish(more=9)),
    "gone in the head": lambda server: _leave(server, server.wish()[:30]),
    "garbage": lambda server: _leave(server, b"\x16\x03\x01" + bytes(900)),
    "heads without end": lambda server: _leave(server, b"GET / HTTP/1.1\r\nA: " + b"b" * 99_999),
    "bodies too large": _too_large,
    f"{PLACES} at once": _many,
}


def badly(base: Path, *, quick: bool) -> list[Row]:
    """Treat a server badly: as its client, and as whoever runs it."""
    subject = Subject(base / "subject").found()
    return [_clients(subject, quick=quick), _runner(subject, quick=quick)]


def _clients(subject: Subject, *, quick: bool) -> Row:
    row = Row("serve: clients that are silent, slow, many, too large, gone")
    for label, harm in list(CLIENTS.items())[-4 if quick else 0 :]:
        with _serving(subject) as server:
            findings = harm(server)
            findings += _signs(subject, server) + _stops(server, signal.SIGTERM)
        row.add(label, findings + subject.sound())
    return row


def _runner(subject: Subject, *, quick: bool) -> Row:
    row = Row("serve: signals and kill -9 in a request, a port taken, 16 open files, /dev/full")
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGHUP)[
        : 2 if quick else 4
    ]:
        with _serving(subject) as server, server.connect() as client:
            request = server.wish()
            client.sendall(request[:-9])
            findings = _signs(subject, server)
            server.child.send_signal(number)
            with contextlib.suppress(OSError):
                client.sendall(request[-9:])
                answer = client.recv(20)
                if number != signal.SIGKILL and b" 201" not in answer:
                    findings.append(Finding("lost", f"the request under way got {answer!r}"))
            findings += _stops(server, number)
        with _serving(subject, server.port) as again:  # nothing holds the port, nothing is locked
            findings += _signs(subject, again) + _stops(again, signal.SIGTERM)
        row.add(number.name, findings + subject.sound())
    with _serving(subject) as server:
        refused = subject.run("w3c", "serve", "--port", server.port)
        findings = refused.manners()
        if refused.code != 1:
            findings.append(Finding("other", f"exit {refused.code} where the port is taken"))
        row.add("port taken", findings + _signs(subject, server) + _stops(server, signal.SIGTERM))

    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))

    with _serving(subject, preexec_fn=few) as server:
        with contextlib.ExitStack() as held:
            for _ in range(32):
                held.enter_context(server.connect())
            time.sleep(1)
        row.add("16 open files", _signs(subject, server) + _stops(server, signal.SIGTERM))
    with open("/dev/full", "wb") as full:
        row.add("/dev/full", subject.run("w3c", "serve", "--port", 0, stdout=full).manners())
    return row


def _signs(subject: Subject, server: Server) -> list[Finding]:
    """Return what is wrong with what an honest client gets: it is signed, and verifies."""
    status, text = server.ask()
    if status != 201:
        return [Finding("other", f"an honest client gets {status}")]
    path = subject.work / "signed.json"
    path.write_bytes(text)
    verdict = subject.ask("verify", path)
    if verdict.code not in {0, 4}:
        return [Finding("undetected", f"what was signed: exit {verdict.code}: {verdict.out}")]
    return verdict.manners()


def _stops(server: Server, number: int) -> list[Finding]:
    answer = server.ended(number)
    findings = answer.manners(killed=number == signal.SIGKILL)
    if number != signal.SIGKILL and answer.code:
        findings.append(Finding("other", f"exit {answer.code} after signal {number}"))
    return findings
