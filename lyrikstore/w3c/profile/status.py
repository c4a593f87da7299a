"""The check ``status`` of a foreign credential: Bitstring Status List 1.0 (spec §17.8).

It fails closed, like that of lyrikstore's own credentials (spec §11.4.1): a list that cannot be
read, has an unknown type or another issuer, or is too old never counts as "not revoked".
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from msgspec import Struct

from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.limits import (
    MAX_INDEX_DIGITS,
    MAX_STATUS_ENTRIES,
    MAX_STATUS_SIZE,
    STATUS_LIST_ENTRIES,
)
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import CLOCK_SKEW, format_timestamp, parse_foreign_timestamp
from lyrikstore.credentials.did import Resolver
from lyrikstore.credentials.model.opened import LIST_TYPE, OpenedCredential
from lyrikstore.credentials.model.status_list import (
    inflate,
    newest_first,
)
from lyrikstore.verify.credential.status import StatusUpdates
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
from lyrikstore.w3c.problems import STATUS, problem_detail
from lyrikstore.w3c.profile.model import check_credential_model
from lyrikstore.w3c.profile.proofs import check_binding, check_proofs
from lyrikstore.w3c.values import id_of, is_url, items_of, types_of

_INDEX = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_WORDS = {"revocation": "revoked", "suspension": "suspended"}
_INFORMING = {"message", "refresh"}
"""Purposes with information about the credential that do not revoke it."""


class ForeignStatusEntry(Struct, frozen=True):
    """A ``BitstringStatusListEntry`` (B1, B2).

    Attributes:
        purpose: The meaning of its value, such as ``revocation``.
        index: Its index in the list.
        url: URL of the list.
        size: Number of bits of its value.
        messages: Value → its meaning; may be empty.
    """

    purpose: str
    index: int
    url: str
    size: int
    messages: Mapping[int, str]

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> "ForeignStatusEntry":
        """Read an entry.

        Raises:
            FormatError: (``bad-status``) a value is malformed.
        """
        index, url = item.get("statusListIndex"), item.get("statusListCredential")
        purpose, size = item.get("statusPurpose"), item.get("statusSize", 1)
        if not isinstance(purpose, str) or not purpose:
            _malformed("statusPurpose is not a string")
        # A string of digits and nothing else: 94567, 9e4, " 94567" and 94_567 are one number to
        # some readers and none, or another one, to others.
        if (
            not isinstance(index, str)
            or len(index) > MAX_INDEX_DIGITS
            or not _INDEX.fullmatch(index)
        ):
            _malformed("statusListIndex is not a string of digits")
        if not isinstance(url, str) or not is_url(url):
            _malformed("statusListCredential is not a URL")
        if item.get("id") == url:
            _malformed("its id is the URL of the list")
        if type(size) is not int or not 1 <= size <= MAX_STATUS_SIZE:
            _malformed(f"statusSize is not an integer from 1 to {MAX_STATUS_SIZE}")
        return cls(purpose, int(index), url, size, _messages(item, size))


class List(Struct, frozen=True):
    """A status list that verified (B3).

    Attributes:
        bits: Its bits, the first one is the most significant bit of the first byte.
        made: ``validFrom``.
        until: ``validUntil`` or the end of ``ttl``, whichever comes first; None without an end.
    """

    bits: bytes
    made: datetime
    until: datetime | None

    def value(self, entry: ForeignStatusEntry) -> int:
        """Return the value at an entry.

        Raises:
            FormatError: (``range``) the index is beyond the list; (``short-list``) the list has too
                few entries of that size, so that it would show whose they are.
        """
        if len(self.bits) * 8 // entry.size < STATUS_LIST_ENTRIES:
            raise FormatError(
                "short-list", f"fewer than {STATUS_LIST_ENTRIES} entries tell whose they are"
            )
        first = entry.index * entry.size
        if first + entry.size > len(self.bits) * 8:
            raise FormatError("range", f"entry {entry.index} is outside it")
        value = 0
        for bit in range(first, first + entry.size):
            value = value << 1 | (self.bits[bit // 8] >> (7 - bit % 8) & 1)
        return value


def check_w3c_status(
    document: Mapping[str, JSON],
    issuer: str,
    *,
    status_updates: StatusUpdates,
    at: datetime,
    max_age: timedelta,
    resolver: Resolver,
) -> Check:
    """Return the check ``status`` of a credential with a valid signature.

    Args:
        document: The credential, as signed.
        issuer: Its issuer, who must also have issued the lists.
        status_updates: The available status lists.
        at: The moment of verification.
        max_age: The maximum age of a list that the verifier accepts.
        resolver: Finds the keys of the lists.

    Cost: a signature and at most 1 MiB of memory per list read; at most 16 entries, 8 lists each.
    """
    stated = items_of(document.get("credentialStatus", []))
    if not stated:
        return not_applicable("status", "names no status list: this credential cannot be revoked")
    if len(stated) > MAX_STATUS_ENTRIES:
        return unchecked("status", "too-many", f"more than {MAX_STATUS_ENTRIES} status entries")
    judge = _Judge(issuer, status_updates.lists, at, max_age, resolver)
    judged = [judge.entry(item) for item in stated]
    worst = first_in(judged, CheckState.FAIL, CheckState.UNCHECKED, CheckState.WARN)
    if worst is not None:
        return worst
    oldest = min(str(check.detail["asOf"]) for check in judged)
    summaries = "; ".join(check.summary for check in judged)
    return passed("status", f"{summaries}, by status lists made at {oldest}", asOf=oldest)


def check_entry_models(document: Mapping[str, JSON]) -> None:
    """Raise ``bad-status`` unless every bitstring entry of an unsigned credential is well-formed.

    Raises:
        FormatError: (``bad-status``) an entry is malformed (MALFORMED_VALUE_ERROR, B5).
    """
    for item in items_of(document.get("credentialStatus", [])):
        if "BitstringStatusListEntry" in types_of(item):
            ForeignStatusEntry.of(item)


class _Judge(Struct, frozen=True):
    issuer: str
    lists: Mapping[str, Sequence[OpenedCredential]]
    at: datetime
    max_age: timedelta
    resolver: Resolver

    def entry(self, item: dict[str, Any]) -> Check:
        if types_of(item) != ("BitstringStatusListEntry",):
            summary = f"an entry of a type not known here: {quote(item.get('type'))}"
            return unchecked("status", "unknown-type", summary)
        try:
            entry = ForeignStatusEntry.of(item)
        except FormatError as error:
            # It may say "revoked".
            problem = problem_detail(STATUS + "MALFORMED_VALUE_ERROR")
            return failed("status", "bad-entry", quote(error.message, 300), **problem)
        best: List | None = None
        trouble = _open("no-list", entry, "it is not at hand", "STATUS_RETRIEVAL_ERROR")
        stated = self.lists.get(entry.url, ())
        if stated:
            trouble = _open("foreign-list", entry, "it is of another issuer")
        chosen, unread = newest_first(stated, self.issuer, self.at)
        for one in chosen:
            try:
                found = self._read(one, entry)
                value = found.value(entry)
            except LyrikstoreError as error:
                trouble = _open(*_trouble(entry, error))
                continue
            if best is None or (found.made, value) > (best.made, best.value(entry)):
                best = found
        if best is None:
            return trouble
        check = self._check_value(best, entry)
        if check.state is CheckState.FAIL or unread is None or unread < best.made:
            return check
        too_many = "there are more of its age than are read"
        return _open("too-many-lists", entry, too_many, asOf=format_timestamp(best.made))

    def _read(self, opened: OpenedCredential, entry: ForeignStatusEntry) -> List:
        document = opened.stated or {}
        check_credential_model(document)
        signed = check_proofs(
            document, purpose="assertionMethod", at=self.at, resolver=self.resolver
        )
        if signed.verified is None:
            raise FormatError("unsound-list", signed.check.summary)
        document = signed.verified.document
        named = id_of(document["issuer"])
        if check_binding("issuer.binding", named, signed).state is not CheckState.PASS:
            raise FormatError("unsound-list", "it is signed by somebody else than its issuer")
        if named != self.issuer:
            raise FormatError("foreign-list", "it is of another issuer")
        return _list(document, entry, self.at)

    def _check_value(self, found: List, entry: ForeignStatusEntry) -> Check:
        value, made = found.value(entry), format_timestamp(found.made)
        word = _WORDS.get(entry.purpose)
        if value and entry.purpose not in _INFORMING:
            # A list of any age: a revocation stays until a newer list clears it.
            reason = word or "set"
            what = word or f"{quote(entry.purpose)} is set"
            problem = problem_detail(STATUS + "STATUS_VERIFICATION_ERROR")
            summary = f"{what} by its issuer, by a list made at {made}"
            return failed("status", reason, summary, asOf=made, value=value, **problem)
        if found.until is not None and self.at > found.until:
            problem_text = f"it was made at {made} and good until {format_timestamp(found.until)}"
            return _open("expired-list", entry, problem_text, asOf=made)
        if self.at - found.made > self.max_age:
            return _open(
                "stale-list", entry, f"it was made at {made}, too long ago for you", asOf=made
            )
        if entry.purpose not in _INFORMING:
            return passed("status", f"not {word or quote(entry.purpose)}", asOf=made, value=value)
        message = entry.messages.get(value, "")
        summary = f"{entry.purpose} {value:#x}{': ' + quote(message) if message else ''}"
        if value:
            return warned("status", entry.purpose, summary, asOf=made, value=value, message=message)
        return passed("status", summary, asOf=made, value=value)


def _list(document: dict[str, Any], entry: ForeignStatusEntry, at: datetime) -> List:
    subject = document["credentialSubject"]
    if LIST_TYPE not in types_of(document) or not isinstance(subject, dict):
        _malformed(f"its type is not {LIST_TYPE}")
    if "BitstringStatusList" not in types_of(subject):
        _malformed("its subject is not a BitstringStatusList")
    # ATTACK: a list of another URL, sound in itself, in which the bit happens to be clear.
    if document.get("id") != entry.url:
        raise FormatError("wrong-list", "it is of another URL")
    if entry.purpose not in items_of(subject.get("statusPurpose")):
        raise FormatError("wrong-list", "it is of another purpose")
    if "validFrom" not in document:
        raise FormatError("undated-list", "the status list has no date of creation")
    made = parse_foreign_timestamp(document["validFrom"])
    if made - at > CLOCK_SKEW:
        raise FormatError("future-list", "it is from the future")
    ends = []
    if "validUntil" in document:
        ends.append(parse_foreign_timestamp(document["validUntil"]))
    ttl = subject.get("ttl", None)
    if ttl is not None:
        if type(ttl) is not int or not 0 < ttl < 10**14:
            _malformed("ttl is not a number of milliseconds")
        latest = datetime.max.replace(tzinfo=UTC)
        ends.append(made + min(timedelta(milliseconds=ttl), latest - made))
    return List(inflate(subject.get("encodedList")), made, min(ends, default=None))


def _messages(item: Mapping[str, Any], size: int) -> dict[int, str]:
    stated = item.get("statusMessage")
    if stated is None:
        if size > 1:
            _malformed("statusSize without statusMessage")
        return {}
    if not isinstance(stated, list) or len(stated) != 1 << size:
        _malformed(f"statusMessage has not {pluralize(1 << size, 'entry')}")
    found: dict[int, str] = {}
    for one in stated:
        status = one.get("status") if isinstance(one, dict) else None
        message = one.get("message") if isinstance(one, dict) else None
        if not isinstance(status, str) or not re.fullmatch(r"0x[0-9a-fA-F]{1,4}", status):
            _malformed("a status message without its status in hexadecimal")
        if not isinstance(message, str) or int(status, 16) in found or int(status, 16) >> size:
            _malformed("a status message that is no text, occurs twice, or is beyond the size")
        found[int(status, 16)] = message
    return found


def _trouble(
    entry: ForeignStatusEntry, error: LyrikstoreError
) -> tuple[str, ForeignStatusEntry, str, str]:
    problem = {
        "range": "RANGE_ERROR",
        "short-list": "STATUS_LIST_LENGTH_ERROR",
        "bad-status": "MALFORMED_VALUE_ERROR",
    }.get(error.kind, "STATUS_VERIFICATION_ERROR")
    known = {"wrong-list", "foreign-list", "future-list", "undated-list", "short-list", "range"}
    reason = error.kind if error.kind in known else "unsound-list"
    return reason, entry, error.message, problem


def _open(
    reason: str,
    entry: ForeignStatusEntry,
    trouble: str,
    problem: str = "STATUS_VERIFICATION_ERROR",
    **detail: JSON,
) -> Check:
    return unchecked(
        "status",
        reason,
        f"the {quote(entry.purpose)} list {quote(entry.url)}: {quote(trouble, 200)}",
        list=entry.url,
        **detail,
        **problem_detail(STATUS + problem),
    )


def _malformed(reason: str) -> NoReturn:
    raise FormatError("bad-status", f"not a sound status list or entry: {reason}")
