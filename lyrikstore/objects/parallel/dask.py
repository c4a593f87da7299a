"""Running tasks on the machines of a Dask cluster (extra ``dask``).

A cluster runs the same functions as worker processes (:mod:`lyrikstore.objects.parallel.tasks`), on
the same JSON headers and buffers; lyrikstore sends no pickle. A task on a machine that died runs
again on another one: tasks may therefore run twice, and ``gc`` removes the leftovers of the first
run, such as a pack that no record names.

Workers are trusted like this process: Dask trusts its network, and anyone who can reach the
scheduler may run code on every worker. Their answers are parsed strictly (ADR 14).
"""

import logging
import queue
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from lyrikstore.canon.errors import FormatError, InvalidInputError, LyrikstoreError, RemoteError
from lyrikstore.objects.parallel.processes import cores
from lyrikstore.objects.parallel.tasks import (
    Message,
    Result,
    pack_request,
    read_answer,
    run_request,
    worker_died,
)

_AHEAD = 2  # tasks under way for each thread of the cluster: one runs, one waits next to it
_LOOK = 5  # seconds between two looks at whether there are workers
_LOGGERS = ("distributed", "tornado")
_CONNECT = 10  # seconds for the scheduler to answer
_WAIT = 30  # seconds for the first worker, or another one


class Cluster:
    """A connection to a Dask cluster; see :func:`dask_cluster`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def wait(self, workers: int) -> None:
        """Wait until the cluster has at least ``workers`` workers.

        Raises:
            RemoteError: (``no-workers``) it does not have them in time.
        """
        try:
            self._client.wait_for_workers(workers, timeout=_WAIT)
        except TimeoutError:
            raise RemoteError(
                "no-workers",
                "the Dask cluster has too few workers",
                hint="start one: dask worker ADDRESS",
            ) from None

    @contextmanager
    def pool(self, target: str, setup: Mapping[str, Any]) -> Iterator["ClusterPool"]:
        """Return a pool that runs ``target`` on the cluster."""
        yield ClusterPool(self._client, target, setup)


class ClusterPool:
    """A pool that runs one target on a cluster; the counterpart of ``Workers``."""

    def __init__(self, client: Any, target: str, setup: Mapping[str, Any]) -> None:
        self._client = client
        self._target = target
        self._setup = dict(setup)

    def map(self, tasks: Iterable[Message]) -> Iterator[Result]:
        """Run every task and yield the results of the target, task by task as they complete.

        Tasks are taken from ``tasks`` only when the cluster has capacity for them. Workers that
        join meanwhile get tasks, too.

        Raises:
            LyrikstoreError: The first error that a target raised; (``worker-died``) one task ended
                several workers; (``worker-version``) a worker has another version of lyrikstore.
        """
        running: dict[Any, int] = {}
        done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        numbered = enumerate(tasks)
        room = max(1, _AHEAD * sum(self._client.nthreads().values()))
        try:
            while True:
                while len(running) < room and (item := next(numbered, None)) is not None:
                    request = pack_request(self._target, self._setup, item[1])
                    # pure=False: equal requests are different tasks.
                    future = self._client.submit(run_request, request, pure=False)
                    running[future] = item[0]
                    future.add_done_callback(done.put)
                if not running:
                    return
                future = self._next(done)
                number = running.pop(future)
                for header, buffers in _read(_answer(future)):
                    yield Result(number, header, buffers)
        finally:
            for future in running:
                future.cancel()

    def _next(self, done: "queue.SimpleQueue[Any]") -> Any:
        # A cluster without workers is waited for, but not for ever.
        alone = 0
        while True:
            try:
                return done.get(timeout=_LOOK)
            except queue.Empty:
                alone = 0 if self._client.nthreads() else alone + _LOOK
            if alone >= _WAIT:
                raise RemoteError(
                    "no-workers",
                    "the Dask cluster has lost its last worker",
                    hint="start workers, then run the command again",
                )


def _read(answer: bytes) -> list[Message]:
    try:
        messages = list(read_answer(answer))
    except LyrikstoreError:
        raise
    except Exception as error:
        raise FormatError("bad-answer", "a worker returned an unexpected result") from error
    if not messages:  # no target yields nothing; its task would be left out
        raise FormatError("bad-answer", "a worker returned no result")
    return messages


def _answer(future: Any) -> bytes:
    from distributed import CancelledError
    from distributed.scheduler import KilledWorker

    try:
        answer: bytes = future.result()
    except KilledWorker:
        raise worker_died() from None
    except (CancelledError, OSError) as error:
        raise RemoteError(
            "no-scheduler",
            "the connection to the Dask scheduler was lost",
            hint="run the command again when it is back",
        ) from error
    return answer


async def _greet(address: str) -> None:
    # Dask's client waits for ever for the greeting of a server that accepts and says nothing.
    import asyncio  # slow to load: only where there is a cluster

    from distributed.comm.core import connect as reach

    async with asyncio.timeout(_CONNECT):
        comm = await reach(address, timeout=_CONNECT)  # type: ignore[no-untyped-call]
    comm.abort()


@contextmanager
def _quiet() -> Iterator[None]:
    # Dask prints what ends a connection, with its traceback; here that is an error with a hint.
    loggers = [
        logger
        for name, logger in logging.root.manager.loggerDict.items()
        if name.partition(".")[0] in _LOGGERS and isinstance(logger, logging.Logger)
    ]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled


@contextmanager
def dask_cluster(address: str) -> Iterator[Cluster]:
    """Connect to a Dask scheduler.

    Args:
        address: Such as ``tcp://10.0.0.5:8786``, or ``local`` for worker processes on this machine
            that end with the connection. Every worker must see the store and the files under the
            same paths as this process.

    Raises:
        InvalidInputError: (``no-dask``) the extra is not installed; (``bad-address``).
        RemoteError: (``no-scheduler``) no scheduler answers at this address.
        LyrikstoreError: As :meth:`Cluster.wait`.
    """
    try:
        import distributed
    except ModuleNotFoundError:
        raise InvalidInputError(
            "no-dask", "Dask is not installed", hint="pip install 'lyrikstore[dask]'"
        ) from None
    with _quiet():
        yield from _connected(address, distributed)


def _connected(address: str, distributed: Any) -> Iterator[Cluster]:
    if address == "local":
        # No dashboard: it would open a port that nobody asked for.
        with (
            distributed.LocalCluster(
                n_workers=cores(),
                threads_per_worker=1,
                dashboard_address=None,
                host="127.0.0.1",
            ) as local,
            distributed.Client(local, set_as_default=False) as client,
        ):
            yield Cluster(client)
        return
    try:
        import asyncio  # as in _greet

        with ThreadPoolExecutor(1) as pool:  # a notebook has an event loop in this thread
            pool.submit(asyncio.run, _greet(address)).result()
        client = distributed.Client(address, timeout=_CONNECT, set_as_default=False)
    except ValueError as error:
        raise InvalidInputError(
            "bad-address", f"{address}: {error}", hint="an address looks like tcp://10.0.0.5:8786"
        ) from None
    except (OSError, TimeoutError, MemoryError) as error:
        # MemoryError: Dask takes the greeting of another kind of server for a length.
        raise RemoteError(
            "no-scheduler",
            f"no Dask scheduler answered at {address} within {_CONNECT} s",
            hint="check the address, or start a scheduler there: dask scheduler",
        ) from error
    with client:
        cluster = Cluster(client)
        cluster.wait(1)
        yield cluster
