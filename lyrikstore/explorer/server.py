"""The server of the explorer: one thread answers one request after the other (docs/ui.md)."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lyrikstore.canon.errors import (
    IncompleteError,
    InvalidInputError,
    LyrikstoreError,
    NotFoundError,
)
from lyrikstore.canon.text import pluralize
from lyrikstore.explorer.explorer import Explorer
from lyrikstore.explorer.gate import TOKEN, SessionGate, document_headers, headers_of
from lyrikstore.explorer.page import Page, Query, SandboxedDocument, framed, href
from lyrikstore.explorer.places import SEARCH, VIEWS, ExplorerView, navigation
from lyrikstore.explorer.views.rows import add_progress
from lyrikstore.version import __version__
from lyrikstore.web.texts import page_text

READ_SECONDS = 0.8
"""Time that the first page waits for the log to be read before it says that it waits."""

_STATUS: Mapping[type[LyrikstoreError], int] = {
    NotFoundError: 404,
    InvalidInputError: 400,
    IncompleteError: 410,  # retired, or lost
}


class Server:
    """The explorer on one port of 127.0.0.1.

    Args:
        explorer: What is shown.
        port: The port that the caller listens on.

    Attributes:
        app: The ASGI application.
        url: The link to the explorer, with the token that opens one session, once.
    """

    def __init__(self, explorer: Explorer, port: int) -> None:
        self._explorer = explorer
        token = secrets.token_urlsafe(32)
        self.url = f"http://127.0.0.1:{port}" + href("/", **{TOKEN: token})
        # A store is used by one thread at a time.
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lyrikstore-ui")
        self.app = Starlette(
            routes=[Route(view.path, self._answers(view), methods=["GET"]) for view in VIEWS],
            middleware=[Middleware(SessionGate, port=port, token=token)],
            exception_handlers={HTTPException: self._failed, Exception: self._failed},
        )

    def close(self) -> None:
        """End the work in other threads."""
        self._explorer.close()
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _answers(self, view: ExplorerView) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            query = Query.of(request.scope["path"], request.url.query, request.path_params)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._worker, self._answer, view, query)

        return answer

    def _answer(self, view: ExplorerView, query: Query) -> Response:
        try:
            if (job := self._explorer.wait_until_read(READ_SECONDS)) is not None:
                waiting = Page(page_text("explorer.reading-log"))
                add_progress(waiting, job)
                return self._response(waiting)
            self._explorer.refresh()
            page: Page | SandboxedDocument = view.show(self._explorer, query)
        except LyrikstoreError as error:
            page = error_page(error)
        return self._response(page)

    async def _failed(self, _request: Request, error: Exception) -> Response:
        missing = isinstance(error, HTTPException)
        page = Page(
            page_text("explorer.not-found" if missing else "explorer.cannot-show"),
            status=404 if missing else 500,
        )
        page.add("p", page_text("explorer.no-page" if missing else "explorer.internal"))
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker, self._response, page)

    def _response(self, page: Page | SandboxedDocument) -> Response:
        if isinstance(page, SandboxedDocument):
            return Response(page.data, 200, document_headers(), "text/html")
        store = self._explorer.store
        entries = pluralize(len(store.repository.entries()), "log entry", "log entries")
        tool = f"lyrikstore {__version__}"
        footer = page_text("explorer.store-line", origin=store.origin, entries=entries, tool=tool)
        notice = notice_of(self._explorer)
        data = framed(page, navigation(), search=SEARCH, notice=notice, footer=footer)
        return Response(data, page.status, headers_of(page.program), "text/html")


def notice_of(explorer: Explorer) -> tuple[str, str] | None:
    """Return class and text of the line about the whole store; None if there is nothing to say."""
    verdicts = explorer.verdicts
    if verdicts.failed:
        return "invalid", page_text("explorer.store-failed", error=verdicts.failed)
    found = verdicts.known.store
    if found is None:
        return "unverified", page_text("explorer.store-unverified")
    failed = [check for check in found.checks if check.state == "fail"]
    if failed:
        first = f"{failed[0].id}: {failed[0].summary}"
        return "invalid", page_text("explorer.store-invalid", problem=first)
    return None


def error_page(error: LyrikstoreError) -> Page:
    """Return the page that says why something cannot be shown, by the kind of the error."""
    missing = isinstance(error, NotFoundError)
    status = next((one for kind, one in _STATUS.items() if isinstance(error, kind)), 500)
    page = Page(page_text("explorer.not-found" if missing else "explorer.cannot-show"),
                status=status)  # fmt: skip
    page.main.set("data-kind", error.kind)
    page.add("p", f"{error.kind}: {error.message}", kind="problem")
    if error.hint:
        page.add("p", page_text("explorer.try", hint=error.hint))
    return page
