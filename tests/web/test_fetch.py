"""The one fetcher, against real TLS servers on loopback that do what an attacker would."""

import gzip
import ipaddress
import json
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lyrikstore.canon.errors import FormatError, LyrikstoreError, RemoteError
from lyrikstore.credentials.did import DocumentSource
from lyrikstore.credentials.did.document import build_document
from lyrikstore.web.fetch import Fetcher, is_public
from tests.servers.tls import Authority, Handler, answer, serving

HOST = "acme.example"
LIMIT = 64 << 10
KEY = "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> ssl.SSLContext:
    return authority.server(HOST)


def fetcher(authority: Authority, seconds: float = 5.0) -> Fetcher:
    return Fetcher(
        seconds=seconds,
        addresses=lambda _host, _port: ["127.0.0.1"],
        allowed=lambda address: address.is_loopback,
        tls=authority.client(),
    )


def refused(kind: str, call: Callable[[], object]) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        call()
    assert caught.value.kind == kind, caught.value.message
    return caught.value


def test_a_document_is_fetched_with_nothing_but_the_question(
    authority: Authority, certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with serving(certificate, answer(b'{"a": 1}', more="Set-Cookie: a=b\r\n")) as served:
        url = f"https://{HOST}:{served.port}/x/did.json"
        one = fetcher(authority)
        assert one.json(url, max_bytes=LIMIT) == b'{"a": 1}'
        assert one.json(url, max_bytes=8) == b'{"a": 1}'
    first, second = served.heads
    assert first == second  # the cookie did not come back
    lines = first.decode().split("\r\n")
    assert lines[:2] == ["GET /x/did.json HTTP/1.1", f"Host: {HOST}:{served.port}"]
    names = {line.partition(":")[0] for line in lines[1:] if line}
    assert names == {"Host", "Accept", "Accept-Encoding", "User-Agent", "Connection"}


def test_a_did_web_document_has_to_be_its_own(
    authority: Authority, certificate: ssl.SSLContext
) -> None:
    def serve(stream: ssl.SSLSocket, head: bytes) -> None:
        did = f"did:web:{HOST}%3A{served.port}:{head.split()[1].decode().split('/')[1]}"
        document = build_document(did.replace("liar", "acme"), {KEY: KEY})
        answer(json.dumps(document).encode(), kind="application/did+json")(stream, head)

    with serving(certificate, serve) as served:
        did = f"did:web:{HOST}%3A{served.port}"
        known = fetcher(authority).did_document(f"{did}:acme")
        assert known.source is DocumentSource.FETCHED
        assert f"{did}:acme#{KEY}" in known.document.methods
        with pytest.raises(FormatError):
            fetcher(authority).did_document(f"{did}:liar")


def chunked(stream: ssl.SSLSocket, _head: bytes) -> None:
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    stream.sendall(head.encode() + b'5\r\n{"a":\r\n3\r\n 1}\r\n0\r\n\r\n')


def test_chunked_answers_are_read(authority: Authority, certificate: ssl.SSLContext) -> None:
    with serving(certificate, chunked) as served:
        url = f"https://{HOST}:{served.port}/"
        assert fetcher(authority).json(url, max_bytes=LIMIT) == b'{"a": 1}'


def endless(head: bytes, part: bytes) -> Handler:
    def serve(stream: ssl.SSLSocket, _head: bytes) -> None:
        stream.sendall(head)
        while True:
            stream.sendall(part)

    return serve


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("kind", "handler"),
    [
        pytest.param(
            "fetch-unacceptable",
            answer(b"", status="302 Found", more="Location: https://169.254.169.254/\r\n"),
            id="redirect-to-metadata",
        ),
        pytest.param(
            "fetch-unacceptable",
            answer(b"{}", status="301 Moved", more=f"Location: https://{HOST}/x\r\n"),
            id="redirect",
        ),
        pytest.param("fetch-unacceptable", answer(b"{}", status="404 Not Found"), id="not-found"),
        pytest.param("fetch-unacceptable", answer(b"{}", status="206 Partial"), id="partial"),
        pytest.param("fetch-unacceptable", answer(b"{}", kind="text/html"), id="html"),
        pytest.param("fetch-unacceptable", answer(b"{}", kind="application/jsonp"), id="jsonp"),
        pytest.param("fetch-unacceptable", answer(b"{}", kind=""), id="no-type"),
        pytest.param(
            "fetch-unacceptable",
            answer(gzip.compress(bytes(1 << 24)), more="Content-Encoding: gzip\r\n"),
            id="gzip-bomb",
        ),
        pytest.param("fetch-unacceptable", answer(b" " * (LIMIT + 1)), id="too-long"),
        pytest.param(
            "fetch-unacceptable",
            endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"800\r\n" + b" " * 2048 + b"\r\n"),
            id="endless-chunks",
        ),
        pytest.param("fetch-unacceptable", endless(OK + b"\r\n", b" " * 4096), id="endless-body"),
        pytest.param("fetch-failed", endless(OK, b"X: " + b"x" * 1000 + b"\r\n"), id="headers"),
        pytest.param("fetch-failed", endless(b"HTTP/1.1 ", b"x" * 4096), id="endless-status"),
        pytest.param(
            "fetch-failed", endless(b"HTTP/1.1 100 C\r\n\r\n", b"HTTP/1.1 100 C\r\n\r\n"),
            id="endless-continue",
        ),
        pytest.param(
            "fetch-failed",
            lambda stream, _: stream.sendall(OK + b"Content-Length: 9\r\n\r\n{}"),
            id="cut-short",
        ),
        pytest.param("fetch-failed", lambda stream, _: stream.sendall(b"hello"), id="no-http"),
        pytest.param("fetch-failed", lambda *_: None, id="hangs-up"),
    ],
)  # fmt: skip
def test_answers_that_are_not_taken(
    authority: Authority, certificate: ssl.SSLContext, kind: str, handler: Handler
) -> None:
    with serving(certificate, handler) as served:
        url = f"https://{HOST}:{served.port}/did.json"
        refused(kind, lambda: fetcher(authority).json(url, max_bytes=LIMIT))
    assert len(served.heads) == 1  # nothing was asked a second time


