"""``lyrikstore clone`` of what is no store: each says what is wrong, and nothing is left behind."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.servers.ports import LOOPBACK, free_port


class _Answers(BaseHTTPRequestHandler):
    # The first part of the path says what is answered.
    def do_GET(self) -> None:
        what = self.path.split("/")[1]
        body = b"<html>Welcome!</html>" if what == "page" else b""
        self.send_response({"page": 200, "moved": 302}.get(what) or int(what))
        self.send_header("Content-Length", str(len(body)))
        if what == "moved":
            self.send_header("Location", "http://elsewhere.example/format")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def web() -> Iterator[str]:
    with ThreadingHTTPServer((LOOPBACK, 0), _Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{LOOPBACK}:{server.server_address[1]}"
        server.shutdown()


def refused(person, code, kind, *arguments):
    """Return the error of a clone that must fail and leave nothing behind."""
    before = sorted(person.folder.iterdir())
    error = person.fails(code, "clone", *arguments, "--json").error
    assert error["kind"] == kind, error
    assert error["hint"]
    assert sorted(person.folder.iterdir()) == before
    return error


def test_a_folder(new_person) -> None:
    person = new_person("reader")
    (person.folder / "other").mkdir()
    (person.folder / "other" / "format").write_text("PDF, please")
    assert "no store at" in refused(person, 10, "no-store", "nowhere", "out")["message"]
    error = refused(person, 16, "bad-store", "other", "out")
    assert "is no store" in error["message"]


def test_a_web_server(new_person, web) -> None:
    person = new_person("reader")
    for code in (404, 410):
        error = refused(person, 10, "no-store", f"{web}/{code}/x", "out")
        assert f"{web}/{code}/x" in error["message"]
    for code in (401, 403):
        assert "credentials" in refused(person, 13, "remote-denied", f"{web}/{code}/x")["hint"]
    error = refused(person, 16, "bad-store", f"{web}/page/x", "out")
    assert "is no store" in error["message"]
    assert "a page" in error["hint"]
    error = refused(person, 13, "remote-failed", f"{web}/moved/x", "out")
    assert "elsewhere.example" in error["hint"]
    error = refused(person, 13, "remote-unreachable", f"http://{LOOPBACK}:{free_port()}/x", "out")
    assert "nothing listens there" in error["message"]
    error = refused(person, 13, "remote-unreachable", "http://nowhere.invalid/x", "out")
    assert "no such host" in error["message"]


@pytest.mark.sftp
def test_an_ssh_server(new_person, sshd, tmp_path) -> None:
    person = new_person("reader")
    url = sshd.url(tmp_path / "nowhere")
    known = ("--set", f"known-hosts={sshd.known_hosts}")
    good = (*known, "--set", f"identity={sshd.identity}")
    assert url in refused(person, 10, "no-store", url, "out", *good)["message"]
    error = refused(person, 13, "remote-denied", url, "out")
    assert "known_hosts" in error["message"]
    assert "connect once with ssh" in error["hint"]
    wrong = (*known, "--set", f"identity={sshd.identity.parent / 'host'}")
    assert "refuses" in refused(person, 13, "remote-denied", url, "out", *wrong)["message"]
    gone = f"sftp://{LOOPBACK}:{free_port()}/x"
    assert "listens" in refused(person, 13, "remote-unreachable", gone, "out")["message"]
    gone = "sftp://nowhere.invalid/x"
    assert "no such host" in refused(person, 13, "remote-unreachable", gone, "out")["message"]


def test_a_bucket(new_person, moto) -> None:
    person = new_person("reader")
    at = [f"--set={name}={value}" for name, value in moto.options.items()]
    person.environment |= moto.environment
    error = refused(person, 13, "remote-missing", "s3://no-such-bucket-here/x", "out", *at)
    assert "no such bucket" in error["message"]
    assert "no store at" in refused(person, 10, "no-store", moto.new_url(), "out", *at)["message"]
