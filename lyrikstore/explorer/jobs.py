"""Work of more than a second, in a second thread with a store of its own."""

import queue
import threading
from collections.abc import Callable
from typing import Any

from lyrikstore.api import Store
from lyrikstore.canon.progress import Progress

Work = Callable[[Store], Any]

MAX_KEPT = 50
"""Most results that are kept; the oldest is dropped first."""


class Job:
    """One piece of work.

    Attributes:
        progress: How far it is.
        result: Its result, once it is done.
        error: Why it failed, once it has.
        ended: Set once it is done or has failed.
    """

    def __init__(self, work: Work) -> None:
        self.work = work
        self.progress = Progress()
        self.result: Any = None
        self.error: Exception | None = None
        self.ended = threading.Event()

    @property
    def is_done(self) -> bool:
        """Whether it is done or has failed."""
        return self.ended.is_set()

    def follow(self, progress: Progress) -> None:
        """Note how far it is."""
        self.progress = progress


class Jobs:
    """The work of one explorer, one piece after the other.

    Args:
        open_store: Opens the store for the thread that works.
    """

    def __init__(self, open_store: Callable[[], Store]) -> None:
        self._open_store = open_store
        self._jobs: dict[tuple[str, ...], Job] = {}
        self._queue: queue.Queue[Job | None] = queue.Queue()
        self._thread: threading.Thread | None = None

    def run(self, key: tuple[str, ...], work: Work) -> Job:
        """Return the job of a key; start it unless it was started before.

        Raises:
            LyrikstoreError: It failed; the next call starts it again. So is any other error.
        """
        job = self._jobs.get(key)
        if job is None:
            while len(self._jobs) >= MAX_KEPT:
                self._jobs.pop(next(iter(self._jobs)))
            job = self._jobs[key] = Job(work)
            self._queue.put(job)
            if self._thread is None:
                # It is not waited for at the end: it writes to the cache only, whole files at once.
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()
        if job.error is not None:
            del self._jobs[key]
            raise job.error
        return job

    def forget(self, key: tuple[str, ...]) -> None:
        """Drop the result of a key."""
        self._jobs.pop(key, None)

    def close(self) -> None:
        """Ask the thread to end after the work under way."""
        self._queue.put(None)

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            try:
                store = self._open_store()
                store.progress = job.follow
                job.result = job.work(store)
            except Exception as error:  # noqa: BLE001 - raised where its page is asked for
                job.error = error
            job.ended.set()