@pytest.mark.parametrize("slow", ["body", "head", "nothing"])
def test_a_slow_answer_ends_in_time(
    authority: Authority, certificate: ssl.SSLContext, slow: str
) -> None:
    def drip(stream: ssl.SSLSocket, _head: bytes) -> None:
        if slow == "body":
            stream.sendall(OK + b"Content-Length: 60000\r\n\r\n")
        while True:
            time.sleep(0.1)
            if slow != "nothing":
                stream.sendall(b"H")

    with serving(certificate, drip) as served:
        url = f"https://{HOST}:{served.port}/did.json"
        refused("fetch-failed", lambda: fetcher(authority, 0.7).json(url, max_bytes=LIMIT))


def test_a_server_that_never_shakes_hands_ends_in_time(authority: Authority) -> None:
    with serving(None, lambda *_: None) as served:  # waits for a request in the clear
        url = f"https://{HOST}:{served.port}/did.json"
        refused("fetch-failed", lambda: fetcher(authority, 0.7).json(url, max_bytes=LIMIT))


def test_a_slow_name_server_ends_in_time(authority: Authority) -> None:
    refusal = threading.Event()

    def slow(_host: str, _port: int) -> list[str]:
        assert refusal.wait(60), "it was waited for"
        return ["127.0.0.1"]

    one = Fetcher(seconds=0.3, addresses=slow, tls=authority.client())
    refused("fetch-failed", lambda: one.json(f"https://{HOST}/did.json", max_bytes=LIMIT))
    refusal.set()


