"""The HTTP server of ``w3c serve`` and ``ui``: time limits for clients, one line per error."""

import asyncio
import contextlib
import logging
import signal
import socket
import ssl
import traceback
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from lyrikstore.canon.errors import StorageError
from lyrikstore_cli.output.screen import Screen

MAX_CONNECTIONS = 64
SILENCE = 10.0
"""Seconds that a client has to send the head of a request, and then to read the answer."""
_LOGGERS = ("uvicorn", "asyncio")
_MOST_LINES = 100  # different messages; further ones are not printed


class _Connection(H11Protocol):
    # ATTACK: connections that never finish a request, or never read the answer, would occupy all
    # connections; uvicorn waits for them. The body has its own limit
    # (lyrikstore.w3c.vc_api.app).
    _silence: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._at_work():
            self._forget()

    def on_response_complete(self) -> None:
        self._expect()
        super().on_response_complete()
        if self._at_work():
            self._forget()  # the next request was there already

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _at_work(self) -> bool:
        cycle: Any = self.cycle  # None before the first request
        return cycle is not None and not cycle.response_complete

    def _expect(self) -> None:
        self._forget()
        self._silence = self.loop.call_later(SILENCE, self.transport.abort)

    def _forget(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None


class _Server(uvicorn.Server):
    # uvicorn would also handle the signals that a shell makes a background command ignore: an
    # interrupt there is meant for the foreground command.
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._ignored = {
            number
            for number in (signal.SIGINT, signal.SIGTERM)
            if signal.getsignal(number) is signal.SIG_IGN
        }

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn handles signals by now: a signal from here on ends the server in an orderly way.
        await super().startup(sockets)
        self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig not in self._ignored:
            super().handle_exit(sig, frame)


class _OneLine(logging.Handler):
    def __init__(self, server: uvicorn.Server, screen: Screen) -> None:
        super().__init__(logging.WARNING)
        self._server = server
        self._screen = screen
        self._printed: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            line = " ".join(record.getMessage().split())[:200]
        elif isinstance(error, OSError):  # mostly too many open files: it is tried again
            line = f"connections wait: {error.strerror or type(error).__name__}"
        elif self._server.should_exit:
            return  # the server stops, and nothing is tried again
        else:
            line = f"internal error: {type(error).__name__}"
            if self._screen.verbose:
                traceback.print_exception(error)
        if line not in self._printed and len(self._printed) < _MOST_LINES:
            self._printed.add(line)
            self._screen.say(f"! {line}")


def bind(host: str, port: int, backlog: int) -> socket.socket:
    """Return a socket that listens.

    Args:
        host: The address.
        port: The port; 0 picks a free one.
        backlog: Number of connections that wait.

    Raises:
        StorageError: (``io``) the port is taken, or the address is none of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends at once (TCP_NODELAY) only where the protocol is named: else a client waits.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(backlog)
    except OSError as error:
        listener.close()
        raise StorageError("io", f"cannot listen on {host}:{port}: {error.strerror}") from None
    return listener


def listen(
    app: Any,
    listener: socket.socket,
    context: ssl.SSLContext | None,
    screen: Screen,
    on_ready: Callable[[], None],
) -> None:
    """Serve until a signal arrives; open requests get some seconds to end.

    Args:
        app: The ASGI application.
        listener: The listening socket.
        context: The TLS context for HTTPS, or None.
        screen: Where errors are printed, each once.
        on_ready: Called once the server answers requests and handles signals.
    """
    config = uvicorn.Config(
        app,
        http=_Connection,
        access_log=False,
        log_config=None,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS + 1,  # the one beyond gets an error
        timeout_keep_alive=5,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=32 << 10,
        ssl_context_factory=None if context is None else lambda _config, _default: context,
    )
    server = _Server(config, on_ready)
    with _one_line(server, screen), _hang_up(server), contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])  # an interrupt is how a server ends


@contextlib.contextmanager
def _one_line(server: uvicorn.Server, screen: Screen) -> Iterator[None]:
    handler = _OneLine(server, screen)
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addHandler(handler)
        logger.propagate = False
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
            logger.propagate = True


@contextlib.contextmanager
def _hang_up(server: uvicorn.Server) -> Iterator[None]:
    # uvicorn handles SIGINT and SIGTERM; an exception from a handler would be raised anywhere.
    before = signal.getsignal(signal.SIGHUP)
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, server.handle_exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
