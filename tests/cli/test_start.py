"""The first and the last moments of the program: streams, limits, masks, signals."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore_cli import main
from lyrikstore_cli.__main__ import SOON
from lyrikstore_cli.fatal import INTERRUPTED
from lyrikstore_cli.session import user_paths
from tests.conftest import REPOSITORY


def run(person, *arguments: object, **options) -> tuple[int, str, str]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
    done = subprocess.run(
        person.command(*arguments),
        cwd=person.folder,
        env=person.variables(),
        timeout=60,
        **{**pipes, **options},
    )
    return done.returncode, (done.stdout or b"").decode(), (done.stderr or b"").decode()


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_closed_streams_never_become_files_of_the_store(publisher, closed) -> None:
    (publisher.folder / "documents").mkdir()
    (publisher.folder / "documents" / "a.txt").write_text("a")

    def close() -> None:
        for number in closed:
            os.close(number)

    code, _, err = run(publisher, "commit", "documents", "-d", "acme/texts", preexec_fn=close)
    assert (code, err.replace("\n", "")) == (0, "")
    assert publisher.run("verify").code == 0


def test_what_standard_output_does_not_take_is_an_error(publisher) -> None:
    with Path("/dev/full").open("wb") as full:
        code, _, err = run(publisher, "log", stdout=full)
        assert (code, err.splitlines()[0]) == (
            1,
            "error: cannot write the output: No space left on device",
        )
        assert run(publisher, "--help", stdout=full)[0] == 1


def test_what_standard_error_does_not_take_leaves_the_exit_code(publisher) -> None:
    with Path("/dev/full").open("wb") as full:
        assert run(publisher, "logg", stderr=full)[0] == 2
        assert run(publisher, "log", "acme/none", stderr=full)[0] == 1
        assert run(publisher, "log", stderr=full)[0] == 0


def test_a_reader_that_went_away(publisher) -> None:
    read, write = os.pipe()
    os.close(read)
    code, _, err = run(publisher, "log", stdout=write)
    os.close(write)
    assert (code, err) == (141, "")


def test_a_reader_that_went_away_in_the_middle(publisher, tmp_path: Path) -> None:
    # More than a buffer: the pipe breaks while the command prints, not when it is done.
    many = tmp_path / "many"
    many.mkdir()
    for number in range(300):
        (many / f"{number:050d}.txt").write_text(f"{number}\n")
    publisher.ok("commit", many, "-d", "acme/many")
    read, write = os.pipe()
    os.close(read)
    code, _, err = run(publisher, "show", "--files", "acme/many", stdout=write)
    os.close(write)
    assert (code, err) == (141, "")


@pytest.mark.parametrize("megabytes", [24, 64, 127])
def test_too_little_memory_is_one_clear_line(publisher, megabytes: int) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

    code, _, err = run(publisher, "verify", preexec_fn=limit)
    assert code == 1
    assert err.startswith("error: out of memory\nhint: ")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_is_one_line_and_exit_130(publisher, name: str) -> None:
    os.mkfifo(publisher.folder / "passphrase")  # something to wait for
    child = subprocess.Popen(
        publisher.command("key", "new", "other", "--passphrase-file", "passphrase"),
        cwd=publisher.folder,
        env=publisher.variables(),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    time.sleep(1.5)
    child.send_signal(getattr(signal, name))
    try:
        _, err = child.communicate(timeout=30)
    finally:
        child.kill()
    assert child.returncode == 130
    assert err.decode() == f"{INTERRUPTED}\n"


def test_a_mask_does_not_lock_the_owner_out(new_person) -> None:
    person = new_person("masked")
    for command in (("key", "new", "--no-passphrase"), ("init",), ("verify",)):
        code, _, err = run(person, *command, preexec_fn=lambda: os.umask(0o777))
        assert code == 0, err
    for path in (person.folder / ".lyrikstore").rglob("*"):
        assert path.stat().st_mode & (0o700 if path.is_dir() else 0o400), path


def test_nowhere_to_look_for_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(*_: object) -> str:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("platformdirs.user_config_dir", homeless)
    with pytest.raises(InvalidInputError) as caught:
        user_paths({})
    assert caught.value.kind == "no-home"


def test_no_more_threads_is_one_clear_line(monkeypatch, capsys) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(main.program, "main", refuse)
    assert main.run(["push"]) == 1
    assert capsys.readouterr().err.startswith(
        "error: the system cannot start another thread\nhint: "
    )


BROKEN = {
    "a library that was cut short": {
        "__init__.py": "from jsonschema_rs.jsonschema_rs import Draft202012Validator",
        "jsonschema_rs.abi3.so": "",
    },
    "a module that the disk does not give": {
        "__init__.py": "raise OSError(5, 'Input/output error', '/some/module.py')"
    },
    "a module that is damaged": {"__init__.py": "import\0"},
    "a module of another version": {"__init__.py": ""},
}


@pytest.mark.parametrize("damage", BROKEN)
def test_a_part_of_the_program_that_cannot_be_loaded(publisher, tmp_path: Path, damage) -> None:
    # Most of the program is loaded when it is needed, which may be in the middle of a command.
    package = tmp_path / "broken" / "jsonschema_rs"
    package.mkdir(parents=True)
    for name, text in BROKEN[damage].items():
        (package / name).write_text(text)
    documents = publisher.folder / "documents"
    documents.mkdir()
    (documents / "a.txt").write_text("a")
    publisher.environment["PYTHONPATH"] = str(package.parent)
    for command in (("commit", documents, "-d", "acme/texts"), ("verify",), ("push",)):
        if command == ("push",):
            publisher.ok("remote", "add", "origin", tmp_path / "mirror")
        refused = publisher.fails(1, *command)
        assert refused.err.startswith("error: a part of the program cannot be loaded: ")
        assert refused.err.count("\n") == 2, refused.err
        assert "\nhint: run it again; " in refused.err
    assert publisher.fails(1, "verify", "--json").kind == "not-loaded"
    del publisher.environment["PYTHONPATH"]
    publisher.ok("commit", documents, "-d", "acme/texts")
    publisher.ok("verify")


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("click", "raise OSError(5, 'Input/output error', '/some/file')"),
        ("click", "import\0"),
        ("click", ""),
        # Python would do without them, and print a traceback, or crash later in some library.
        ("_blake2", "raise ImportError('it cannot be loaded')"),
        ("_datetime", "raise ImportError('it cannot be loaded')"),
    ],
)
def test_the_program_itself_cannot_be_loaded(publisher, tmp_path: Path, module, text) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / f"{module}.py").write_text(text)
    publisher.environment["PYTHONPATH"] = str(tmp_path / "broken")
    code, out, err = run(publisher, "--version")
    assert (code, out) == (1, "")
    assert err.startswith("error: the program cannot be loaded: ")
    assert err.count("\n") == 2, err
    assert "\nhint: run it again; " in err


def test_an_error_is_json_where_json_was_asked_for(publisher) -> None:
    with Path("/dev/full").open("wb") as full:
        code, _, err = run(publisher, "log", "--json", stdout=full)
    assert code == 1
    assert json.loads(err)["kind"] == "disk-full"


_A_LONG_COMMAND = """
import os, signal, time
import click

