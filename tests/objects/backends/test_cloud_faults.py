"""Servers with buckets behind a line that fails and lies."""

import hashlib
import itertools
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lyrikstore.canon.errors import NotFoundError, RemoteError
from lyrikstore.objects.backends.open import Abilities, RemoteUrl, Retry, open_backend, probe
from tests.kinds import refused
from tests.servers.faulty import Fault, FaultyServer

DATA = hashlib.shake_128(b"data").digest(300_000)


S3 = ("moto", pytest.param("ceph", marks=pytest.mark.s3))
AZURE = pytest.param("azurite", marks=pytest.mark.azure)
only_s3 = pytest.mark.parametrize("cloud", S3, indirect=True)


GOOGLE = pytest.param("google", marks=pytest.mark.gcs)


@pytest.fixture(params=[*S3, AZURE, GOOGLE])
def cloud(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def line(cloud):
    with FaultyServer(upstream=cloud.endpoint) as server:
        yield server


@pytest.fixture
def remote(cloud, line, tmp_path, retry, monkeypatch):
    cloud.use(monkeypatch)
    options = cloud.options_at(line.url) | {"timeout": "2"}
    return open_backend(cloud.new_url(), scratch=tmp_path, options=options, retry=retry)


@pytest.mark.parametrize("kind", ["500", "503", "reset"])
def test_reads_and_writes_survive_what_passes(remote, line, kind):
    for nth in (1, 2, 4, 6, 7, 8):
        line.plan(Fault(kind), path="packs|tx|log", nth=nth)
    assert remote.create("packs/ab/one", DATA)
    assert remote.read("packs/ab/one") == DATA
    assert remote.size("packs/ab/one") == len(DATA)
    assert remote.read("packs/ab/one", 1000, 1000) == DATA[1000:2000]
    remote.replace("log/checkpoint", b"one")
    assert remote.swap("log/checkpoint", b"one", b"two")


@pytest.mark.parametrize("kind", ["reset-after", "500-after"])
def test_a_lost_answer_is_recognised(remote, line, tmp_path, kind):
    line.plan(Fault(kind), method="PUT", path="tx/1", nth=1)
    assert remote.create("tx/1", b"mine")
    line.plan(Fault(kind), method="PUT", path="packs/x", nth=1)
    path = tmp_path / "pack"
    path.write_bytes(DATA)
    assert remote.create("packs/x", path)
    remote.create("log/checkpoint", b"one")
    line.plan(Fault(kind), method="PUT", path="log/checkpoint", nth=1)
    assert remote.swap("log/checkpoint", b"one", b"two")
    assert remote.read("log/checkpoint") == b"two"


def test_a_lost_race_is_not_taken_for_a_lost_answer(remote, line):
    remote.create("tx/1", b"theirs")
    line.plan(Fault("500"), method="PUT", path="tx/1", nth=1)
    assert not remote.create("tx/1", b"mine")


@pytest.mark.parametrize("kind", ["truncate", "longer"])
def test_a_short_answer_is_asked_for_again(remote, line, kind):
    remote.create("packs/x", DATA)
    line.plan(Fault(kind), method="GET", path="packs/x", nth=1)
    assert remote.read("packs/x") == DATA


def test_more_than_announced_is_not_taken_in(remote, line):
    remote.create("packs/x", DATA)
    line.plan(Fault("endless"), method="GET", path="packs/x", every=True)
    with pytest.raises(RemoteError, match="more than was requested"):
        remote.read("packs/x", 0, 1000)


@only_s3
def test_a_dripping_server_is_let_go(remote, line, monkeypatch):
    remote.create("packs/x", DATA)
    moments = itertools.count(step=10)
    monkeypatch.setattr("time.monotonic", lambda: next(moments))
    line.plan(Fault("slow", pause=0.01), method="GET", path="packs/x", every=True)
    with pytest.raises(RemoteError, match="slowly"):
        remote.read("packs/x", 0, 1000)


def test_a_silent_server_is_let_go(remote, line):
    remote.create("packs/x", b"0123456789")
    line.plan(Fault("slow", pause=5), method="GET", path="packs/x", nth=1)
    assert remote.read("packs/x") == b"0123456789"


@only_s3
def test_a_clock_that_is_off_is_named(remote, line, waits):
    line.plan(Fault("skew"), every=True)
    with pytest.raises(RemoteError) as caught:
        remote.read("tx/1")
    assert caught.value.kind == "remote-clock"
    assert "clock" in caught.value.hint
    assert waits == []


@only_s3
def test_an_empty_list_hides_nothing_from_reads(remote, line):
    remote.create("packs/x", b"x")
    line.plan(Fault("empty-list"), method="GET", path="list-type", every=True)
    assert list(remote.list("packs/")) == []
    assert remote.size("packs/x") == 1
    assert remote.read("packs/x") == b"x"
    assert not remote.create("packs/x", b"y")


@only_s3
def test_a_key_that_is_no_path_is_not_taken_for_a_bad_line(remote, line, waits):
    line.plan(Fault("odd-list"), method="GET", path="list-type", every=True)
    with pytest.raises(RemoteError, match="no file of a store can have"):
        list(remote.list("packs/"))
    assert waits == []


def test_a_list_without_end_is_not_taken_in(remote, monkeypatch):
    for number in range(3):
        remote.create(f"packs/{number}", b"x")
    monkeypatch.setattr("lyrikstore.objects.backends.remote.MAX_NAMES", 2)
    with pytest.raises(RemoteError, match="more than 2 names"):
        list(remote.list("packs/"))


def test_what_does_not_pass_is_given_up_after_five_tries(remote, line, waits):
    line.plan(Fault("503"), path="tx/1", every=True)
    with pytest.raises(RemoteError) as caught:
        remote.create("tx/1", b"x")
    assert caught.value.kind == "remote-failed"
    assert line.count(path="tx/1") == 5
    assert waits == [0.25, 0.5, 1.0, 2.0]


def test_no_secret_reaches_an_error(cloud, remote, line):
    seen = []
    for kind in ("500", "403", "reset", "skew"):
        line.heal()
        line.plan(Fault(kind), every=True)
        for act in (
            lambda: remote.read("a"),
            lambda: remote.create("a", b""),
            lambda: remote.list(""),
        ):
            with pytest.raises(RemoteError) as caught:
                list(act())
            error = caught.value
            seen.append(f"{error.message} {error.hint} {error.details} {error.__cause__}")
            assert error.__suppress_context__ or error.__context__ is None
    secrets = [*cloud.environment.values(), "Signature"]
    assert not [text for text in seen for secret in secrets if secret in text]


# The emulator of Google's says only that it found nothing.
@pytest.mark.parametrize("cloud", [*S3, AZURE], indirect=True)
def test_a_missing_bucket_is_not_an_empty_store(cloud, tmp_path, retry, monkeypatch):
    cloud.use(monkeypatch)
    url = RemoteUrl.parse(cloud.new_url())
    missing = f"{url.scheme}://no-such-bucket-here/x"
    remote = open_backend(missing, scratch=tmp_path, options=cloud.options, retry=retry)
    for act in (lambda: remote.read("format"), lambda: remote.create("format", b"x")):
        with pytest.raises(RemoteError) as caught:
            act()
        assert caught.value.kind == "remote-missing"


def test_a_quarter_of_all_requests_failing_is_survived(cloud, tmp_path, monkeypatch):
    """Of 40 exchanges of 10 operations, over a line that fails 25 % of the time, 38 succeed."""
    cloud.use(monkeypatch)
    survived = wrong = 0
    url = cloud.new_url()
    for seed in range(40):
        with FaultyServer(upstream=cloud.endpoint) as line:
            line.rate(0.25, ("500", "503", "reset", "reset-after", "500-after"), seed)
            remote = open_backend(
                f"{url}/{seed}",
                scratch=tmp_path,
                options=cloud.options_at(line.url),
                retry=Retry(sleep=lambda _: None),
            )
            try:
                for number in range(4):
                    data = b"%d" % number * 1000
                    assert remote.create(f"packs/{number}", data)
                    wrong += remote.read(f"packs/{number}") != data
                remote.replace("log/checkpoint", b"one")
                assert remote.swap("log/checkpoint", b"one", b"two")
                survived += 1
            except RemoteError:
                continue
    assert survived >= 38
    assert wrong == 0


def test_the_server_is_probed(remote):
    assert probe(remote) == Abilities(writable=True, creates=True, swaps=True)
    assert list(remote.list("")) == []


def test_a_server_without_conditions_is_found_out(remote, monkeypatch):
    import obstore

    real = obstore.put
    monkeypatch.setattr(obstore, "put", lambda *a, **k: real(*a, **k | {"mode": "overwrite"}))
    assert probe(remote) == Abilities(writable=True, creates=False, swaps=False)


@pytest.mark.s3
class TestCephOnly:
    def test_a_wrong_secret_is_refused(self, ceph, tmp_path, monkeypatch, waits, retry):
        remote = ceph.backend(monkeypatch, tmp_path, retry)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        other = open_backend(remote.url, scratch=tmp_path, options=ceph.options, retry=retry)
        with pytest.raises(RemoteError) as caught:
            other.read("format")
        assert caught.value.kind == "remote-denied"
        assert waits == []

    def test_an_upload_damaged_on_the_way_is_refused_and_sent_again(
        self, ceph, tmp_path, monkeypatch, retry
    ):
        ceph.use(monkeypatch)
        with FaultyServer(upstream=ceph.endpoint) as line:
            options = {"endpoint": line.url, "region": "us-east-1"}
            remote = open_backend(ceph.new_url(), scratch=tmp_path, options=options, retry=retry)
            line.plan(Fault("flip-request"), method="PUT", path="packs/x", nth=1)
            assert remote.create("packs/x", DATA)
            assert line.count("PUT", "packs/x") == 2
            assert remote.read("packs/x") == DATA

    def test_everything_may_come_from_the_environment(self, ceph, tmp_path, monkeypatch):
        ceph.use(monkeypatch)
        remote = open_backend(ceph.new_url(), scratch=tmp_path, environment=ceph.environment)
        assert remote.create("tx/1", b"x")

    def test_a_pack_goes_up_without_being_loaded(self, ceph, tmp_path, monkeypatch):
        remote = ceph.backend(monkeypatch, tmp_path)
        path = tmp_path / "pack"
        path.write_bytes(hashlib.shake_128(b"pack").digest(1 << 20) * 128)
        remote.create("tx/1", b"x")  # whatever is made once

        def own_memory():
            status = Path("/proc/self/status").read_text()
            return int(re.search(r"RssAnon:\s+(\d+)", status)[1]) >> 10

        before = own_memory()
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(remote.create, "packs/x", path)
            most = before
            while not sending.done():
                most = max(most, own_memory())
                time.sleep(0.005)
        assert sending.result()
        assert most - before < 32
        assert remote.size("packs/x") == 128 << 20

    def test_two_backends_see_each_other_at_once(self, ceph, tmp_path, monkeypatch):
        one = ceph.backend(monkeypatch, tmp_path)
        two = open_backend(one.url, scratch=tmp_path, options=ceph.options)
        for number in range(20):
            name = f"tx/{number}"
            with pytest.raises(NotFoundError):
                two.read(name)
            assert one.create(name, b"%d" % number)
            assert two.read(name) == b"%d" % number
            assert two.size(name) == len(str(number))
        with ThreadPoolExecutor(16) as pool:
            won = list(
                pool.map(lambda n: (one, two)[n % 2].create("tx/slot", b"%d" % n), range(32))
            )
        assert won.count(True) == 1


def test_a_bucket_that_is_full_is_named(tmp_path):
    remote = open_backend("s3://bucket/x", scratch=tmp_path, options={"region": "eu-west-1"})

    def request():
        raise ValueError("status code: 507")

    with refused("remote-full"):
        remote._ask("writing x", request)
