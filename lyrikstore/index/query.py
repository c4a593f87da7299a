"""SQL queries about a store, in a confined process (docs/index-views.md).

The query runs in a child process: read-only, with no other file, no network and no further process,
limited in time, memory and size of the result. The result states the boundaries that the kernel
does not support. This process sends tables that are not in the index to the child, batch by batch
(:mod:`lyrikstore.index.query_tables`).
"""

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from msgspec import Struct

from lyrikstore.canon.errors import (
    FormatError,
    InvalidInputError,
    LyrikstoreError,
    NotFoundError,
    StorageError,
    storage_error,
)
from lyrikstore.index.query_tables import ASKS, ServedTable, TableServer

Scalar = bool | int | float | str | None
Cell = Scalar | list[Scalar]

MAX_SQL_BYTES = 32 << 10
_ONE_THREAD = {"JE_ARROW_MALLOC_CONF": "background_thread:false", "OPENBLAS_NUM_THREADS": "1"}
"""Variables that keep libraries from starting threads on import: these would not be confined."""

_HINT_VIEWS = (
    'lyrikstore query "show tables" lists the views, and "describe NAME" the columns of one; what '
    "they mean is in docs/index-views.md"
)


class QueryLimits(Struct, frozen=True):
    """Limits of one query.

    Attributes:
        seconds: Wall-clock time, start of the child included.
        rows: Most rows; a longer result is truncated, and ``truncated`` is set.
        bytes: Most bytes of the encoded result; a longer one is truncated, and ``truncated`` is
            set.
        memory_bytes: DuckDB's memory limit; nothing spills to disk.
    """

    seconds: float = 30.0
    rows: int = 10_000
    bytes: int = 32 << 20
    memory_bytes: int = 512 << 20


class QueryResult(Struct, frozen=True):
    """The result of one query.

    Attributes:
        columns: Column names, in order; a name can occur twice.
        types: DuckDB's type of each column. Values of types without a JSON word (dates,
            decimals, blobs, lists of lists) are DuckDB's text for them.
        rows: One tuple per row.
        truncated: Whether there are more rows than the limits allow.
        boundaries: The confinement of the query: ``files``, ``writes``, ``network`` and
        ``processes`` are ``held`` or ``open``, as tested in the child before the query ran;
        ``landlock`` and ``seccomp`` state the kernel features that were granted.
        seconds: Wall-clock time.
    """

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    truncated: bool
    boundaries: Mapping[str, str]
    seconds: float

    @property
    def confined(self) -> bool:
        """Whether every boundary was tested and held."""
        names = ("files", "writes", "network", "processes")
        return all(self.boundaries.get(name) == "held" for name in names)


def query(
    path: Path,
    sql: str,
    parameters: Sequence[Scalar] = (),
    *,
    limits: QueryLimits | None = None,
    tables: Mapping[str, ServedTable] | None = None,
) -> QueryResult:
    """Return the result of one ``SELECT`` on the index at ``path``.

    Args:
        path: The index file, as :func:`lyrikstore.index.build.ensure_index` returns it.
        sql: One ``SELECT`` (also ``FROM …``, ``DESCRIBE``, ``SUMMARIZE``, ``SHOW TABLES``), at
            most 32 KiB. Not trusted.
        parameters: Values for ``?`` in ``sql``.
        limits: Limits; the defaults suit interactive queries.
        tables: Name → table that is read in place; the name is not that of a view of the index.

    Raises:
        NotFoundError: (``no-index``) the file does not exist.
        InvalidInputError: (``bad-query``) DuckDB refused the query, also for reaching for a file,
            the network, a setting or a change; (``not-a-select``) not exactly one ``SELECT``;
            (``query-timeout``), (``query-too-large``) more time or memory than allowed;
            (``too-many-scans``) it reads a table too often;
            (``query-crashed``) the child died, mostly for the same reasons.
        LyrikstoreError: One of the tables cannot be read.
        FormatError: (``bad-index``) the file is not a valid index; rebuild it.
        StorageError: (``io``, …) the disk failed while the index was read, or the child process
            could not be started; (``not-loaded``) it could not load what it needs.

    Cost: about 0.3 s to start the child, with tables 0.5 s, then the query on one core; each table
        is read as often as the query scans it, while the clock of the limits stands.
    """
    limits = limits or QueryLimits()
    if not path.is_file():
        raise NotFoundError("no-index", f"no index at {path}", hint="lyrikstore maintain index")
    request: dict[str, Any] = {
        "path": str(path.resolve()),
        "sql": sql,
        "parameters": list(parameters),
        "max_rows": limits.rows,
        "max_bytes": limits.bytes,
        "memory_bytes": limits.memory_bytes,
        "cpu_seconds": max(1, int(limits.seconds) + 1),
    }
    size = len(json.dumps(request))
    if len(sql.encode("utf-8", "replace")) > MAX_SQL_BYTES or size > 2 * MAX_SQL_BYTES:
        raise InvalidInputError("bad-query", f"the query is longer than {MAX_SQL_BYTES} bytes")
    started = time.monotonic()
    with TableServer(tables or {}) as server:
        output = _run(json.dumps(request | {"tables": server.schemas()}), limits, server)
    return _read(output, time.monotonic() - started)