os.kill(os.getpid(), signal.SIGTERM)
time.sleep(0.05)
os.write(1, b"loaded on")

@click.command("log")
def command():
    time.sleep(60)
    os.write(1, b", and never interrupted")
"""
_STARTED_WITH_IT = """
import importlib.util, sys
from lyrikstore_cli.__main__ import start

class Finder:
    def find_spec(self, name, path, target=None):
        if name == "lyrikstore_cli.commands.log":
            return importlib.util.spec_from_file_location(name, "long.py")

sys.meta_path.insert(0, Finder())
sys.argv = ["lyrikstore", "log"]
start()
"""


def test_no_module_is_left_half_loaded_by_an_interrupt(tmp_path):
    # Libraries in C crashed where they were interrupted while a class was made.
    (tmp_path / "long.py").write_text(_A_LONG_COMMAND)
    command = [sys.executable, "-c", _STARTED_WITH_IT]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("loaded on", 130), done.stderr


_UNDER_WAY = """
import os, signal, time
os.kill(os.getpid(), signal.{name})
time.sleep(60)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_interrupt_before_anything_is_begun_ends_it_at_once(publisher, tmp_path, name) -> None:
    (tmp_path / "click.py").write_text(_UNDER_WAY.format(name=name))
    publisher.environment["PYTHONPATH"] = str(tmp_path)
    code, out, err = run(publisher, "--version")
    assert (code, out, err) == (130, "", f"{INTERRUPTED}\n")


