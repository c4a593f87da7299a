"""Who may see pages of the explorer: attack rows A209 to A211."""

import pytest

from tests.explorer.browsing import ORIGIN, PORT, Browser


@pytest.fixture
def stranger(made):
    opened = Browser(made, opened=False)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", "localhost", "127.0.0.1:80", ""]
)
def test_another_host_is_refused(browser_in, host) -> None:
    # A209: a page resolves its own name to this machine.
    assert browser_in.client.get("/", headers={"host": host}).status_code == 400
    link = browser_in.server.url
    assert browser_in.client.get(link, headers={"host": host}).status_code == 400


def test_without_a_session_nothing_is_shown(stranger) -> None:
    # A210: another program, or another user, of this machine.
    for path in ("/", "/?token=", "/?token=guessed", "/nothing"):
        answer = stranger.client.get(path)
        assert answer.status_code == 403
        assert "acme" not in answer.text
        assert "set-cookie" not in answer.headers


def test_the_link_opens_one_session_once(stranger) -> None:
    link = stranger.server.url
    assert stranger.client.head(link).status_code == 403  # a preview of the link uses it up not
    first = stranger.client.get(link, follow_redirects=False)
    assert first.status_code == 303
    assert first.headers["location"] == "/"
    cookie = first.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert stranger.client.get("/").status_code == 200
    stranger.client.cookies.clear()
    assert stranger.client.get(link).status_code == 403
    stranger.client.cookies.set(f"lyrikstore-{PORT}", "another")
    assert stranger.client.get("/").status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},  # a page on another port of this machine
        {"origin": "http://127.0.0.1:9999"},
        {"origin": ORIGIN},  # a GET of our own pages has none
    ],
)
def test_a_page_of_another_origin_is_refused(browser_in, headers) -> None:
    # A211: the browser sends the cookie along.
    assert browser_in.client.get("/", headers=headers).status_code == 403


def test_headers_of_every_answer(browser_in, stranger) -> None:
    link = stranger.server.url
    opening = stranger.client.get("/"), stranger.client.get(link, follow_redirects=False)
    for answer in (browser_in.client.get("/"), browser_in.client.get("/nope"), *opening):
        headers = answer.headers
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_but_reading(browser_in, method) -> None:
    assert browser_in.client.request(method, "/").status_code == 405
