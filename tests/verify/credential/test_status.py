"""What status lists say of a credential, to the second, and what those that cannot be read do."""

from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.canon.json import encode, parse
from lyrikstore.canon.limits import STATUS_LIST_ENTRIES
from lyrikstore.canon.timestamps import CLOCK_SKEW, format_timestamp
from lyrikstore.credentials.issue import reference_to
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.model.status_entry import StatusEntry
from lyrikstore.credentials.model.status_list import sign_list
from lyrikstore.verify.credential.status import StatusUpdates, check_status

Says = Callable[..., str]

URL = "https://data.example/status/revocation-1.json"
EMPTY = bytes(STATUS_LIST_ENTRIES // 8)
SECOND, MONTH = timedelta(seconds=1), timedelta(days=30)


@pytest.fixture
def says(publisher: Any, world: SimpleNamespace) -> Says:
    """Return what lists say of a credential with one entry: the reason, or the state."""

    def check(
        *lists: bytes, index: int = 5, at: datetime = world.NOW, max_age: timedelta = MONTH
    ) -> str:
        data = publisher.credential(status=(StatusEntry("revocation", index, URL),))
        status_updates = StatusUpdates.among(map(OpenedCredential, lists))
        found = check_status(OpenedCredential(data), world.OWNER.did, status_updates, at, max_age)
        return str(found.detail.get("reason", found.state))

    return check


@pytest.fixture
def made(world: SimpleNamespace) -> Callable[..., bytes]:
    """Return what makes a list in which no bit is set, and damages it where that is asked for."""

    def sign(at: datetime, valid_for: timedelta = 9 * MONTH, *, damaged: bool = False) -> bytes:
        data = sign_list(URL, "revocation", EMPTY, world.OWNER, at, valid_for)
        if not damaged:
            return data
        document = parse(data)
        document["validUntil"] = format_timestamp(at + valid_for + SECOND)
        return encode(document)

    return sign


def test_an_entry_outside_its_list_is_not_clear(says: Says, made: Any, world: Any) -> None:
    one = made(world.NOW)
    assert says(one, index=STATUS_LIST_ENTRIES - 1) == "pass"
    assert says(one, index=STATUS_LIST_ENTRIES) == "unsound-list"


def test_a_list_counts_to_the_second(says: Says, made: Any, world: Any) -> None:
    one = made(world.NOW, MONTH)
    for last, then in ((MONTH, "expired-list"), (timedelta(days=9), "stale-list")):
        assert says(one, at=world.NOW + last, max_age=last) == "pass"
        assert says(one, at=world.NOW + last + SECOND, max_age=last) == then
    assert says(one, at=world.NOW - CLOCK_SKEW) == "pass"
    assert says(one, at=world.NOW - CLOCK_SKEW - SECOND) == "future-list"


def test_a_later_list_that_cannot_be_read_is_reported(says: Says, made: Any, world: Any) -> None:
    """Anybody can make one: it is told of where it may be the issuer's, and changes no verdict."""
    sound, at = made(world.NOW - MONTH), world.NOW
    for when, said in (
        (at - MONTH, "pass"),
        (at - MONTH + SECOND, "unread-list"),
        (at + CLOCK_SKEW, "unread-list"),
        (at + CLOCK_SKEW + SECOND, "pass"),
    ):
        assert says(sound, made(when, damaged=True)) == said
        assert says(made(when, damaged=True), sound) == said
    assert says(made(at, damaged=True)) == "unsound-list"


def test_of_two_lists_ahead_in_the_log_the_one_that_revokes_counts(
    publisher: Any, world: SimpleNamespace
) -> None:
    """ATTACK: who set the clock back hands over two lists of one second, in the order of choice."""
    data = publisher.credential(status=(StatusEntry("revocation", 0, URL),))
    clear, revoked = (
        OpenedCredential(
            sign_list(URL, "revocation", bits, world.OWNER, world.NOW + 2 * CLOCK_SKEW, MONTH)
        )
        for bits in (EMPTY, b"\x80" + EMPTY[1:])
    )
    for lists, said in (
        ((clear, revoked), "revoked"),
        ((revoked, clear), "revoked"),
        ((clear,), "future-list"),
    ):
        status_updates = replace(StatusUpdates.among(lists), in_log=True)
        found = check_status(
            OpenedCredential(data), world.OWNER.did, status_updates, world.NOW, MONTH
        )
        assert found.detail["reason"] == said


def test_a_list_that_a_credential_does_not_name_is_not_of_it(
    publisher: Any, made: Any, world: SimpleNamespace
) -> None:
    """What names lists is judged by those, and what names none by its issuer's log."""
    lists = map(OpenedCredential, [made(world.NOW)])
    status_updates = StatusUpdates.among(lists)
    unlisted = OpenedCredential(publisher.credential())
    found = check_status(unlisted, world.OWNER.did, status_updates, world.NOW, MONTH)
    assert (found.state, dict(found.detail)) == ("n/a", {})


def test_notices_are_lists_and_successors(
    publisher: Any, made: Any, world: SimpleNamespace
) -> None:
    old = publisher.credential()
    new = publisher.credential(
        id="urn:uuid:3f0a1d52-6c86-4f0e-9a44-6a1f2a0f6f1c", supersedes=reference_to(old)
    )
    one = made(world.NOW)
    found = StatusUpdates.among(map(OpenedCredential, (old, new, new, one)))
    assert [(url, [each.data for each in all_]) for url, all_ in found.lists.items()] == [
        (URL, [one])
    ]
    (successors,) = found.successors.values()
    assert [each.data for each in successors] == [new]
