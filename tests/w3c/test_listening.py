"""A server that is treated badly: it goes on, ends when it is told to, and says one line."""

import contextlib
import json
import resource
import signal
import socket
import struct
import subprocess
import time
from typing import Any

import pytest

from tests.w3c.serving import SUITES, Server, credential, start, stop

HEAD = (
    b"POST /issuers/%s/credentials/issue HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
)
PLACES = 64


def connected(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port_of(server)), timeout=60)


def port_of(server: Server) -> int:
    return int(server.url.rsplit(":", 1)[1])


def wish(server: Server) -> bytes:
    body = json.dumps({"credential": credential(server), "options": {}}).encode()
    return HEAD % (SUITES[0].encode(), len(body)) + body


@pytest.fixture
def served(new_person: Any) -> Any:
    person = new_person("server")
    person.ok("key", "new", "me", "--no-passphrase")
    process, said = start(person, "--signer", "me")
    yield process, Server(said["url"], said["issuer"])
    if process.poll() is None:
        process.kill()
        process.communicate()


def ended(process: "subprocess.Popen[str]", number: int) -> str:
    process.send_signal(number)
    _, words = process.communicate(timeout=60)
    assert process.returncode == 0, words
    return words


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_the_request_under_way_is_answered(
    served: Any, number: signal.Signals
) -> None:
    process, server = served
    request = wish(server)
    with connected(server) as client:
        client.sendall(request[:-10])
        assert server.verify({})[0] == 400  # so it has seen the other one, too
        process.send_signal(number)
        client.sendall(request[-10:])
        answer = b"".join(iter(lambda: client.recv(1 << 16), b""))
    assert answer.startswith(b"HTTP/1.1 201"), answer
    assert not ended(process, signal.SIGCONT)


def test_an_interrupt_that_it_was_started_to_ignore_is_for_somebody_else(new_person: Any) -> None:
    # In a shell's background, where an interrupt means the command in front; or below nohup.
    person = new_person("server")
    person.ok("key", "new", "me", "--no-passphrase")
    ignoring = ("sh", "-c", 'trap "" INT HUP; exec "$@"', "sh")
    process, said = start(person, "--signer", "me", wrap=ignoring)
    server = Server(said["url"], said["issuer"])
    assert server.issue(credential(server))["proof"]  # it has begun
    for number in (signal.SIGINT, signal.SIGHUP):
        process.send_signal(number)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    assert server.issue(credential(server))["proof"]
    assert not ended(process, signal.SIGTERM)


def test_clients_that_leave_in_the_middle_or_send_garbage_are_no_news(served: Any) -> None:
    process, server = served
    request = wish(server)
    upgrade = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
    for said in (request[:-10], request[:40], b"\x16\x03\x01" + bytes(600), upgrade, b"A" * 99_999):
        for reset in (False, True):
            with connected(server) as client, contextlib.suppress(OSError):
                client.sendall(said)
                if reset:
                    linger = struct.pack("ii", 1, 0)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    assert server.issue(credential(server))["proof"]
    assert "Traceback" not in ended(process, signal.SIGTERM)


@pytest.mark.ci  # it waits for as long as the server does
def test_places_that_nobody_uses_come_free(served: Any) -> None:
    process, server = served
    dripping, deaf, endless = (
        b"GET / HTTP/1.1\r\n",
        b"GET /status/revocation HTTP/1.1\r\n",
        HEAD % (b"", 9),
    )
    endless = endless.replace(b"Content-Length: 9", b"Transfer-Encoding: chunked")
    first = {
        b"": b"",
        dripping: b"A: b\r\n",
        deaf + b"Host: localhost\r\n\r\n": b"",
        endless: b"1\r\n \r\n",
    }
    with contextlib.ExitStack() as held:
        clients = []
        for head, more in first.items():  # each kind alone takes all places
            for _ in range(PLACES + 8):
                client = held.enter_context(connected(server))
                clients.append((client, more))
                client.sendall(head)
        give_up = time.monotonic() + 90
        while (status := server.verify({})[0]) == 503:
            assert time.monotonic() < give_up
            for client, more in clients:
                with contextlib.suppress(OSError):
                    client.sendall(more)
            time.sleep(0.2)
    assert status == 400
    assert "Traceback" not in ended(process, signal.SIGTERM)


def test_too_few_files_for_its_clients(new_person: Any) -> None:
    person = new_person("few")
    process = subprocess.Popen(
        person.command("w3c", "serve", "--port", "0"),
        cwd=person.folder,
        env=person.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16)),  # noqa: PLW1509
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split(",")[0].removeprefix("listening on ")
        server = Server(url, None)
        with contextlib.ExitStack() as held:
            for _ in range(32):
                held.enter_context(connected(server))
            time.sleep(1)
        assert server.verify({})[0] == 400
        assert ended(process, signal.SIGTERM) == "! connections wait: Too many open files\n"
    finally:
        process.kill()
        process.communicate()


def test_a_certificate_takes_the_place_of_another_whole(new_person: Any) -> None:
    person = new_person("server")
    file, kept = person.folder / "server.pem", person.folder / "kept.pem"
    file.write_text("of another server")
    kept.hardlink_to(file)  # whoever reads the old one meanwhile reads all of it
    process, _ = start(person, "--tls", "--certificate", str(file))
    try:
        assert file.read_bytes().startswith(b"-----BEGIN CERTIFICATE-----")
        assert kept.read_text() == "of another server"
    finally:
        stop(process)
