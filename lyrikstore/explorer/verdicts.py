"""Verdicts of objects, found in the background and kept for the next start.

First the structure of the whole store is verified, as `verify --quick` does: signatures, log,
policies, links, rights; no data is read. Then objects are verified with all their data, one by one,
when a page asks for it, as `verify REF` does. Nothing counts as verified before.

Results hold for one state of the log, one trust file and one day. The first one is kept in the
user's cache folder of the store under these. It quotes names: a purge removes it. What was found
of data is not kept: it may have been changed since.
"""

import contextlib
import queue
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from lyrikstore.api import Digest, Report, Store
from lyrikstore.api.purge import explorer_folder
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.files import open_own, open_private
from lyrikstore.explorer.judgement import (
    FLAGGED,
    NOT_ALONE,
    NOT_VERIFIED,
    PENDING,
    SOUND,
    Judgement,
)
from lyrikstore.explorer.marks import MARKED_ALONE, marks_of, says_all
from lyrikstore.verify.store.log import check_log_state
from lyrikstore.verify.store.store import verify_store
from lyrikstore.version import __version__
from lyrikstore.web.texts import page_text

_FILE = "verdicts.json"
_MOST_BYTES = 64 << 20


class CheckLine(Struct, frozen=True):
    """One check of a verdict: its id, its state and its sentence."""

    id: str
    state: str
    summary: str


class KnownVerdict(Struct, frozen=True):
    """A verdict that was reached.

    Attributes:
        verdict: The verdict; of the structure of the whole store ``quick``, or ``doubtful`` if it
            does not say of which objects it does not hold.
        at: The moment for which it holds.
        checks: Its checks.
        not_proven: What no check of it can prove.
    """

    verdict: str
    at: str
    checks: tuple[CheckLine, ...] = ()
    not_proven: tuple[str, ...] = ()


class KnownVerdicts(Struct):
    """What is known for one state of the log, one trust file and one day.

    Attributes:
        key: Digest of these.
        store: Verdict on the structure of the store; None until it is reached.
        marks: Id → state and sentence of the objects about which it says something.
        objects: Id → verdict of an object that was verified with all its data.
    """

    key: str = ""
    store: KnownVerdict | None = None
    marks: dict[str, tuple[str, str]] = {}
    objects: dict[str, KnownVerdict] = {}


