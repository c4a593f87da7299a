"""Nothing in evidence can be changed unseen: every edit is refused, invalid, or of the subject."""

import json
from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import make_audit
from lyrikstore.audit.file.evidence import AuditEvidence
from lyrikstore.audit.file.opened import OpenedEvidence
from lyrikstore.canon.json import encode
from tests.audit.file.conftest import EVIDENCE

DOCUMENT = json.loads(EVIDENCE)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every text in evidence."""
    if isinstance(value, str):
        return [path]
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    return [one for name, item in inside for one in places(item, (*path, name))]


PLACES = [one for one in places({**DOCUMENT, "audit": "1"}) if one[0] not in {"about", "audit"}]


@given(st.sampled_from(PLACES), st.integers(0, 1 << 20), st.sampled_from('0a{"\n é'))
@settings(max_examples=150, deadline=None)
def test_a_changed_character(path: tuple[Any, ...], at: int, new: str) -> None:
    changed = deepcopy(DOCUMENT)
    place = changed
    for step in path[:-1]:
        place = place[step]
    text = place[path[-1]]
    at %= len(text)
    place[path[-1]] = text[:at] + new + text[at + 1 :]
    if place[path[-1]] == text:
        return
    said, _ = make_audit.judge(encode(changed))
    assert said.get("verdict", "refused") in {"invalid", "refused"}


@given(st.sets(st.integers(0, len(DOCUMENT["objects"]) - 1), min_size=1, max_size=20))
@settings(max_examples=40, deadline=None)
def test_what_is_left_out_is_missed_or_counted(gone: set[int]) -> None:
    changed = deepcopy(DOCUMENT)
    changed["objects"] = [one for at, one in enumerate(DOCUMENT["objects"]) if at not in gone]
    said, opened = make_audit.judge(encode(changed))
    assert opened is not None
    assert opened.left_out == len(gone) + OpenedEvidence(AuditEvidence.parse(EVIDENCE)).left_out
    assert said["verdict"] in {"trusted-without-data", "incomplete", "invalid"}


@given(st.lists(st.integers(0, len(EVIDENCE) - 1), min_size=1, max_size=3), st.integers(1, 255))
@settings(max_examples=100, deadline=None)
def test_changed_bytes(places: list[int], change: int) -> None:
    data = bytearray(EVIDENCE)
    for at in places:
        data[at] ^= change
    if bytes(data) == EVIDENCE:
        return
    said, _ = make_audit.judge(bytes(data))
    subject = EVIDENCE.index(b'"audit"')  # what it is about is nobody's signature
    if min(places) > subject:
        assert said.get("verdict", "refused") in {"invalid", "refused"}
