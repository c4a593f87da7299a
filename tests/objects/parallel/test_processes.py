"""Worker processes: results, errors, deaths, early ends, and the way without processes."""

import os
import signal
import subprocess
import sys
import time

import pytest

from lyrikstore.canon.errors import ConflictError, StorageError
from lyrikstore.objects.parallel.processes import Workers, cores
from lyrikstore.objects.parallel.tasks import Message

HERE = "lyrikstore_workers_under_test"
TARGETS = """
import os, signal, time
from lyrikstore.canon.errors import ConflictError, StorageError

def square(setup, task, *buffers):
    yield {"pid": os.getpid(), "value": setup["factor"] * task["n"] ** 2}, *buffers

def several(setup, task):
    for number in range(task["n"]):
        yield {"number": number},

def refuse(setup, task):
    yield {"first": True},
    raise ConflictError("ref-moved", "it moved", hint="look", details={"at": task["n"]})

def full(setup, task):
    raise StorageError("disk-full", "no room", details={"errno": 28})
    yield {},

def die(setup, task):
    yield {},
    os.kill(os.getpid(), signal.SIGKILL)

def large(setup, task, data):
    yield {}, data[::-1]

def broken(setup, task):
    yield {"value": 1 / 0},

def unloadable(setup, task):
    import lyrikstore_no_such_module
    yield {},

def unreadable(setup, task):
    import lyrikstore_unreadable
    yield {},

def forever(setup, task):
    while True:
        time.sleep(0.01)
        yield {},
"""


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    (tmp_path / f"{HERE}.py").write_text(TARGETS)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop(HERE, None)


def tasks(count):
    return [Message({"n": number}, (bytes([number]),)) for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_every_task_is_answered_once_with_its_buffers(count) -> None:
    with Workers(f"{HERE}:square", {"factor": 3}, count) as workers:
        results = list(workers.map(tasks(20)))
    assert {(r.task, r.header["value"], r.buffers) for r in results} == {
        (n, 3 * n * n, (bytes([n]),)) for n in range(20)
    }
    assert len(results) == 20
    assert (os.getpid() in {r.header["pid"] for r in results}) == (count == 0)


@pytest.mark.parametrize("count", [0, 2])
def test_a_target_may_yield_often_and_in_order(count) -> None:
    with Workers(f"{HERE}:several", {}, count) as workers:
        results = list(workers.map(Message({"n": n}) for n in (3, 500, 1)))
    for task, expected in enumerate((3, 500, 1)):
        assert [r.header["number"] for r in results if r.task == task] == list(range(expected))


@pytest.mark.parametrize("count", [0, 2])
def test_our_errors_cross_whole(count) -> None:
    with Workers(f"{HERE}:refuse", {}, count) as workers, pytest.raises(ConflictError) as caught:
        list(workers.map([Message({"n": 7})]))
    assert (caught.value.kind, caught.value.hint, caught.value.details) == (
        "ref-moved",
        "look",
        {"at": 7},
    )


def test_a_storage_error_keeps_its_number() -> None:
    with Workers(f"{HERE}:full", {}, 1) as workers, pytest.raises(StorageError) as caught:
        list(workers.map([Message({"n": 7})]))
    assert caught.value.errno == 28


def test_a_killed_worker_is_a_clean_error() -> None:
    with Workers(f"{HERE}:die", {}, 2) as workers, pytest.raises(StorageError) as caught:
        list(workers.map([Message({})] * 4))
    assert caught.value.kind == "worker-died"


@pytest.mark.parametrize("target", ["unloadable", "unreadable"])
def test_what_a_worker_cannot_load_is_a_clean_error(tmp_path, target) -> None:
    source = "raise OSError(5, 'Input/output error', '/a/module')"
    (tmp_path / "lyrikstore_unreadable.py").write_text(source)
    with Workers(f"{HERE}:{target}", {}, 1) as workers, pytest.raises(StorageError) as caught:
        list(workers.map([Message({})]))
    assert caught.value.kind == "not-loaded"
    assert "lyrikstore_no_such_module" in str(caught.value) or "/a/module" in str(caught.value)


def test_large_buffers_cross_both_ways() -> None:
    data = os.urandom(1 << 20) * 40
    with Workers(f"{HERE}:large", {}, 2) as workers:
        results = list(workers.map(Message({}, (data,)) for _ in range(4)))
    assert [r.buffers for r in results] == [(data[::-1],)] * 4


def test_leaving_early_ends_the_processes() -> None:  # which else run for ever
    with Workers(f"{HERE}:forever", {}, 2) as workers:
        for _ in workers.map([Message({})] * 2):
            break
        pids = [process._child.pid for process in workers._processes]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_what_the_tasks_raise_is_raised() -> None:
    def broken():
        yield Message({"n": 1})
        raise ConflictError("busy", "too late")

    with Workers(f"{HERE}:square", {"factor": 1}, 2) as workers, pytest.raises(ConflictError):
        list(workers.map(broken()))


def test_without_a_process_the_work_is_done_here(monkeypatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with Workers(f"{HERE}:square", {"factor": 1}, 2) as workers:
        results = list(workers.map(tasks(5)))
    assert sorted(r.header["value"] for r in results) == [0, 1, 4, 9, 16]
    assert {r.header["pid"] for r in results} == {os.getpid()}


def test_a_process_that_cannot_load_its_target_leaves_the_work_here(monkeypatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with Workers(f"{HERE}:square", {"factor": 1}, 2) as workers:
        assert len(list(workers.map(tasks(5)))) == 5


def test_a_killed_parent_leaves_no_worker_behind(tmp_path) -> None:
    script = tmp_path / "parent.py"  # without a main guard, as data people write them
    script.write_text(
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from lyrikstore.objects.parallel.tasks import Message\n"
        "from lyrikstore.objects.parallel.processes import Workers\n"
        f"with Workers('{HERE}:forever', {{}}, 2) as workers:\n"
        "    print(*[p._child.pid for p in workers._processes], flush=True)\n"
        "    for _ in workers.map([Message({})] * 2): pass\n"
    )
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pids = [int(word) for word in parent.stdout.readline().split()]
    time.sleep(0.3)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 20
    while any(_running(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_running(pid) for pid in pids)


def _running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_cores_is_small() -> None:
    assert 1 <= cores() <= 8


def test_a_defect_in_a_target_is_not_swallowed() -> None:
    with Workers(f"{HERE}:broken", {}, 1) as workers, pytest.raises(RuntimeError, match="ZeroDiv"):
        list(workers.map([Message({})]))


def test_a_pool_that_is_left_at_once_says_nothing(capfd) -> None:
    """Who leaves closes what a thread still waits to read: no error of it reaches anybody."""
    with Workers(f"{HERE}:square", {"factor": 3}, 1) as workers:
        (process,) = workers._processes
        process.kill()
        assert process.ready() is False
    assert capfd.readouterr().err == ""
