"""The checks of a request before any view, and the headers of every answer.

The address is reached by every program of this machine and by every page that its browsers show.
So a request must name the loopback address and port (a page that resolves its own name to this
machine cannot: attack row A209), must carry the cookie for which the link of the terminal was
exchanged once (A210), and must not come from a page of another origin (A211).
"""

import secrets
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from lyrikstore.explorer.page import Page, framed
from lyrikstore.web import stylesheet
from lyrikstore.web.texts import page_text

TOKEN = "token"  # noqa: S105 - the name of a parameter
_SAME = frozenset({"same-origin", "none"})
_REFUSED: Mapping[int, str] = {
    400: "explorer.wrong-host",
    403: "explorer.no-session",
    405: "explorer.wrong-method",
}


class SessionGate:
    """Middleware that passes only requests of the user's own browser session.

    Args:
        app: The application.
        port: The port on 127.0.0.1.
        token: The secret of the printed link, which is exchanged once for the session's cookie.
    """

    def __init__(self, app: ASGIApp, *, port: int, token: str) -> None:
        self._app, self._host, self._token = app, f"127.0.0.1:{port}", token
        self._cookie, self._session = f"lyrikstore-{port}", secrets.token_urlsafe(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, exchange its token for a session, or pass it to the application."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        if refused := self._refusal(scope, headers):
            await refusal(refused)(scope, receive, send)
        elif self._has_session(headers):
            await self._app(scope, receive, send)
        elif scope["method"] == "GET" and self._exchanges(scope):
            await self._opened()(scope, receive, send)
        else:
            await refusal(403)(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> int:
        # ATTACK: a web page resolves its own name to this machine (DNS rebinding).
        if headers.getlist("host") != [self._host]:
            return 400
        if scope["method"] not in {"GET", "HEAD"}:
            return 405
        # ATTACK: a page on another port of this machine is "same-site": its requests carry the
        # cookie. It could not read the answer, but could have work done.
        if headers.get("sec-fetch-site", "none") not in _SAME or "origin" in headers:
            return 403
        return 0

    def _has_session(self, headers: Headers) -> bool:
        found = cookie_parser(headers.get("cookie", "")).get(self._cookie, "")
        return compare_digest(found.encode(), self._session.encode())

    def _exchanges(self, scope: Scope) -> bool:
        given = parse_qs(scope["query_string"].decode("latin-1")).get(TOKEN, [""])[0]
        if not self._token or not compare_digest(given.encode(), self._token.encode()):
            return False
        self._token = ""
        return True

    def _opened(self) -> Response:
        answer = RedirectResponse("/", HTTPStatus.SEE_OTHER, headers=headers_of(""))
        answer.set_cookie(self._cookie, self._session, httponly=True, samesite="strict")
        return answer


def refusal(status: int) -> Response:
    """Return the page for a request that no view answers."""
    page = Page(page_text("explorer.refused"))
    page.add("p", page_text(_REFUSED[status]))
    return Response(framed(page), status, headers_of(""), "text/html")


def headers_of(program: str) -> dict[str, str]:
    """Return the headers of every answer.

    Args:
        program: The program of the page, the only one that may run; empty for none.
    """
    scripts = f"script-src {_hash(program)}; " if program else ""
    return _headers(
        f"default-src 'none'; {scripts}style-src {_hash(stylesheet())}; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def document_headers() -> dict[str, str]:
    """Return the headers of a document that is shown as it is.

    ATTACK: a signed document of somebody else, such as a card, has a program, a form, or an address
    that it loads. It gets an origin of its own, and may do nothing but be read.
    """
    return _headers(
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _headers(policy: str) -> dict[str, str]:
    return {
        "cache-control": "no-store",
        "content-security-policy": policy,
        "cross-origin-embedder-policy": "require-corp",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