def test_a_certificate_for_another_name_or_by_nobody_is_refused(
    authority: Authority, certificate: ssl.SSLContext, tmp_path: Path
) -> None:
    with serving(certificate, answer(b"{}")) as served:
        other = f"https://other.example:{served.port}/did.json"
        error = refused("fetch-failed", lambda: fetcher(authority).json(other, max_bytes=LIMIT))
        assert "certificate" in error.message
        stranger = fetcher(Authority(tmp_path))
        mine = f"https://{HOST}:{served.port}/did.json"
        refused("fetch-failed", lambda: stranger.json(mine, max_bytes=LIMIT))
    assert served.heads == []


def test_a_name_is_asked_once_and_the_answer_used(
    authority: Authority, certificate: ssl.SSLContext
) -> None:
    """DNS rebinding: what was checked is what is connected to."""
    with serving(certificate, answer(b"{}")) as served, serving(None, answer(b"{}")) as inside:
        asked: list[str] = []

        def rebinding(host: str, _port: int) -> list[str]:
            asked.append(host)
            return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

        one = Fetcher(
            addresses=rebinding,
            allowed=lambda address: str(address) == "127.0.0.1",
            tls=authority.client(),
        )
        one.json(f"https://{HOST}:{served.port}/did.json", max_bytes=LIMIT)
        assert asked == [HOST]
    assert inside.heads == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"], ["10.1.2.3"], ["172.16.0.1"], ["192.168.1.1"], ["169.254.169.254"],
        ["100.64.0.1"], ["0.0.0.0"], ["224.0.0.1"], ["240.0.0.1"], ["255.255.255.255"],
        ["192.0.2.1"], ["198.18.0.1"], ["192.88.99.1"], ["168.63.129.16"],
        ["::1"], ["::"], ["fe80::1"], ["fc00::1"], ["fec0::1"], ["ff02::1"], ["2001:db8::1"],
        ["::ffff:127.0.0.1"], ["::ffff:8.8.8.8"], ["::127.0.0.1"], ["64:ff9b::7f00:1"],
        ["64:ff9b:1::1"], ["2002:7f00:1::"], ["2001:0:1::1"], ["3fff::1"], ["100::1"],
        ["fd00:ec2::254"],
        ["93.184.216.34", "127.0.0.1"],
        ["127.0.0.1", "93.184.216.34"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_addresses_that_are_not_gone_to(addresses: list[str]) -> None:
    one = Fetcher(addresses=lambda _host, _port: addresses, seconds=1)
    refused("fetch-refused", lambda: one.json(f"https://{HOST}/did.json", max_bytes=LIMIT))


def test_public_addresses_are_gone_to() -> None:
    for text in ("93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946", "2a00::1"):
        assert is_public(ipaddress.ip_address(text)), text


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.example/did.json",
        "file:///etc/passwd",
        "ftp://acme.example/x",
        "https://127.0.0.1/did.json",
        "https://[::1]/did.json",
        "https://2130706433/did.json",
        "https://localhost/did.json",
        "https://user@acme.example/did.json",
        "https://user:secret@acme.example/did.json",
        "https://acme.example:0x50/did.json",
        "https://acme.example:99999/did.json",
        "https://acme.example/did.json#fragment",
        "https://acme.example/a b",
        "https://acme.example/a\r\nX: y",
        " https://acme.example/",
        "https://acme.example\\@evil.example/",
        "https://acme.example/\u00e9",
        "https:///did.json",
        "",
        "https://acme.example/" + "a" * 2000,
    ],
)
def test_urls_that_are_not_gone_to(url: str) -> None:
    def never(_host: str, _port: int) -> list[str]:
        raise AssertionError("it was resolved")

    refused("fetch-refused", lambda: Fetcher(addresses=never).json(url, max_bytes=LIMIT))


def test_a_name_that_nobody_knows_is_said(authority: Authority) -> None:
    def unknown(_host: str, _port: int) -> list[str]:
        raise OSError("no such name")

    one = Fetcher(addresses=unknown, tls=authority.client())
    with pytest.raises(LyrikstoreError) as caught:
        one.json(f"https://{HOST}/", max_bytes=LIMIT)
    assert (caught.value.kind, "no such name" in caught.value.message) == ("fetch-failed", True)