class Verdicts:
    """The verdicts of a store, for one explorer.

    Args:
        open_store: Opens the store for the thread that verifies.
        cache: This user's cache folder of the store; None to keep nothing.

    Attributes:
        known: What is known now.
        waiting: Ids of objects whose verification was asked for and is not done.
        failed: Why the store could not be verified at all; empty if it could.
    """

    def __init__(self, open_store: Callable[[], Store], cache: Path | None) -> None:
        self._open_store, self._cache = open_store, cache
        self.known = KnownVerdicts()
        self.waiting: set[str] = set()
        self.failed = ""
        self._work: queue.Queue[tuple[str, str] | None] = queue.Queue()
        self._thread: threading.Thread | None = None

    def follow(self, key: str) -> None:
        """Find the verdicts for another state, in the background; earlier ones count no more."""
        if key == self.known.key:
            return
        self.known = KnownVerdicts(key)
        self.waiting, self.failed = set(), ""
        self._ask(key, "")

    def ask_for(self, identity: str) -> None:
        """Verify an object with all its data, in the background."""
        if identity not in self.waiting and identity not in self.known.objects:
            self.waiting.add(identity)
            self._ask(self.known.key, identity)

    def close(self) -> None:
        """Ask the thread to end after the verification under way."""
        self._work.put(None)

    def judgement_of(self, identity: str) -> Judgement:
        """Return what is known about a logged manifest or credential."""
        known = self.known
        if (found := known.objects.get(identity)) is not None:
            at = page_text("explorer.verified-at", verdict=found.verdict, at=found.at)
            said = f"{page_text('explorer.with-data')} {at}"
            return Judgement(found.verdict, found.verdict, said)
        if identity in self.waiting:
            return PENDING
        if known.store is None:
            return NOT_VERIFIED
        if (marked := known.marks.get(identity)) is None:
            return SOUND if known.store.verdict == "quick" else NOT_ALONE
        state, detail = marked
        if state == MARKED_ALONE:
            return NOT_ALONE
        word = page_text(f"explorer.is-{state}")
        return FLAGGED if state == "flagged" else Judgement(state, word, detail)

    def _ask(self, key: str, identity: str) -> None:
        self._work.put((key, identity))
        if self._thread is None:
            # It is not waited for at the end: it only reads.
            self._thread = threading.Thread(target=self._verify_all, daemon=True)
            self._thread.start()

    def _verify_all(self) -> None:
        while (asked := self._work.get()) is not None:
            key, identity = asked
            if key != self.known.key:
                continue  # the log has grown since
            try:
                self._verify_one(key, identity)
            except LyrikstoreError as error:
                self.failed = f"{error.kind}: {error.message}"
            except Exception as error:  # noqa: BLE001 - said on every page; nothing counts as verified
                self.failed = type(error).__name__
            self.waiting.discard(identity)

    def _verify_one(self, key: str, identity: str) -> None:
        store = self._open_store()
        if state_key(store) != key:
            return  # it has grown since: the next page asks again
        if identity:
            verdict = _known(store.verify(identity.partition(":")[2], recompute=False))
            known = self.known
            if known.key == key:
                known.objects[identity] = verdict
        else:
            found = self._kept(key)
            if found.store is None or not _is_as_long(store, found.store):
                found = _structure_of(store, key)
                self._keep(found)
            known = self.known
            if known.key == key:
                known.marks = found.marks
                known.store = found.store

    def _kept(self, key: str) -> KnownVerdicts:
        if self._cache is not None:
            with contextlib.suppress(OSError, msgspec.MsgspecError, LyrikstoreError):
                # ATTACK A214: another user made the cache folder, and verdicts in it.
                with open_own(explorer_folder(self._cache) / _FILE) as file:
                    found = msgspec.json.decode(file.read(_MOST_BYTES), type=KnownVerdicts)
                if found.key == key:
                    return found
        return KnownVerdicts(key)

    def _keep(self, known: KnownVerdicts) -> None:
        if self._cache is None:
            return
        folder = explorer_folder(self._cache)
        with contextlib.suppress(OSError, LyrikstoreError):  # only the next start is slower
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            new = folder / f"{_FILE}.new"
            new.unlink(missing_ok=True)
            with open_private(new, "xb") as file:
                file.write(msgspec.json.encode(known))
            new.replace(folder / _FILE)


def state_key(store: Store) -> str:
    """Return the digest of all that verdicts depend on: log, trust file, day, program."""
    trust = store.trust_file.read_bytes() if store.trust_file.is_file() else b""
    repository = store.repository
    log = [repository.checkpoint.note, *(one.id.raw for one in repository.pending)]
    day = f"{store.clock():%Y-%m-%d} {__version__}".encode()
    return str(Digest.of(b"".join(Digest.of(one).raw for one in (*log, trust, day))))


def _structure_of(store: Store, key: str) -> KnownVerdicts:
    report = verify_store(store, share=0)
    marks = marks_of(store, report)
    is_whole = says_all(store.repository, report)
    return KnownVerdicts(key, _known(report, "quick" if is_whole else "doubtful"), marks)


def _is_as_long(store: Store, kept: KnownVerdict) -> bool:
    """Return whether the checks of the log give what they gave when a verdict was kept.

    ATTACK A214: a store is rolled back to the state for which a verdict was kept. Only the user's
    memory of its log knows that it was longer.
    """
    trust, at, memory = store.trust, store.clock(), store.memory
    log = check_log_state(store.repository, trust=trust, at=at, memory=memory)
    states = {one.id: one.state for one in kept.checks}
    return all(states.get(one.id) == str(one.state) for one in log.checks)


def _known(report: Report, verdict: str = "") -> KnownVerdict:
    checks = tuple(CheckLine(one.id, str(one.state), one.summary) for one in report.checks)
    return KnownVerdict(verdict or str(report.verdict), report.at, checks, report.not_proven)
