"""The explorer's state: the open store, the facts of its log entries, and what is known of them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from lyrikstore.api import Digest, Manifest, Store
from lyrikstore.canon.errors import LyrikstoreError, NotFoundError
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.curate.readers.records import ROWS
from lyrikstore.explorer.jobs import Job, Jobs
from lyrikstore.explorer.judgement import Judgement
from lyrikstore.explorer.page import href
from lyrikstore.explorer.verdicts import Verdicts, state_key
from lyrikstore.history.log.entries import read_checkpoint
from lyrikstore.history.repository.clone import LOCAL, SubBackend
from lyrikstore.verify.times.outside import OutsideTime, existed_by
from lyrikstore.web.texts import page_text

T = TypeVar("T")

WITHOUT_LINEAGE = ("genesis", "policy", "retention")
"""Kinds of manifests that nothing was made from, and that were made from nothing."""

COMPARED = ("dataset", "checkpoint")
"""Kinds of manifests of which two versions can be shown side by side."""

_MOST_KEPT = 8

Row = Mapping[str, Any]
"""The facts of a log entry, in the form of ``schemas/cli/log.schema.json``."""


class Facts:
    """The facts of all log entries of a store at one moment.

    Args:
        store: The store.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.rows: Sequence[Row] = store.query.log()

    @cached_property
    def outside_times(self) -> Sequence[OutsideTime]:
        """The outside times of the log that the user believes, the earliest first."""
        return self.store.query.outside_times()

    @cached_property
    def nickname(self) -> Callable[[str], str | None]:
        """A function from a DID to the user's name for it, or to None."""
        return self.store.policy.nicknames()

    def forget_trust(self) -> None:
        """Drop what depends on the trust file."""
        for name in ("nickname", "outside_times"):
            vars(self).pop(name, None)

    @cached_property
    def objects(self) -> Mapping[str, Row]:
        """Id → facts of the first entry of each manifest, in log order."""
        found: dict[str, Row] = {}
        for row in self.rows:
            if row["type"] == "manifest":
                found.setdefault(row["id"], row)
        return found

    @cached_property
    def users(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        """Id → role and id of the manifests that have it as an input, in log order."""
        found: dict[str, list[tuple[str, str]]] = {}
        for _, manifest in self.store.repository.all_manifests():
            for one in manifest.inputs:
                found.setdefault(str(one.id), []).append((one.role, str(manifest.id)))
        return found

    @cached_property
    def names(self) -> Mapping[str, Sequence[str]]:
        """Name → ids of its versions, the oldest first, sorted by name."""
        states = self.store.query.names()
        return {state.name: [str(one) for one in reversed(state.history)] for state in states}


def _read_all(store: Store) -> Facts:
    facts = Facts(store)
    for _ in (facts.objects, facts.names, facts.users, facts.outside_times):
        pass  # worked out at first use, which is now
    return facts


class Explorer:
    """One open store and what the pages show of it; used by one thread.

    Args:
        open_store: Opens the store; called again for work in other threads, because a store is
            used by one thread at a time.

    Attributes:
        store: The store, as of the last :meth:`refresh`.
        verdicts: What verification found.
        jobs: Work in the background for pages.
    """

    def __init__(self, open_store: Callable[[], Store]) -> None:
        self.open_store = open_store
        self.store = open_store()
        self._mark: tuple[bytes, ...] = ()
        self._facts: Facts | None = None
        self._results: dict[tuple[str, ...], Any] = {}
        self.verdicts = Verdicts(open_store, self.store.own_cache)
        self.jobs = Jobs(open_store)

    def close(self) -> None:
        """End the work in the background."""
        self.verdicts.close()
        self.jobs.close()

    def wait_until_read(self, seconds: float) -> Job | None:
        """Read all log entries in the background, and wait for it.

        Returns:
            The work, if it is not done after so many seconds; else None.

        Raises:
            LyrikstoreError: The log cannot be read, or does not verify.
        """
        if self._facts is not None or self._mark:
            return None
        mark, key = self._current_mark(), ("read",)
        job = self.jobs.run(key, _read_all)
        if not job.ended.wait(seconds):
            return job
        job = self.jobs.run(key, _read_all)  # raises its error
        self._facts = job.result
        self.store, self._mark = self._facts.store, mark
        self.jobs.forget(key)
        return None

    def refresh(self) -> None:
        """Move to the state that the log has now, if it has grown.

        Raises:
            LyrikstoreError: The log cannot be read, or does not verify.
        """
        mark = self._current_mark()
        if mark != self._mark:
            if self._mark:
                self.store.repository.refresh()
            self._mark, self._facts = mark, None
            self._results.clear()
        key = state_key(self.store)
        if key != self.verdicts.known.key:
            # Names of keys, terms and outside times depend on the trust file, too.
            self._results.clear()
            self.facts.forget_trust()
        self.verdicts.follow(key)

    def _current_mark(self) -> tuple[bytes, ...]:
        backend = self.store.repository.backend
        mark = [read_checkpoint(backend)]
        if self.store.is_clone:
            try:
                mark.append(read_checkpoint(SubBackend(backend, LOCAL)))
            except LyrikstoreError:  # no pending entry
                mark.append(b"")
        return tuple(mark)

    @property
    def facts(self) -> Facts:
        """The facts of all log entries, read again when the log has grown."""
        if self._facts is None:
            self._facts = Facts(self.store)
        return self._facts

    @property
    def cache(self) -> Path | None:
        """This user's cache folder of the store; None without one."""
        return self.store.own_cache

    @property
    def now(self) -> datetime:
        """The current time."""
        return self.store.clock()

    def judgement_of(self, identity: str) -> Judgement:
        """Return what is known about a logged manifest or credential."""
        return self.verdicts.judgement_of(identity)

    def row_of(self, identity: str) -> Row:
        """Return the facts of a manifest, by its whole id or at least 8 hex digits of it.

        Raises:
            NotFoundError: (``no-id``) it is not logged.
            InvalidInputError: As ``Store.resolve``.
        """
        found = self.facts.objects.get(identity)
        if found is None:
            found = self.facts.objects.get(str(self.store.resolve(identity).id))
        if found is None:
            raise NotFoundError("no-id", f"{identity} is not a logged object")
        return found

    def manifest(self, row: Row) -> Manifest:
        """Return the verified manifest of a row."""
        return self.store.repository.manifest(Digest.parse(row["id"]))

    def ways_from(self, manifest: Manifest) -> list[tuple[str, str]]:
        """Return texts and links of the views about an object, besides its own page."""
        found = []
        if manifest.kind == "dataset":
            found.append((page_text("explorer.dataset"), href("/dataset", id=manifest.id.hex)))
            if manifest.body["reader"] in ROWS:
                found.append((page_text("explorer.rows"), href("/rows", id=manifest.id.hex)))
        if manifest.tree is not None:
            found.append((page_text("explorer.files"), href("/files", id=manifest.id.hex)))
        if manifest.kind not in WITHOUT_LINEAGE:
            for path, key in (("/lineage", "lineage"), ("/impact", "impact-link")):
                found.append((page_text(f"explorer.{key}"), href(f"{path}/{manifest.id.hex}")))
        if manifest.parents and manifest.kind in COMPARED:
            link = href("/compare", a=manifest.parents[0].hex, b=manifest.id.hex)
            found.append((page_text("explorer.compare-previous"), link))
        return found

    def kept(self, key: tuple[str, ...], make: Callable[[], T]) -> T:
        """Return the result of ``make`` for a key, kept until the log grows.

        Only the last few results are kept.
        """
        if key not in self._results:
            while len(self._results) >= _MOST_KEPT:
                self._results.pop(next(iter(self._results)))
            self._results[key] = make()
        found: T = self._results[key]
        return found

    def existed_by(self, row: Row) -> str:
        """Return the earliest outside time of an entry, and who says it; empty if there is none."""
        seen = existed_by(self.facts.outside_times, row["logIndex"])
        return "" if seen is None else f"{format_timestamp(seen.time)} ({seen.by})"

    def key_name(self, did: str | None) -> str:
        """Return the user's name for a key, or the start of its DID and that it is not known."""
        if did is None:
            return ""
        short = did if len(did) <= 24 else f"{did[:20]}…"
        return self.facts.nickname(did) or f"{short} (unknown to you)"
