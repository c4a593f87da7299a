"""Trying again, with a clock that does not run; and the settings of remotes."""

import random
from pathlib import Path

import pytest

from lyrikstore.canon.errors import InvalidInputError, RemoteError
from lyrikstore.objects.backends.aws_profiles import profile_settings
from lyrikstore.objects.backends.open import Retry, open_backend
from lyrikstore.objects.backends.retry import TransientError

FAILED = RemoteError("remote-failed", "it failed")


def failing(times, after=None):
    calls = []

    def act():
        calls.append(1)
        if len(calls) <= times:
            raise TransientError(FAILED, after)
        return len(calls)

    return act


def test_waits_double_and_are_cut_off(waits):
    retry = Retry(tries=9, first=1, longest=10, sleep=waits.append, jitter=lambda: 1.0)
    assert retry.run(failing(8)) == 9
    assert waits == [1, 2, 4, 8, 10, 10, 10, 10]


def test_waits_are_random_from_zero(waits):
    retry = Retry(tries=200, first=1, longest=1, sleep=waits.append, jitter=random.Random(1).random)
    retry.run(failing(199))
    assert min(waits) < 0.05
    assert max(waits) > 0.95
    assert 0.4 < sum(waits) / len(waits) < 0.6


def test_the_last_error_is_raised(waits, retry):
    with pytest.raises(RemoteError) as caught:
        retry.run(failing(5))
    assert caught.value.details["tries"] == 5
    assert caught.value.__suppress_context__


def test_what_the_server_asks_for_is_added(waits, retry):
    assert retry.run(failing(1, after=3)) == 2
    assert waits == [3.25]
    with pytest.raises(RemoteError):
        retry.run(failing(1, after=61))


def test_profiles(tmp_path, monkeypatch):
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id = A\naws_secret_access_key = s%cret\n"
        "[work]\naws_access_key_id = W\naws_secret_access_key = w\naws_session_token = t\n"
    )
    (tmp_path / "config").write_text(
        "[default]\nregion = eu-west-1\n[profile work]\nregion = eu-north-1\noutput = json\n"
    )
    assert profile_settings(None, tmp_path) == {
        "access_key_id": "A",
        "secret_access_key": "s%cret",
        "region": "eu-west-1",
    }
    assert profile_settings("work", tmp_path) == {
        "access_key_id": "W",
        "secret_access_key": "w",
        "session_token": "t",
        "region": "eu-north-1",
    }
    with pytest.raises(InvalidInputError):
        profile_settings("none", tmp_path)
    assert profile_settings(None, tmp_path / "nowhere") == {}

    def homeless(*_):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", homeless)
    assert profile_settings(None) == {}
    (tmp_path / "credentials").write_text("hunter2")
    with pytest.raises(InvalidInputError) as caught:
        profile_settings("work", tmp_path)
    assert "hunter2" not in str(caught.value)


@pytest.fixture
def nobody(monkeypatch, tmp_path):
    """A user without any credentials in the environment."""
    import os

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws").mkdir()
    return tmp_path / ".aws/credentials"


def key_of(environment, **options):
    remote = open_backend(
        "s3://bucket", scratch=None, options={"region": "r", **options}, environment=environment
    )
    return remote._store.config.get("access_key_id")


def test_the_order_of_the_aws_tools(nobody):
    nobody.write_text(
        "[default]\naws_access_key_id = FILE\naws_secret_access_key = x\n"
        "[work]\naws_access_key_id = WORK\naws_secret_access_key = x\n"
    )
    assert key_of({}) == "FILE"
    assert key_of({"AWS_ACCESS_KEY_ID": "ENV"}) is None  # obstore takes it from there
    assert key_of({"AWS_ACCESS_KEY_ID": "ENV", "AWS_PROFILE": "work"}) == "WORK"
    assert key_of({"AWS_ACCESS_KEY_ID": "ENV"}, profile="work") == "WORK"
    assert key_of(None) is None
    assert key_of({}, anonymous="true") is None


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("s3://bucket", {"secret_access_key": "x"}),
        ("s3://bucket", {"timeout": "soon"}),
        ("/folder", {"region": "x"}),
        ("sftp://host/x", {"password": "x"}),
        ("memory://x", {"a": "b"}),
    ],
)
def test_options_that_are_none_are_refused(url, options, tmp_path):
    with pytest.raises(InvalidInputError) as caught:
        open_backend(url, scratch=tmp_path, options=options)
    assert caught.value.kind == "bad-option"


def test_google_and_azure_open_with_their_options(tmp_path, nobody):
    for url, options in (
        ("gs://bucket/x", {"anonymous": "true", "endpoint": "http://127.0.0.1:9"}),
        ("az://container/x", {"anonymous": "true", "account": "acme"}),
    ):
        assert open_backend(url, scratch=tmp_path, options=options).url == url


@pytest.mark.parametrize(("url", "library"), [("s3://b1", "obstore"), ("sftp://h/x", "paramiko")])
def test_a_missing_library_is_named(url, library, tmp_path, monkeypatch):
    import sys

    for name in ("cloud", "sftp", "sftp_channel", "sftp_connection"):
        monkeypatch.delitem(sys.modules, f"lyrikstore.objects.backends.{name}", raising=False)
        monkeypatch.delattr(f"lyrikstore.objects.backends.{name}", raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(RemoteError) as caught:
        open_backend(url, scratch=tmp_path)
    assert caught.value.kind == "remote-needs-extra"
    assert "pip install" in caught.value.hint


def test_named_memory_is_shared_within_the_process(tmp_path):
    one = open_backend("memory://shared/x", scratch=tmp_path)
    two = open_backend("memory://shared/x/", scratch=tmp_path)
    other = open_backend("memory://shared/y", scratch=tmp_path)
    assert one.create("tx/1", b"x")
    assert not two.create("tx/1", b"y")
    assert other.size("tx/1") is None
    one.remove("tx/1")
