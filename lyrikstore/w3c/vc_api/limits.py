"""Which requests the VC API reads at all: of a name that is its own, and of one length.

Whoever is refused here has reached no endpoint, and is answered in the form of RFC 9457 as there.
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
    """The application, for requests that it should see.

    Args:
        app: What is behind.
        hosts: Names and addresses under which it may be addressed, without ports or brackets.
        max_bytes: Of a body.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str], max_bytes: int) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have it answered."""
        refused = self._refusal(Headers(scope=scope))
        if refused is None:
            await self._app(scope, receive, send)
            return
        # What follows on this connection is of a length that nobody knows.
        answer = problem_answer(*refused, headers={"connection": "close"})
        await answer(scope, receive, send)

    def _refusal(self, headers: Headers) -> tuple[int, str] | None:
        # ATTACK: a web page points a name of its own at this machine (DNS rebinding).
        found = _HOST.fullmatch(headers.get("host", ""))
        if found is None or (found[1] or found[2]).lower() not in self._hosts:
            return 400, "not addressed by a name of this server (Host)"
        # ATTACK: behind a proxy that goes by the one length, a body holds a request of its own,
        # which nobody has authenticated.
        if "transfer-encoding" in headers and "content-length" in headers:
            return 400, "a body of two lengths: Content-Length and Transfer-Encoding"
        if int(headers.get("content-length", "0")) > self._max_bytes:
            return 413, f"a body of more than {pluralize(self._max_bytes, 'byte')}"
        return None


class DrainBody:
    """The application, with every error answered so that whoever sent a body can read it.

    Closing a connection on bytes that nobody has read resets it, and common clients then never see
    the answer. So what is still coming is read and dropped first: at most 16 MiB, for 3 seconds.

    Args:
        app: What is behind.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, an error after its body."""
        # A client that asks first has sent no body, and reading would invite it to.
        ended = "expect" in Headers(scope=scope)

        async def receive_noting_end() -> Message:
            nonlocal ended
            message = await receive()
            ended = ended or not message.get("more_body", False)
            return message

        async def send_after_body(message: Message) -> None:
            # 408: what has not come in time is not waited for again.
            if message.get("status", 0) >= 400 and message["status"] != 408:
                dropped = 0
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_DRAINED_SECONDS):
                        while not ended and dropped < _DRAINED_BYTES:
                            dropped += len((await receive_noting_end()).get("body", b""))
            await send(message)

        await self._app(scope, receive_noting_end, send_after_body)