def _run(request: str, limits: QueryLimits, server: TableServer) -> bytes:
    # The child sees the parent's module path and nothing else of its environment.
    search = os.pathsep.join(dict.fromkeys(os.path.abspath(p) for p in sys.path if p))  # noqa: PTH100
    try:
        child = subprocess.Popen(
            [sys.executable, "-P", "-s", "-B", "-m", "lyrikstore.index.sandbox"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            env={"PYTHONPATH": search, **_ONE_THREAD},
            close_fds=True,
            start_new_session=True,
        )
    except OSError as error:
        raise StorageError("io", f"the query process did not start: {error.strerror}") from None
    try:
        if child.stdin is None or child.stdout is None:  # both were asked for
            raise StorageError("io", "the query process has no pipes")
        talk = _Conversation(child.stdin.fileno(), child.stdout.fileno(), limits)
        return talk.hold(request.encode("ascii") + b"\n", server)
    finally:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()


class _Conversation:
    """The exchange of messages with the child, within the time limit."""

    def __init__(self, to_child: int, from_child: int, limits: QueryLimits) -> None:
        self._to, self._from, self._limits = to_child, from_child, limits
        self._deadline = time.monotonic() + limits.seconds
        for pipe in (to_child, from_child):
            os.set_blocking(pipe, False)

    def hold(self, request: bytes, server: TableServer) -> bytes:
        """Send the request, serve the batches that the child requests; return its result lines."""
        # The child keeps to the limits itself; the parent does not rely on it.
        most = 2 * self._limits.bytes + (1 << 20)
        output = bytearray()
        self._send(request)
        while part := self._receive():
            output += part
            if len(output) > most:
                raise InvalidInputError("query-too-large", f"the result has more than {most} bytes")
            # It asks and then waits, so that what it asks for is the last that it said.
            if output.endswith(b"\n") and output.startswith(
                ASKS, start := output.rfind(b"\n", 0, -1) + 1
            ):
                began = time.monotonic()
                data = server.answer(bytes(output[start:]))
                self._deadline += time.monotonic() - began
                del output[start:]
                self._send(data)
        return bytes(output)

    def _receive(self) -> bytes:
        self._wait(self._from, selectors.EVENT_READ)
        return os.read(self._from, 1 << 16)

    def _send(self, data: bytes) -> None:
        left = memoryview(data)
        with contextlib.suppress(BrokenPipeError):  # it died: its missing answer says so
            while left:
                self._wait(self._to, selectors.EVENT_WRITE)
                left = left[os.write(self._to, left) :]

    def _wait(self, pipe: int, event: int) -> None:
        left = self._deadline - time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, event)
            if left <= 0 or not selector.select(left):
                raise InvalidInputError(
                    "query-timeout",
                    f"the query took longer than {self._limits.seconds:g} s",
                    hint="narrow it with WHERE or LIMIT",
                )


def _read(output: bytes, seconds: float) -> QueryResult:
    columns: list[str] = []
    types: list[str] = []
    rows: list[tuple[Cell, ...]] = []
    if not output:
        raise StorageError(
            "not-loaded",
            "the query process ended before it had begun",
            hint="run it again; if it fails again, there is too little memory, or the program "
            "cannot be loaded: check the disk, or install lyrikstore again",
        )
    try:
        for line in output.splitlines():
            message: dict[str, Any] = json.loads(line)
            if "ready" in message:
                continue
            if "row" in message:
                rows.append(tuple(message["row"]))
            elif "columns" in message:
                columns, types = message["columns"], message["types"]
            elif "end" in message:
                end = message["end"]
                return QueryResult(
                    columns=tuple(columns),
                    types=tuple(types),
                    rows=tuple(rows),
                    truncated=end["truncated"],
                    boundaries=end["boundaries"],
                    seconds=seconds,
                )
            else:
                _refuse(message["error"], message["message"], message.get("errno", 0))
    except (json.JSONDecodeError, KeyError, TypeError):
        pass  # cut off in the middle: the same as no end
    raise InvalidInputError(
        "query-crashed",
        "the query process died before it had answered",
        hint="it may have asked for too much memory or time; narrow it with WHERE or LIMIT",
    )


def _refuse(kind: str, message: str, number: int) -> NoReturn:
    text = _one_line(message)
    error: LyrikstoreError
    match kind:
        case "io":
            error = storage_error(OSError(number, os.strerror(number)), "reading the index")
        case "bad-index":
            error = FormatError("bad-index", f"the index is unreadable: {text}")
            error.hint = "lyrikstore maintain index"
        case "not-a-select":
            error = InvalidInputError(
                "not-a-select", text, hint="write one SELECT statement; " + _HINT_VIEWS
            )
        case "query-too-large":
            error = InvalidInputError("query-too-large", text, hint="narrow it with WHERE or LIMIT")
        case _:
            error = InvalidInputError("bad-query", text, hint=_HINT_VIEWS)
    raise error


def _one_line(message: str) -> str:
    # DuckDB quotes the query below a blank line; the caller has it already.
    head = message.split("\n\n", 1)[0]
    clean = "".join(c if c.isprintable() else " " for c in head)
    return " ".join(clean.split())[:300]
