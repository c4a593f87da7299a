"""A real Dask scheduler with two workers: the same results, whoever dies."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lyrikstore.canon.errors import ConflictError, RemoteError, StorageError
from lyrikstore.objects.parallel import dask as clusters
from lyrikstore.objects.parallel.dask import dask_cluster
from lyrikstore.objects.parallel.tasks import Message, pack_request, read_answer, run_request
from tests.kinds import refused
from tests.servers.dask import scheduler, worker

pytest.importorskip("distributed")
pytestmark = [
    # Raised inside distributed where a connection ends while it is closed.
    pytest.mark.filterwarnings("default"),
]
TARGETS = """
import os, time
from pathlib import Path
from lyrikstore.canon.errors import ConflictError

def square(setup, task, *buffers):
    yield {"square": setup["factor"] * task["n"] ** 2}, *buffers

def refuse(setup, task):
    yield {"n": 0}
    raise ConflictError("name-taken", "it is taken", hint="wait", details={"n": task["n"]})

def fail(setup, task):
    raise OSError(28, "No space left on device", "/store/tmp/x")

def slow(setup, task):
    Path(setup["folder"], f"{task['n']}-{os.getpid()}").touch()
    time.sleep(setup["seconds"])
    yield {"n": task["n"]}
"""
HERE = "lyrikstore_cluster_under_test"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("dask")
    (folder / f"{HERE}.py").write_text(TARGETS)
    with scheduler(folder) as found, worker(folder, found), worker(folder, found):
        yield found


def test_tasks_run_on_the_cluster_and_bring_their_buffers_back(address: str) -> None:
    with dask_cluster(address) as cluster, cluster.pool(f"{HERE}:square", {"factor": 3}) as pool:
        results = list(pool.map(Message({"n": n}, (bytes([n]),)) for n in range(20)))
    found = {r.task: (r.header["square"], r.buffers) for r in results}
    assert found == {n: (3 * n * n, (bytes([n]),)) for n in range(20)}


def test_a_refusal_arrives_as_it_was_raised(address: str) -> None:
    with (
        dask_cluster(address) as cluster,
        cluster.pool(f"{HERE}:refuse", {}) as pool,
        pytest.raises(ConflictError) as caught,
    ):
        list(pool.map([Message({"n": 7})]))
    assert (caught.value.kind, caught.value.details) == ("name-taken", {"n": 7})


def test_a_disk_that_fails_on_a_worker_is_no_scheduler_that_is_gone(address: str) -> None:
    with (
        dask_cluster(address) as cluster,
        cluster.pool(f"{HERE}:fail", {}) as pool,
        pytest.raises(StorageError) as caught,
    ):
        list(pool.map([Message({})]))
    assert caught.value.kind == "disk-full"


def test_a_killed_worker_changes_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / f"{HERE}.py").write_text(TARGETS)
    marks = tmp_path / "marks"
    marks.mkdir()
    setup = {"folder": str(marks), "seconds": 0.3}
    with (
        scheduler(tmp_path) as found,
        worker(tmp_path, found) as first,
        worker(tmp_path, found),
        dask_cluster(found) as cluster,
    ):
        cluster.wait(2)
        with cluster.pool(f"{HERE}:slow", setup) as pool:
            results = []
            for result in pool.map(Message({"n": n}) for n in range(12)):
                results.append(result)
                if len(results) == 3:
                    first.kill()
    assert sorted(r.task for r in results) == list(range(12))
    assert len({mark.name.split("-")[1] for mark in marks.iterdir()}) == 2


def test_without_workers_it_does_not_wait_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "_WAIT", 1)
    with (
        scheduler(tmp_path) as found,
        refused("no-workers"),
        dask_cluster(found),
    ):
        raise AssertionError
    with refused("bad-address"), dask_cluster("gopher://somewhere"):
        raise AssertionError


def greet(server: socket.socket) -> None:
    with server.accept()[0] as client:
        client.sendall(b"220 mail.example ESMTP\r\n" * 9)


def test_an_address_where_no_scheduler_answers_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The wait for workers is longer, and none of this.
    assert clusters._CONNECT == 10
    monkeypatch.setattr(clusters, "_CONNECT", 1)
    monkeypatch.setattr(clusters, "_WAIT", 10_000)
    with (
        socket.create_server(("127.0.0.1", 0)) as mute,
        socket.create_server(("127.0.0.1", 0)) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        greeted = pool.submit(greet, other)
        for port in (9, mute.getsockname()[1], other.getsockname()[1]):
            with pytest.raises(RemoteError) as caught, dask_cluster(f"tcp://127.0.0.1:{port}"):
                raise AssertionError
            assert caught.value.kind == "no-scheduler"
            assert f"127.0.0.1:{port} within 1 s" in caught.value.message
            assert "dask scheduler" in caught.value.hint
        greeted.result()


def test_a_worker_of_another_version_is_refused() -> None:
    request = pack_request(f"{HERE}:square", {}, Message({}))
    other = request.replace(b'"version": "', b'"version": "9')
    other = (len(other) - len(request) + int.from_bytes(other[:4], "little")).to_bytes(
        4, "little"
    ) + other[4:]
    with pytest.raises(StorageError) as caught:
        list(read_answer(run_request(other)))
    assert caught.value.kind == "worker-version"


def test_an_answer_that_ends_early_is_no_answer() -> None:
    with pytest.raises(StorageError) as caught:
        list(read_answer(b""))
    assert caught.value.kind == "worker-died"


def test_workers_get_the_options_of_a_remote_and_no_credentials(tmp_path: Path) -> None:
    pytest.importorskip("obstore")
    from lyrikstore.objects.backends.address import address_of
    from lyrikstore.objects.backends.open import open_backend

    options = {"endpoint": "http://127.0.0.1:9", "region": "eu-west-1", "anonymous": "true"}
    backend = open_backend("s3://bucket/store", scratch=tmp_path, options=options)
    address = address_of(backend)
    assert address == {"url": "s3://bucket/store", "options": options}
    again = open_backend(address["url"], scratch=tmp_path, options=address["options"])
    assert address_of(again) == address
    with refused("backend-not-shared"):
        address_of(open_backend("memory://x", scratch=tmp_path))


DYING = """
import os, sys
from lyrikstore.canon.errors import RemoteError
from lyrikstore.objects.parallel.dask import dask_cluster
from lyrikstore.objects.parallel.tasks import Message

address, target, folder = sys.argv[1:]
try:
    with dask_cluster(address) as cluster:
        scheduler = cluster._client.run_on_scheduler(os.getpid)
        with cluster.pool(target, {"folder": folder, "seconds": 0.5}) as pool:
            for result in pool.map(Message({"n": n}) for n in range(12)):
                os.kill(scheduler, 9)
except RemoteError as error:
    print(error.kind)
"""


def test_a_killed_scheduler_is_one_error_and_no_word_of_dask(tmp_path: Path) -> None:
    (tmp_path / f"{HERE}.py").write_text(TARGETS)
    with scheduler(tmp_path) as address, worker(tmp_path, address):
        done = subprocess.run(
            [sys.executable, "-c", DYING, address, f"{HERE}:slow", tmp_path],
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
        )
    assert done.stdout == "no-scheduler\n", done
    assert "Traceback" not in done.stderr


def test_without_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with refused("no-dask"), dask_cluster("local"):
        raise AssertionError
