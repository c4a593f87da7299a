"""A read-only store behind a web server that fails and lies."""

import pytest

from lyrikstore.canon.errors import InvalidInputError, NotFoundError, RemoteError
from lyrikstore.objects.backends.open import Abilities, open_backend, probe
from tests.servers.faulty import Fault

PACK = bytes(range(256)) * 400


@pytest.mark.parametrize("kind", ["500", "503", "reset", "reset-after", "truncate", "longer"])
def test_what_passes_is_survived(web, server, kind):
    for nth in (1, 2, 4):
        server.plan(Fault(kind), path="packs", nth=nth)
    assert web.read("packs/ab/one") == PACK
    assert web.read("packs/ab/one", 1000, 50_000) == PACK[1000:51_000]
    assert web.size("format") == 13


@pytest.mark.parametrize("kind", ["500", "reset", "truncate"])
def test_what_does_not_pass_is_given_up_after_five_tries(web, server, waits, kind):
    server.plan(Fault(kind), every=True)
    with pytest.raises(RemoteError) as caught:
        web.read("packs/ab/one")
    assert server.count() == 5
    assert waits == [0.25, 0.5, 1.0, 2.0]
    assert caught.value.kind in {"remote-failed", "remote-unreachable"}
    assert caught.value.hint
    assert server.url in caught.value.message


def test_the_server_decides_how_long_to_wait_within_limits(web, server, waits):
    server.plan(Fault("503", retry_after=7), path="format", nth=1)
    assert web.read("format") == b"lyrikstore 1\n"
    assert waits == [7.25]
    server.plan(Fault("503", retry_after=3600), path="format", every=True)
    with pytest.raises(RemoteError):
        web.read("format")
    assert waits == [7.25]


def test_a_refusal_is_final(web, server, waits):
    server.plan(Fault("403"), every=True)
    with pytest.raises(RemoteError) as caught:
        web.read("format")
    assert caught.value.kind == "remote-denied"
    assert server.count() == 1
    assert waits == []


def test_nobody_listens(tmp_path, retry, waits):
    backend = open_backend("http://127.0.0.1:9", scratch=tmp_path, retry=retry)
    with pytest.raises(RemoteError) as caught:
        backend.read("format")
    assert caught.value.kind == "remote-unreachable"
    assert len(waits) == 4


def test_a_redirect_to_another_host_is_not_followed(web, server):
    server.plan(Fault("redirect"), every=True)
    with pytest.raises(RemoteError, match="another host"):
        web.read("format")


def test_a_dripping_server_is_let_go(web, server, monkeypatch):
    moments = iter(range(0, 100_000, 10))
    monkeypatch.setattr(web, "_monotonic", lambda: next(moments))
    server.plan(Fault("slow", pause=0.01), path="packs", every=True)
    with pytest.raises(RemoteError, match="slowly"):
        web.read("packs/ab/one", 0, 1000)


def test_headers_that_drip_are_no_way_around_that(web, server, monkeypatch):
    moments = iter(range(100_000))
    monkeypatch.setattr(web, "_monotonic", lambda: next(moments))
    server.plan(Fault("slow-head", pause=0.01), path="packs", every=True)
    with pytest.raises(RemoteError, match="slowly"):
        web.read("packs/ab/one", 0, 1000)


def test_a_body_without_end_is_not_taken_in(web, server):
    server.plan(Fault("endless"), path="packs", every=True)
    with pytest.raises(RemoteError):
        web.read("packs/ab/one", 0, 1000)


def test_a_silent_server_is_let_go(web, server):
    server.plan(Fault("slow", pause=3), path="format", nth=1)
    assert web.read("format") == b"lyrikstore 1\n"


def test_a_server_that_sends_too_little_or_another_file_gives_other_bytes(web, server):
    # Nothing here can tell: whoever reads compares the hash.
    server.plan(Fault("flip"), path="packs", nth=1)
    assert web.read("packs/ab/one") != PACK
    server.plan(Fault("swap", other="packs/ab/two"), path="packs", nth=1)
    assert web.read("packs/ab/one") == PACK[::-1]


def test_more_than_asked_for_is_refused(web, monkeypatch):
    monkeypatch.setattr("lyrikstore.objects.backends.http.MAX_READ", 1000)
    with pytest.raises(RemoteError, match="more than"):
        web.read("packs/ab/one")


def test_it_cannot_be_written_or_listed(web):
    for act in (
        lambda: web.create("tx/1", b"x"),
        lambda: web.replace("log/checkpoint", b"x"),
        lambda: web.swap("log/checkpoint", b"x", b"y"),
        lambda: web.remove("format"),
    ):
        with pytest.raises(RemoteError) as caught:
            act()
        assert caught.value.kind == "remote-read-only"
    with pytest.raises(RemoteError):
        list(web.list("packs/"))


def test_absence_is_not_an_error_of_the_remote(web):
    assert web.size("tx/1") is None
    with pytest.raises(NotFoundError):
        web.read("tx/1")


def test_connections_are_used_again(web, server, monkeypatch):
    opened = []
    real = web._connection
    monkeypatch.setattr(web, "_connection", lambda: opened.append(real()) or opened[-1])
    for _ in range(5):
        web.read("format")
        web.size("format")
    assert len({id(connection) for connection in opened}) == 1


def test_options_are_checked(tmp_path):
    for options in ({"timeout": "0"}, {"password": "x"}):
        with pytest.raises(InvalidInputError) as caught:
            open_backend("http://localhost/", scratch=tmp_path, options=options)
        assert caught.value.kind == "bad-option"
    with pytest.raises(InvalidInputError):
        open_backend("https://localhost/", scratch=tmp_path, options={"ca-file": "/none"})


def test_probing_writes_nothing(web, server):
    assert probe(web) == Abilities(writable=False, creates=False, swaps=False)
    assert {method for method, _ in server.requests} == {"HEAD"}
