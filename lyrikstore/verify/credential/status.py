"""The check ``status``: whether the issuer revoked or replaced a credential (spec §11.4.1).

Sans-IO. Fails closed: a list that is missing, stale, unsound or of another issuer never counts as
"not revoked", because the party that hands over a delivery chooses which lists are in it.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

from msgspec import Struct, field
from msgspec.structs import replace

from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.json import may_contain
from lyrikstore.canon.limits import MAX_DID_DOCUMENTS
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.timestamps import CLOCK_SKEW, format_timestamp
from lyrikstore.credentials.did import KnownDocument, documents_among
from lyrikstore.credentials.model.logged import logged_credential
from lyrikstore.credentials.model.opened import LIST_TYPE, OpenedCredential
from lyrikstore.credentials.model.status_entry import StatusEntry
from lyrikstore.credentials.model.status_list import (
    StatusList,
    newest_first,
)
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.multikey import parse_verification_method
from lyrikstore.verify.credential.key_statements import NO_STATEMENTS, Statements, statements_here
from lyrikstore.verify.report import (
    Check,
    CheckState,
    failed,
    first_in,
    not_applicable,
    passed,
    unchecked,
    warned,
)

if TYPE_CHECKING:  # who verifies a delivery has no store, and loads none
    from lyrikstore.history.repository.repository import Repository

Keys = Callable[[str], PublicKey]
"""Verification method → key."""


class StatusUpdates(Struct, frozen=True):
    """The available status lists, replacements, DID documents and key statements of issuers.

    Issuers published them after issuing their credentials. Nothing of it is verified yet.

    Attributes:
        lists: URL → the status lists that claim to be that one.
        successors: Credential, as ``urn:blake3:`` → credentials that claim to replace it.
        documents: DID documents from next to a credential, or fetched on request.
        statements: Key statements of stores.
        in_log: Whether all of these are logged before the credential's use that is judged: then a
            revocation among them is not in the future, whatever the clock says.
    """

    lists: Mapping[str, Sequence[OpenedCredential]] = field(default_factory=dict)
    successors: Mapping[str, Sequence[OpenedCredential]] = field(default_factory=dict)
    documents: Sequence[KnownDocument] = ()
    statements: Statements = NO_STATEMENTS
    in_log: bool = False

    @classmethod
    def among(
        cls,
        files: Iterable[OpenedCredential],
        fetched: Iterable[KnownDocument] = (),
        *,
        documents: int = MAX_DID_DOCUMENTS,
    ) -> Self:
        """Return the status updates among ``files``, in their order. Cost: reads no other files.

        Args:
            files: Files such as those next to a credential.
            fetched: DID documents fetched from the addresses of their DIDs.
            documents: The maximum number of DID documents to read.
        """
        distinct: dict[bytes, OpenedCredential] = {}
        for one in files:  # under two names a file says what it says once
            distinct.setdefault(one.data, one)
        lists: dict[str, list[OpenedCredential]] = {}
        successors: dict[str, list[OpenedCredential]] = {}
        for one in distinct.values():
            if one.list_url is not None:
                lists.setdefault(one.list_url, []).append(one)
            elif one.supersedes is not None:
                successors.setdefault(one.supersedes, []).append(one)
        known = (*fetched, *documents_among(distinct, most=documents))
        return cls(lists, successors, known, Statements.among(distinct))

    def log_lists(self, opened: OpenedCredential) -> tuple[StatusEntry, ...]:
        """Return entries for a credential in available lists that the credential does not name."""
        if opened.is_listed or not self.lists:
            return ()
        return tuple(entry for entry in opened.entries if entry.url in self.lists)


NO_STATUS_UPDATES = StatusUpdates()

_END = datetime.max.replace(tzinfo=UTC)
UNLISTED = not_applicable(
    "status", "names no status list: only its issuer's log would show a revocation"
)
_SAYS_NOTHING = frozenset({"foreign-list", "expired-list", "stale-list"})
_SAID = {"revocation": "revoked", "suspension": "suspended"}


def check_status(
    opened: OpenedCredential,
    issuer: str,
    status_updates: StatusUpdates,
    at: datetime,
    max_age: timedelta,
    keys: Keys = parse_verification_method,
) -> Check:
    """Return the check ``status`` of a genuine credential, from its status lists.

    Args:
        opened: The credential, its signature verified.
        issuer: Its issuer; the lists must have the same issuer.
        status_updates: The available status lists.
        at: The moment for which the result holds.
        max_age: The maximum age of a list that the verifier accepts.
        keys: Finds the keys of the lists.
    """
    if not opened.is_listed:
        judged = [
            _judge(e, issuer, status_updates, at, max_age, keys)
            for e in status_updates.log_lists(opened)
        ]
        worst = first_in(judged, CheckState.FAIL, CheckState.UNCHECKED)
        # Only what takes it back counts, and what might: nobody makes lists that do not.
        says_nothing = worst is None or worst.detail["reason"] in _SAYS_NOTHING
        return UNLISTED if worst is None or says_nothing else worst
    try:
        entries = opened.entries
    except FormatError as error:
        # An entry that cannot be read may say "revoked".
        return unchecked("status", "bad-entry", quote(error.message, 300))
    judged = [_judge(entry, issuer, status_updates, at, max_age, keys) for entry in entries]
    if (worst := first_in(judged, CheckState.FAIL, CheckState.UNCHECKED)) is not None:
        return worst
    oldest = min(str(check.detail["asOf"]) for check in judged)
    said = " and ".join(f"not {_SAID[entry.purpose]}" for entry in entries)
    said += f", by status lists made at {oldest}"
    for check in judged:
        if check.state is CheckState.WARN:
            detail = {**check.detail, "asOf": oldest}
            return replace(check, words=(f"{said}; {check.summary}", detail))
    return passed("status", said, asOf=oldest)


class LoggedStatusUpdates:
    """The status updates that a store has logged, and the key statements of its policies.

    An update signed by a key that was compromised by then is omitted: a thief of a key cannot undo
    a revocation.

    Args:
        repository: The store.

    Attributes:
        all: All of these updates.
        unread: Log indices of unreadable entries, and why: each may revoke anything.

    Cost: one read per logged credential.
    """

    def __init__(self, repository: "Repository") -> None:
        self._found: list[tuple[int, OpenedCredential]] = []
        self.unread: list[tuple[int, LyrikstoreError]] = []
        for entry in repository.entries():
            if entry.type == "credential":
                try:
                    opened = logged_credential(repository, entry.id)
                    if not repository.is_suspect(opened.data, entry.index):
                        self._found.append((entry.index, opened))
                except LyrikstoreError as error:
                    self.unread.append((entry.index, error))
        # Where what was said changes: most credentials say nothing of another.
        self._changes = [index for index, one in self._found if _may_be_notice(one.data)]
        self._known: dict[int, StatusUpdates] = {}
        self.all = self._until(self._found[-1][0] + 1 if self._found else 0)
        try:
            here = statements_here(repository)
        except LyrikstoreError:  # the report of what counts here says so
            return
        self.all = replace(self.all, statements=replace(self.all.statements, here=here))

    def before(self, index: int) -> StatusUpdates:
        """Return the status updates among the first ``index`` entries of the log.

        Key statements are not limited in this way: a theft found later had already happened.
        """
        count = bisect_left(self._changes, index)
        if count not in self._known:
            said = self.all.statements
            self._known[count] = replace(self._until(index), statements=said)
        return self._known[count]

    def changes_since(self, index: int) -> Sequence[int]:
        """Return the log indices, from ``index`` on, of entries that may change a status."""
        return self._changes[bisect_left(self._changes, index) :]

    def _until(self, end: int) -> StatusUpdates:
        files = [one for index, one in self._found if index < end]
        # Newest first: only so many are looked at.
        found = StatusUpdates.among(reversed(files), documents=len(files))
        return replace(found, in_log=True)


def logged_status_updates(repository: "Repository") -> StatusUpdates:
    """Return all status updates that a store has logged; see :class:`LoggedStatusUpdates`."""
    return repository.derived(LoggedStatusUpdates).all


def _may_be_notice(data: bytes) -> bool:
    words = (LIST_TYPE, "supersedes")
    return any(may_contain(data, word) for word in words) or bool(documents_among([data]))


def _judge(
    entry: StatusEntry,
    issuer: str,
    status_updates: StatusUpdates,
    at: datetime,
    max_age: timedelta,
    keys: Keys,
) -> Check:
    best: StatusList | None = None
    stated = status_updates.lists.get(entry.url, ())
    trouble = _open("no-list", entry, "it is not at hand")
    if stated:  # somebody else's must not outdo the right one; nor be unpacked
        trouble = _open("foreign-list", entry, "it is signed by another issuer")
    # ATTACK: a clock set back, to before the list which takes it back and stands in the log.
    chosen, unread = newest_first(stated, issuer, _END if status_updates.in_log else at)
    ahead: StatusList | None = None
    later: tuple[datetime, str] | None = None
    for one in chosen:
        found, problem = _read(one, entry, issuer, keys)
        if found is None:
            trouble = _open(*problem)
            in_time = one.made - at <= CLOCK_SKEW
            if problem[0] == "unsound-list" and one.issuer == issuer and in_time:
                later = later or (one.made, problem[2])
        elif found.valid_from - at > CLOCK_SKEW:
            trouble = _open("future-list", entry, "it is from the future")
            if status_updates.in_log and (ahead is None or _counts_more(found, ahead, entry)):
                ahead = found
        elif best is None or _counts_more(found, best, entry):
            best = found
    if ahead is not None and ahead.holds(entry.index):
        best = ahead
    if best is None:
        return trouble
    made = format_timestamp(best.valid_from)
    if best.holds(entry.index):
        # However old the list: what was revoked stays so, and a suspension ends by a newer list.
        word = _SAID[entry.purpose]
        return failed("status", word, f"{word} by its issuer, by a list made at {made}", asOf=made)
    if unread is not None and unread >= best.valid_from:
        return _open("too-many-lists", entry, "there are more of its age than are read", made)
    check = _fresh(best, entry, at, max_age)
    if check.state is CheckState.PASS and later is not None and best.valid_from < later[0]:
        # Anybody can make one, so it decides nothing. But it may be by a key that the issuer's
        # newer document lists, and take the credential back.
        summary = (
            f"one of {quote(entry.url)} that says it was made later, at "
            f"{format_timestamp(later[0])}, cannot be read: {later[1]}"
        )
        return warned("status", "unread-list", summary, list=entry.url, asOf=made)
    return check


def _counts_more(found: StatusList, best: StatusList, entry: StatusEntry) -> bool:
    if found.valid_from != best.valid_from:
        return found.valid_from > best.valid_from
    # Two of one second: whichever takes it back, for whoever hands them over chose their order.
    return found.holds(entry.index)


def _read(
    opened: OpenedCredential, entry: StatusEntry, issuer: str, keys: Keys
) -> tuple[StatusList | None, tuple[str, StatusEntry, str]]:
    try:
        found = StatusList.of(opened, keys)
        if entry.index >= len(found):
            raise FormatError("bad-status", f"entry {entry.index} is outside it")
    except LyrikstoreError as error:
        return None, ("unsound-list", entry, quote(error.message, 200))
    if found.url != entry.url or found.purpose != entry.purpose:
        return None, ("wrong-list", entry, "it is of another URL or purpose")
    if found.issuer != issuer:
        return None, ("foreign-list", entry, "it is signed by another issuer")
    return found, ("", entry, "")


def _fresh(found: StatusList, entry: StatusEntry, at: datetime, max_age: timedelta) -> Check:
    made = format_timestamp(found.valid_from)
    if at > found.valid_until:
        until = format_timestamp(found.valid_until)
        return _open("expired-list", entry, f"it was made at {made} and good until {until}", made)
    if at - found.valid_from > max_age:
        return _open("stale-list", entry, f"it was made at {made}, too long ago for you", made)
    return passed("status", "", asOf=made)


def _open(reason: str, entry: StatusEntry, problem: str, made: str = "") -> Check:
    return unchecked(
        "status",
        reason,
        f"the {entry.purpose} list {quote(entry.url)}: {problem}",
        list=entry.url,
        **({"asOf": made} if made else {}),
    )
