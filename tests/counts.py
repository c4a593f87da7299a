"""What a run of the tests starts, counted: workers, commands in forks, and fsyncs.

Times differ from machine to machine, counts do not. ``tests/ceilings.json`` says how many workers
and commands the tests of ``make test`` may start; whoever adds some that start more raises it
there, which is a line of the change. What starts as many as chance has it is left out: Hypothesis
machines, and what is marked ``crash``. Fsyncs are printed and compared with
nothing: they follow from what is stored.
"""

import json
import os
import struct
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.run_folder import FSYNCS, STARTS, count_fsyncs, current

CEILINGS = Path(__file__).with_name("ceilings.json")
SECONDS = "lyrikstore/seconds"
"""Where pytest's cache has what the tests of each folder took."""

_NOT_COUNTED = ("ci", "crash", "slow")
_nodes = pytest.StashKey[list[dict[str, int]]]()


class _Here:
    def __init__(self) -> None:
        self.counting = True
        self.commands = 0
        self.seconds: Counter[str] = Counter()


_here = _Here()


def begin(config: pytest.Config) -> None:
    """Begin to count what this process starts."""
    config.stash[_nodes] = []
    for name in (STARTS, FSYNCS):
        file = current() / f"{name.rpartition('_')[2].lower()}-{os.getpid()}"
        file.write_bytes(b"1" if name == STARTS else bytes(8))
        os.environ[name] = str(file)
    count_fsyncs()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Count what is started for a test, if it starts the same every time."""
    left_out = any(item.get_closest_marker(name) for name in _NOT_COUNTED)
    machine = isinstance(item, pytest.Function) and hasattr(item.cls, "settings")
    _switch(not left_out and not machine)
    return (yield)


def _switch(on: bool) -> None:
    if on != _here.counting:
        _here.counting = on
        with Path(os.environ[STARTS]).open("r+b") as file:
            file.write(b"1" if on else b"0")


def add_command() -> None:
    """Count a command."""
    _here.commands += _here.counting


def _counted() -> dict[str, int]:
    starts, fsyncs = (Path(os.environ[name]) for name in (STARTS, FSYNCS))
    return {
        "workerStarts": starts.stat().st_size - 1,
        "commands": _here.commands,
        "fsyncs": struct.unpack("<Q", fsyncs.read_bytes())[0],
    }


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the counts of a process that ran tests."""
    if "counts" in getattr(node, "workeroutput", {}):
        node.config.stash[_nodes].append(node.workeroutput["counts"])


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up what the tests of each folder took; of several processes their seconds together."""
    folder = "/".join(report.nodeid.partition("::")[0].split("/")[:2])
    _here.seconds[folder] += report.duration


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hold the counts of a run of everything against their ceilings."""
    config = session.config
    if hasattr(config, "workerinput"):
        config.workeroutput["counts"] = _counted()
        return
    config.stash[_nodes].append(_counted())
    if (cache := config.cache) is not None and not config.option.lf:  # for tools/write_times.py
        cache.set(SECONDS, {name: round(taken) for name, taken in _here.seconds.items()})
    if session.exitstatus == pytest.ExitCode.OK and _exceeded(config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the counts."""
    said = ", ".join(f"{name} {count}" for name, count in _total(config).items())
    terminalreporter.write_line(f"counted: {said}")
    for line in _exceeded(config):
        terminalreporter.write_line(line, red=True)


def _total(config: pytest.Config) -> dict[str, int]:
    found = config.stash[_nodes]
    return {name: sum(one[name] for one in found) for name in (found[0] if found else ())}


def _exceeded(config: pytest.Config) -> list[str]:
    everything = config.args_source == pytest.Config.ArgsSource.TESTPATHS
    if not everything or config.option.keyword or config.option.markexpr or config.option.lf:
        return []
    total = _total(config)
    ceilings: dict[str, int] = json.loads(CEILINGS.read_text("utf-8"))
    return [
        f"FAILED: {total[name]} {name}, and {CEILINGS.name} allows {most}"
        for name, most in ceilings.items()
        if total.get(name, 0) > most
    ]
