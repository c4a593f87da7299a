"""Time stamps by RFC 3161: made by openssl, verified offline against the trust file."""

import warnings
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from lyrikstore.audit.times.stamps import add_time, stamp_request
from lyrikstore.canon.errors import FormatError, VerificationError
from lyrikstore.canon.timestamps import format_timestamp, now
from lyrikstore.context import StoreContext
from lyrikstore.credentials.trust import Trust, TrustedAuthority
from lyrikstore.verify.report import Check
from lyrikstore.verify.times.check import check_timestamps
from lyrikstore.verify.times.outside import OutsideTimes, existed_by, outside_times
from lyrikstore.verify.times.rfc3161 import make_request, read_response, verify_response
from tests.audit.times.authority import Authority
from tests.contexts import context_of
from tests.kinds import refused
from tests.verify.rules.stage import OWNER, RulesStage


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "one", "One")


@pytest.fixture
def store(tmp_path: Path, authority: Authority) -> StoreContext:
    stage = RulesStage(tmp_path)
    stage.dataset("clinic/notes")
    return context_of(stage.repository, signer=OWNER, trust=believing(authority))


def believing(*authorities: Authority) -> Trust:
    return Trust(
        authorities=tuple(
            TrustedAuthority(one.folder.name, one.certificate.decode()) for one in authorities
        )
    )


def checked(store: StoreContext, trust: Trust) -> Check:
    times = OutsideTimes(store.repository, store.repository.origin, trust)
    return check_timestamps(times, [one for _, one in store.repository.all_manifests()])


def test_a_stamp_dates_what_was_logged_before_it(store: StoreContext, authority: Authority) -> None:
    size = store.repository.checkpoint.size
    added = add_time(store, authority.answer(stamp_request(store.repository)))
    assert (added.time.size, added.time.by, added.time.said) == (size, "one", "One stamps")
    known = outside_times(store)
    assert existed_by(known, size - 1) == known[0]
    assert existed_by(known, size) is None
    assert abs((known[0].time - now()).total_seconds()) < 60
    check = checked(store, store.trust)
    assert check.state == "pass"
    assert check.detail["existedBy"] == [
        {"size": size, "time": format_timestamp(known[0].time), "by": "one"}
    ]


def test_a_request_may_be_answered_after_the_log_grew(
    store: StoreContext, authority: Authority
) -> None:
    request, size = stamp_request(store.repository), store.repository.checkpoint.size
    add_time(store, authority.answer(request))
    assert add_time(store, authority.answer(request)).time.size == size


def test_an_authority_that_nobody_named_dates_nothing(
    store: StoreContext, authority: Authority, tmp_path: Path
) -> None:
    answer = authority.answer(stamp_request(store.repository))
    other = believing(Authority(tmp_path / "other", "One"))
    with refused("unknown-outsider"):
        add_time(context_of(store.repository, signer=OWNER, trust=other), answer)
    add_time(store, answer)
    for trust in (other, Trust()):
        check = checked(store, trust)
        assert (check.state, check.detail["reason"]) == ("warn", "unknown-outsider")
        assert outside_times(context_of(store.repository, trust=trust)) == []


def test_a_certificate_for_something_else_dates_nothing(
    store: StoreContext, tmp_path: Path
) -> None:
    message = store.repository.checkpoint.head.text.encode()
    server = Authority(tmp_path / "server", "Server", usage="serving")
    with pytest.raises(Exception, match="openssl"):  # it refuses to sign with it
        server.answer(make_request(message))


def test_another_log_is_refused(store: StoreContext, authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    other = RulesStage(tmp_path / "more").repository
    with refused("other-imprint"):
        add_time(store, authority.answer(stamp_request(other)))


@pytest.mark.parametrize("data", [b"\x30", b"\x30\x03\x02\x01\x00", b"\x30" + bytes(70_000)])
def test_what_is_no_response_is_refused(store: StoreContext, data: bytes) -> None:
    with refused("bad-timestamp-response"):
        add_time(store, data)


def test_a_response_may_have_its_certificates_in_any_order(tmp_path: Path) -> None:
    # The library refuses a set that is not in the order of DER; many authorities send such a one.
    for name in ("A", "A" * 40):  # the longer certificate is the last one in DER
        authority = Authority(tmp_path / name, name)
        answer = authority.answer(make_request(b"head"), "-chain", "root.pem")
        stamped = read_response(answer)
        assert stamped.data == answer
        assert stamped.by == f"{name} stamps"
        assert verify_response(stamped, b"head", believing(authority).authorities) is not None


def test_hostile_bytes_raise_our_own_exceptions_alone(authority: Authority) -> None:
    # A changed version of a certificate is an InvalidVersion there, a changed name a KeyError.
    answer = authority.answer(make_request(b"head"))
    trusted = believing(authority).authorities
    for place in range(len(answer)):
        for value in (0, 0x30, 0x84):
            changed = answer[:place] + bytes([value]) + answer[place + 1 :]
            with warnings.catch_warnings(), suppress(FormatError, VerificationError):
                warnings.simplefilter("ignore")  # of certificates that are odd, not refused
                verify_response(read_response(changed), b"head", trusted)


def test_no_byte_of_a_response_can_be_changed(store: StoreContext, authority: Authority) -> None:
    message = store.repository.checkpoint.head.text.encode()
    answer = authority.answer(make_request(message))
    trust = believing(authority)
    genuine = read_response(answer)
    assert verify_response(genuine, message, trust.authorities) is not None
    for at in range(0, len(answer), 7):
        changed = bytearray(answer)
        changed[at] ^= 1
        try:
            found = read_response(bytes(changed))
            vouched = verify_response(found, message, trust.authorities)
        except (FormatError, VerificationError):
            continue
        # What is left out of the signature cannot change what it says.
        assert vouched is None or (found.time, found.imprint) == (genuine.time, genuine.imprint)


def test_a_body_that_says_otherwise_fails(store: StoreContext, authority: Authority) -> None:
    added = add_time(store, authority.answer(stamp_request(store.repository)))
    times = OutsideTimes(store.repository, store.repository.origin, store.trust)
    for change in ({"time": "2020-01-01T00:00:00Z"}, {"by": "Two"}, {"size": 1}, {"size": 10**9}):
        lying = replace(added.manifest, body={**added.manifest.body, **change})
        check = check_timestamps(times, [lying])
        assert check.state == "fail"


def test_without_the_library_nothing_is_judged(
    store: StoreContext, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_time(store, authority.answer(stamp_request(store.repository)))
    monkeypatch.setattr("lyrikstore.verify.times.rfc3161.is_available", lambda: False)
    check = checked(store, store.trust)
    assert (check.state, check.detail["reason"]) == ("unchecked", "no-library")
    with refused("missing-extra"):
        stamp_request(store.repository)
