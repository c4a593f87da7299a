"""Every MUST of Bitstring Status List 1.0, by its number in the reference (B)."""

from datetime import timedelta
from typing import Any

import pytest

from lyrikstore.canon.errors import FormatError
from lyrikstore.credentials.did import Resolver
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.verify.credential.status import StatusUpdates
from lyrikstore.verify.report import Verdict
from lyrikstore.w3c.profile.status import ForeignStatusEntry, check_w3c_status
from tests.w3c.requirements.judging import judge

ENTRY = {
    "type": "BitstringStatusListEntry",
    "statusPurpose": "revocation",
    "statusListIndex": "7",
    "statusListCredential": "https://status.example/1",
}


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({}, True),
        ({"id": "https://status.example/1#7"}, True),
        ({"id": "https://status.example/1"}, False),
        ({"statusPurpose": 7}, False),
        ({"statusPurpose": ""}, False),
        ({"statusListIndex": 7}, False),
        ({"statusListIndex": "07"}, False),
        ({"statusListIndex": "-1"}, False),
        ({"statusListIndex": "7 "}, False),
        ({"statusListCredential": "x"}, False),
        ({"statusListCredential": None}, False),
    ],
)
def test_B1_entries(changes: dict[str, Any], good: bool) -> None:
    if good:
        assert ForeignStatusEntry.of({**ENTRY, **changes}).index == 7
        return
    with pytest.raises(FormatError):
        ForeignStatusEntry.of({**ENTRY, **changes})


def test_B2_sizes_and_messages(made: Any) -> None:
    assert ForeignStatusEntry.of(ENTRY).size == 1
    messages = [{"status": f"{n:#x}", "message": f"m{n}"} for n in range(4)]
    assert (
        ForeignStatusEntry.of({**ENTRY, "statusSize": 2, "statusMessage": messages}).messages[3]
        == "m3"
    )
    assert ForeignStatusEntry.of({**ENTRY, "statusMessage": messages[:2]}).messages == {
        0: "m0",
        1: "m1",
    }
    for bad in (
        {"statusSize": 0},
        {"statusSize": -1},
        {"statusSize": 1.5},
        {"statusSize": "1"},
        {"statusSize": True},
        {"statusSize": 2},
        {"statusSize": 2, "statusMessage": messages[:3]},
        {"statusSize": 2, "statusMessage": [*messages[:3], {"status": "0x3"}]},
        {"statusSize": 2, "statusMessage": [*messages[:3], messages[2]]},
        {"statusSize": 2, "statusMessage": [*messages[:3], {"status": "3", "message": "x"}]},
    ):
        with pytest.raises(FormatError):
            ForeignStatusEntry.of({**ENTRY, **bad})


def test_B3_the_first_entry_is_the_highest_bit(made: Any) -> None:
    for index in (0, 7, 8, 131071):
        text = made.with_status(statusListIndex=str(index))
        good = judge(made, text, made.status_list(made.bits_with(1, index ^ 1)))
        bad = judge(made, text, made.status_list(made.bits_with(1, index)))
        assert (good.verdict, bad.verdict) == (Verdict.TRUSTED, Verdict.INVALID)


@pytest.mark.parametrize("case", ["short", "range", "purpose", "set", "unsound", "malformed"])
def test_B4_validation(made: Any, case: str) -> None:
    text = made.with_status(**({"statusListIndex": "131072"} if case == "range" else {}))
    lists = {
        "short": made.status_list(bytes(16383)),
        "range": made.status_list(),
        "purpose": made.status_list(statusPurpose="suspension"),
        "set": made.status_list(made.bits_with(1)),
        "unsound": made.status_list().replace("2026-11-20", "2026-11-21"),
        "malformed": made.status_list(ttl="soon"),
    }
    problem = judge(made, text, lists[case]).check("status").detail["problem"]
    assert problem["title"] == {
        "short": "STATUS_LIST_LENGTH_ERROR",
        "range": "RANGE_ERROR",
        "malformed": "MALFORMED_VALUE_ERROR",
    }.get(case, "STATUS_VERIFICATION_ERROR")
    assert problem["type"].startswith("https://www.w3.org/ns/credentials/status-list#")


def test_B4_a_list_of_another_url_or_purpose_is_the_wrong_one(made: Any) -> None:
    document = made.base(credentialStatus=made.entry())
    for changes in ({"id": f"{made.LIST_URL}/other"}, {"statusPurpose": "suspension"}):
        opened = OpenedCredential(made.status_list(**changes).encode())
        check = check_w3c_status(
            document,
            made.ALICE.did,
            status_updates=StatusUpdates({made.LIST_URL: [opened]}),
            at=made.NOW,
            max_age=timedelta(days=30),
            resolver=Resolver(),
        )
        assert check.detail["reason"] == "wrong-list"


def test_B4_a_list_that_is_too_old_says_when_it_was_made(made: Any) -> None:
    old = "2026-09-01T00:00:00Z"
    report = judge(made, made.with_status(), made.status_list(validFrom=old, validUntil=None))
    detail = report.check("status").detail
    assert (detail["reason"], detail["asOf"]) == ("stale-list", old)
    assert report.verdict is Verdict.INCOMPLETE


@pytest.mark.parametrize(
    ("ttl", "good"), [(0, False), (10**9, True), (10**14 - 1, True), (10**14, False)]
)
def test_B4_how_long_a_list_may_be_kept(made: Any, ttl: int, good: bool) -> None:
    check = judge(made, made.with_status(), made.status_list(ttl=ttl)).check("status")
    assert (str(check.state), check.detail.get("reason")) == (
        ("pass", None) if good else ("unchecked", "unsound-list")
    )


def test_B4_values_of_several_bits(made: Any) -> None:
    words = [{"status": f"{n:#x}", "message": f"m{n}"} for n in range(8)]
    for index in (0, 1, 94567):
        entry = {"statusSize": 3, "statusMessage": words, "statusListIndex": str(index)}
        text = made.with_status(statusPurpose="message", **entry)
        for value in (1, 4, 6):
            bits = made.bits_with(value, index, size=3)
            check = judge(made, text, made.status_list(bits, statusPurpose="message"))
            found = check.check("status")
            assert (found.detail["value"], found.detail["message"]) == (value, f"m{value}")


def test_B5_malformed_values(made: Any) -> None:
    for changes in ({"statusListIndex": 7}, {"statusSize": 0}, {"statusPurpose": None}):
        check = judge(made, made.with_status(**changes), made.status_list()).check("status")
        assert check.detail["problem"]["title"] == "MALFORMED_VALUE_ERROR"
    check = judge(made, made.with_status()).check("status")
    assert check.detail["problem"]["title"] == "STATUS_RETRIEVAL_ERROR"