_AT_ONCE = """
import os, signal, sys

class Finder:
    def find_spec(self, name, path, target=None):
        if name == "lyrikstore_cli.fatal":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
sys.argv = ["/usr/bin/lyrikstore", "log"]
from lyrikstore_cli.__main__ import start
"""


def test_an_interrupt_before_any_module_of_ours_is_loaded_is_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _AT_ONCE],
        env={"PYTHONPATH": str(REPOSITORY / "cli")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", f"{INTERRUPTED}\n")


def test_little_is_loaded_before_an_interrupt_is_taken() -> None:
    # Until then Python answers it with a traceback.
    code = (
        "import sys; from lyrikstore_cli import __main__; "
        "print(*{'contextlib', 'enum', 'signal', 'typing'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(REPOSITORY / "cli")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "\n"


_SLOW_TO_LOAD = """
import os, signal
import click

os.kill(os.getpid(), signal.SIGTERM)
os.read(0, 1)

@click.command("log")
def command():
    os.read(0, 1)
    os.write(1, b"never interrupted")
"""


def test_waiting_for_a_library_after_an_interrupt_is_reported(tmp_path) -> None:
    (tmp_path / "long.py").write_text(_SLOW_TO_LOAD)
    with subprocess.Popen(
        [sys.executable, "-c", _STARTED_WITH_IT],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        assert child.stderr.readline() == f"{SOON}\n".encode()
        child.stdin.write(b".")
        child.stdin.flush()
        assert child.stdout.read() == b""
        assert child.wait() == 130
        assert child.stderr.read().strip() == INTERRUPTED.encode()


_LOADS = """
import sys
from lyrikstore_cli import main

main.run(sys.argv[1:])
sys.stderr.write("\\n".join(sys.modules))
"""
FOR_WORK = {"numpy", "pyarrow", "duckdb", "torch", "fsspec", "starlette", "rich", "tomllib"}
MOST_MODULES = 380
LOOKS = [("status", "texts"), ("log",), ("show", "acme/texts", "--json")]
"""As a page of text `show` says what the reader calls the signer: that reads the trust file."""


def _loaded(publisher, code: str, *arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=publisher.folder,
        env={**publisher.variables(), "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'cli'}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr.splitlines()


@pytest.mark.parametrize("command", LOOKS)
def test_who_looks_at_a_store_loads_what_looks(publisher, command) -> None:
    # Modules and not milliseconds, which benchmarks/start_up.py counts.
    (publisher.folder / "texts").mkdir()
    (publisher.folder / "texts" / "a.txt").write_text("a")
    publisher.ok("commit", "texts", "-d", "acme/texts")
    loaded = _loaded(publisher, _LOADS, *command)
    assert not FOR_WORK.intersection(loaded)
    of_no_use = ("lyrikstore.w3c", "lyrikstore.train", "lyrikstore.objects.store.writer")
    assert not [name for name in loaded if name.startswith(of_no_use)]
    assert len(loaded) < MOST_MODULES


_FROZEN = REPOSITORY / "tests" / "compat" / "2026-12-01" / "store"
_LOADS_WHICH = """
import sys
from lyrikstore_cli import main

for name in sys.argv[1:]:
    for command in ("log", "show"):
        if main.run([command, name, "--store", "store"]):
            sys.exit(f"{command} {name}")
sys.stderr.write("\\n".join(sys.modules))
"""


def test_who_looks_at_models_loads_no_numpy(publisher) -> None:
    # What runs and evaluations say is words of what is signed: nothing is computed again.
    shutil.copytree(_FROZEN, publisher.folder / "store")
    names = [
        "datasets/acme/letters-read",
        *(f"{kind}/acme/clauses" for kind in ("runs", "checkpoints", "evaluations", "cards")),
        "evaluations/acme/clauses.monitor",
        "evaluations/acme/writer",
    ]
    of_no_use = {"numpy", "pyarrow", "duckdb", "torch", "lyrikstore.train.run"}
    assert not of_no_use.intersection(_loaded(publisher, _LOADS_WHICH, *names))
