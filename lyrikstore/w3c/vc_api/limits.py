"""Checks of requests before any endpoint: host name and length of the body.

Refused requests get an answer by RFC 9457, like those of endpoints.
"""

import asyncio
import contextlib
import re
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lyrikstore.canon.text import pluralize
from lyrikstore.w3c.vc_api.responses import problem_answer

_HOST = re.compile(
    r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE
)
_DRAINED_BYTES = 16 << 20
_DRAINED_SECONDS = 3.0


class Gate:
    """Middleware that passes only acceptable requests to the application.

    Args:
        app: The application.
        hosts: Names and addresses that ``Host`` may have, without ports or brackets.
        max_bytes: Maximum size of a body.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str], max_bytes: int) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it to the application."""
        refused = self._refusal(Headers(scope=scope))
        if refused is None:
            await self._app(scope, receive, send)
            return
        # The length of the remaining bytes on this connection is not known.
        answer = problem_answer(*refused, headers={"connection": "close"})
        await answer(scope, receive, send)

    def _refusal(self, headers: Headers) -> tuple[int, str] | None:
        # ATTACK: a web page resolves its own name to this machine (DNS rebinding).
        host = _HOST.fullmatch(headers.get("host", ""))
        if host is None or (host[1] or host[2]).lower() not in self._hosts:
            return 400, "the Host header is not a name of this server"
        # ATTACK: behind a proxy that uses the other length, the body contains a second request,
        # which was not authenticated (request smuggling).
        if "transfer-encoding" in headers and "content-length" in headers:
            return 400, "the request has both Content-Length and Transfer-Encoding"
        if int(headers.get("content-length", "0")) > self._max_bytes:
            return 413, f"the body has more than {pluralize(self._max_bytes, 'byte')}"
        return None


class DrainBody:
    """Middleware that reads the rest of a body before an error is sent.

    Closing a connection with unread bytes resets it, and common clients then never see the answer.
    So the rest of the body is read and dropped first: at most 16 MiB, for 3 seconds.

    Args:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the application, and send errors after the body was read."""
        # A client with `Expect` has not sent its body yet, and reading would request it.
        ended = "expect" in Headers(scope=scope)

        async def receive_noting_end() -> Message:
            nonlocal ended
            message = await receive()
            ended = ended or not message.get("more_body", False)
            return message

        async def send_after_body(message: Message) -> None:
            # 408: the body did not arrive in time, so do not wait for it again.
            if message.get("status", 0) >= 400 and message["status"] != 408:
                dropped = 0
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_DRAINED_SECONDS):
                        while not ended and dropped < _DRAINED_BYTES:
                            dropped += len((await receive_noting_end()).get("body", b""))
            await send(message)

        await self._app(scope, receive_noting_end, send_after_body)
