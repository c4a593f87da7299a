"""What a command in a sandbox reaches of the machine, by trying it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from lyrikstore.canon.errors import InvalidInputError, RunFailedError
from lyrikstore.canon.progress import Progress
from lyrikstore.train.external import sandbox
from lyrikstore.train.external.extra_paths import Opening
from tests.conftest import REPOSITORY
from tests.train.external.confined import PYTHON, environment_of, run_confined

inside = pytest.mark.sandbox
TOKEN = "token-that-nobody-may-see"
# Reads all there is but the system's and the interpreter's own files, and says where the token is.
LOOK = """
import json, os, pathlib, sys
token, seen, files = sys.argv[2].encode()[::-1], [], 0
def look(path):
    global files
    try:
        if os.path.isfile(path):
            files += 1
            with open(path, "rb") as file:
                if token in file.read(1 << 20):
                    seen.append(str(path))
    except OSError:
        pass
for at, folders, names in os.walk("/"):
    own = at in {"/usr", "/proc", "/sys", "/dev"} or at.startswith(sys.base_prefix + "/lib")
    if own or "site-packages" in at:
        folders[:] = []
        continue
    for name in names:
        look(os.path.join(at, name))
processes = [one for one in os.listdir("/proc") if one.isdigit()]
for one in processes:
    for name in ("environ", "cmdline"):
        look(f"/proc/{one}/{name}")
report = {"seen": seen, "files": files, "processes": len(processes), "environment": {**os.environ},
        "there": [one for one in json.loads(sys.argv[3]) if os.path.exists(one)]}
pathlib.Path(sys.argv[1], "report.json").write_text(json.dumps(report))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give somebody with a home folder, who works in a folder that is in no repository."""
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    return environment_of(folder.parent / "home", SECRET=TOKEN)


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def running(mark: str) -> bool:
    return mark in subprocess.run(["ps", "-wweo", "args"], capture_output=True, text=True).stdout


@inside
def test_nothing_of_the_machine_is_there(folder, environment, monkeypatch) -> None:
    # ATTACK A94: whoever trains looks for what unlocks more than the data.
    home = Path(environment["HOME"])
    key = home / ".config" / "lyrikstore" / "keys" / "default"
    key.parent.mkdir(parents=True)
    shared = Path(tempfile.mkdtemp(dir="/dev/shm"))
    hidden = (key, home / ".netrc", folder / ".env", folder.parent / "beside.txt", shared / "shm")
    for path in hidden:
        path.write_text(TOKEN)
    try:
        with subprocess.Popen(["sleep", "60"], env={"SECRET": TOKEN}) as other:
            asked = [*map(str, hidden), "/run", "/media", "/mnt", "/root/.ssh", "/etc/shadow"]
            asked = json.dumps([*asked, f"/proc/{other.pid}/environ"])
            words = (*PYTHON, LOOK, "{output}", TOKEN[::-1], asked)
            _, made = run_confined(words, folder, environment)
            other.kill()
    finally:
        shutil.rmtree(shared)
    seen = json.loads(made["report.json"])
    assert seen["seen"] == []
    assert seen["files"] > 10
    assert seen["there"] == []
    assert seen["processes"] <= 3
    assert "SECRET" not in seen["environment"]
    assert seen["environment"]["HOME"] != str(home)


@inside
def test_what_is_opened_is_there(folder, environment) -> None:
    extra = Path(environment["HOME"], "extra")
    extra.mkdir()
    (extra / "more.txt").write_text("more")
    opening = Opening((Path("../home/extra"),), variables=("SECRET",))
    text = f'cat {extra}/more.txt > {{output}}/a; echo "$SECRET" > {{output}}/b; touch {extra}/new'
    with pytest.raises(RunFailedError):  # it is not to be written to
        run_confined(("sh", "-c", text), folder, environment, opening=opening)
    _, made = run_confined(("sh", "-c", f"{text} || true"), folder, environment, opening=opening)
    assert made == {"a": "more", "b": f"{TOKEN}\n"}
    assert not (extra / "new").exists()


@inside
def test_what_is_opened_may_lie_around_the_work_tree(folder, environment) -> None:
    (folder.parent / "beside.txt").write_text("beside")
    (folder / "mine.txt").write_text("not known to Git")
    home = folder.parent.parent / f"home-{folder.parent.name}"
    home.mkdir()
    opening = Opening((Path(".."),))
    text = "cat ../beside.txt > {output}/a; ls > {output}/b; echo x > mine.txt"
    store = home / "store"
    store.mkdir()
    _, made = run_confined(
        ("sh", "-c", text), folder, environment_of(home), opening=opening, store=store
    )
    assert made == {"a": "beside", "b": ""}
    assert (folder / "mine.txt").read_text() == "not known to Git"


@inside
def test_nothing_outside_changes(folder, environment) -> None:
    # ATTACK A95: also as root, whose files most of the kernel's settings are.
    (folder / "train.sh").write_text("first\n")
    git(folder, "init", "-q")
    git(folder, "add", "train.sh")
    git(folder, "commit", "-qm", "first")
    (folder / "train.sh").write_text("second\n")
    (folder / "data.txt").write_text("not committed\n")
    (folder / ".gitignore").write_text("*.log\n")
    (folder / "left.log").write_text("ignored\n")
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    pattern = Path("/proc/sys/kernel/core_pattern").read_text()
    name = f"lyrikstore-{os.getpid()}"
    text = (
        "cat train.sh data.txt > {output}/a; ls -A > {output}/b; echo x > train.sh; rm data.txt; "
        f"echo x > new.txt; for one in /tmp ~ /dev/shm; do echo x > $one/{name}; done; for one in "
        f"/usr/{name} /etc/{name} /{name} {environment['HOME']}/{name} "
        "/proc/sys/kernel/core_pattern /proc/sysrq-trigger /proc/self/oom_score_adj; "
        "do (: >> $one) 2>/dev/null && echo $one; done > {output}/c; true"
    )
    _, made = run_confined(("sh", "-c", text), folder, environment)
    assert made["a"] == "second\nnot committed\n"
    assert set(made["b"].split()) == {"train.sh", "data.txt", ".gitignore", ".lyrikstore"}
    assert made["c"] == ""
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
    assert list(Path(environment["HOME"]).iterdir()) == []
    assert Path("/proc/sys/kernel/core_pattern").read_text() == pattern
    for place in ("/tmp", "/dev/shm", "/usr", "/etc", "/"):
        assert not Path(place, name).exists()


@inside
@pytest.mark.parametrize("ends", [0, 7])
def test_no_process_survives(folder, environment, ends) -> None:
    mark = f"{os.getpid()}.{ends}25"
    daemon = f"os.fork() or (os.setsid(), os.fork() or os.execvp('sleep', ['sleep', '{mark}']))"
    text = f"import os, time; {daemon}; time.sleep(0.3); os._exit({ends})"
    words = (*PYTHON, text)
    if ends:
        with pytest.raises(RunFailedError):
            run_confined(words, folder, environment)
    else:
        assert run_confined(words, folder, environment)[0].left == 0
    assert not running(mark)


@inside
@pytest.mark.parametrize("killed", ["$PPID", "1", "-1", "0", "-$PPID"])
def test_nobody_inside_reaches_the_supervisor(folder, environment, killed) -> None:
    # ATTACK A96: its supervisor is no process there, and what began it takes no signal from it.
    mark = f"{os.getpid()}.5"
    text = f"(setsid sleep {mark}) & sleep 0.1; kill -9 {killed}; echo on > {{output}}/a; exit 7"
    with pytest.raises(RunFailedError) as caught:
        run_confined(("sh", "-c", text), folder, environment)
    assert caught.value.details["exitCode"] == (137 if killed == "0" else 7)
    assert not running(mark)


# Writes the end that it likes to every pipe of its supervisor, kills that, and goes on.
FORGE = """
import json, os, signal, sys
parent, end = os.getppid(), json.loads(sys.argv[2])
for one in os.listdir(f"/proc/{parent}/fd"):
    try:
        report = os.open(f"/proc/{parent}/fd/{one}", os.O_WRONLY | os.O_NONBLOCK)
        os.write(report, json.dumps(end).encode())
    except OSError:
        pass
os.kill(parent, signal.SIGKILL)
os.execvp("sleep", ["sleep", sys.argv[1]])
"""


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        (
            {"code": 0, "left": 0, "over": True, "cpuSeconds": 0, "memoryBytes": 0},
            "worker-failed",
        ),
        ({"unstarted": "it cannot be started", "over": True}, "bad-command"),
    ],
)
def test_an_end_that_the_command_wrote_itself_is_none(folder, environment, end, kind) -> None:
    mark = f"{os.getpid()}.75"
    with pytest.raises((RunFailedError, InvalidInputError)) as caught:
        run_confined((*PYTHON, FORGE, mark, json.dumps(end)), folder, environment, unconfined=True)
    assert caught.value.kind == kind
    assert not running(mark)


@inside
def test_the_end_of_the_supervisor_is_that_of_the_sandbox(folder, environment) -> None:
    mark = f"{os.getpid()}.625"

    def kill(event: Progress) -> None:
        if event.detail and event.detail.get("text") == "begun":
            listed = subprocess.run(["ps", "-wweo", "pid,args"], capture_output=True, text=True)
            for line in listed.stdout.splitlines():
                if "supervise.py" in line and mark in line:
                    os.kill(int(line.split()[0]), signal.SIGKILL)

    text = f"echo begun; exec env -i sleep {mark}"
    with pytest.raises(RunFailedError):
        run_confined(("sh", "-c", text), folder, environment, progress=kill)
    for _ in range(200):
        if not running(mark):
            break
        time.sleep(0.05)
    assert not running(mark)


CALL = """
import os, pathlib, socket, sys, threading
report = []
for family, address in ((socket.AF_INET, ("127.0.0.1", int(sys.argv[2]))),
                        (socket.AF_UNIX, "\\0" + sys.argv[3]), (socket.AF_INET, ("192.0.2.1", 9))):
    with socket.socket(family) as one:
        one.settimeout(3)
        try:
            one.connect(address)
            report.append("reached")
        except OSError as error:
            report.append(type(error).__name__)
own = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=lambda: own.accept()[0].sendall(b"own"), daemon=True).start()
report.append(socket.create_connection(own.getsockname()).recv(3).decode())
report.append(socket.gethostbyname(socket.gethostname()) if len(sys.argv) < 5 else "")
pathlib.Path(sys.argv[1], "report").write_text(" ".join(report))
"""


@inside
def test_the_network_is_its_own(folder, environment) -> None:
    # ATTACK A97: the data is sent away, or other data fetched.
    name = f"lyrikstore-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as there, socket.socket(socket.AF_UNIX) as named:
        named.bind(f"\0{name}")
        named.listen()
        words = (*PYTHON, CALL, "{output}", str(there.getsockname()[1]), name)
        _, made = run_confined(words, folder, environment)
        refused, nobody, nowhere, own, itself = made["report"].split(" ")
        assert "reached" not in {refused, nobody, nowhere}
        assert own == "own"
        assert itself == "127.0.0.1"
        opening = Opening(network=True)
        _, made = run_confined((*words, "on"), folder, environment, opening=opening)
        assert made["report"].split(" ")[:2] == ["reached", "reached"]


# As another user than root, with a token in the kernel's keyring of the session.
AS_USER = """
import ctypes, json, os, pathlib, sys
from tests.train.external.confined import PYTHON, environment_of, run_confined
calls = ctypes.CDLL(None)
keyctl, add = {"x86_64": (250, 248), "aarch64": (219, 217)}[os.uname().machine]
token = sys.argv[2].encode()
held = calls.syscall(keyctl, 1, None) > 0
held = held and calls.syscall(add, b"user", b"token", token, len(token), -3) > 0
read = f'''
import ctypes, pathlib, sys, os
calls, room = ctypes.CDLL(None), ctypes.create_string_buffer(4096)
found = calls.syscall({keyctl}, 10, -3, b"user", b"token", 0)
report = [found > 0, os.getuid(), [one for one in sys.argv[2].split("|") if os.path.exists(one)]]
pathlib.Path(sys.argv[1], "report.json").write_text(__import__("json").dumps(report))
'''
folder = pathlib.Path(sys.argv[1])
environment = environment_of(folder / "home", SECRET=sys.argv[2])
key = folder / "home" / "key"
key.write_text(sys.argv[2])
words = (*PYTHON, read, "{output}", f"{key}|/proc/{os.getpid()}/environ")
try:
    _, made = run_confined(words, folder / "work", environment)
    print(json.dumps([held, os.getuid(), *json.loads(made["report.json"])]))
except Exception as error:
    print(json.dumps([error.kind, error.details, str(error)]))
"""


def reachable(program: str) -> bool:
    """Return whether any user may run a program, whoever owns the folders above it."""
    return all(one.stat().st_mode & 0o001 for one in Path(program).resolve().parents)


@inside
@pytest.mark.skipif(os.geteuid() != 0, reason="NOT RUN, as one who may be another user")
@pytest.mark.skipif(not reachable(sys.executable), reason="NOT RUN, Python is one user's own")
def test_another_user_than_root_is_confined_alike(environment) -> None:
    place = Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        (place / "home").mkdir()
        (place / "work").mkdir()
        for path in (place, place / "home", place / "work"):
            os.chown(path, 12345, 12345)
        done = subprocess.run(
            [
                *("setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"),
                *(sys.executable, "-c", AS_USER, str(place), TOKEN),
            ],
            cwd=REPOSITORY,
            env={**environment_of(place / "home"), "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
        )
    finally:
        shutil.rmtree(place)
    assert done.returncode == 0, done.stderr[-2000:]
    held, outside, found, user, there = json.loads(done.stdout)
    assert outside == user == 12345
    assert held in {True, False}  # a container may permit no keyrings
    assert not found
    assert there == []


def make_program(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def shown(words: tuple[str, ...], folder: Path, environment: dict[str, str]) -> set[str]:
    found = sandbox.plan_layout(words, folder, None, Opening(), (), environment)
    home = Path(environment["HOME"])
    return {str(one.relative_to(home.parent)) for one in found.shown}


def test_of_an_interpreter_its_prefix_is_shown(folder, environment) -> None:
    home = Path(environment["HOME"])
    base, made = home / ".local/share/python/3.14.1", folder / ".venv"
    make_program(base / "bin" / "python3.14")
    (base / "lib").mkdir()
    (base / "token").write_text("x")
    (home / ".local/share/python/3.14").symlink_to("3.14.1")
    (made / "bin").mkdir(parents=True)
    (made / "lib").mkdir()
    (made / "token").write_text("x")
    (made / "bin" / "python").symlink_to(home / ".local/share/python/3.14/bin/python3.14")
    (made / "pyvenv.cfg").write_text(f"home = {home}/.local/share/python/3.14/bin\n")
    make_program(made / "bin" / "torchrun", f"#!{made}/bin/python\n")
    share = "home/.local/share/python"
    wanted = {f"{share}/{name}/{part}" for name in ("3.14", "3.14.1") for part in ("bin", "lib")}
    wanted |= {"work/.venv/bin", "work/.venv/lib", "work/.venv/pyvenv.cfg"}
    named = {**environment, "PATH": f"{made}/bin:/usr/bin"}
    assert shown((".venv/bin/torchrun",), folder, named) == wanted
    assert shown(("torchrun",), folder, named) == wanted
    assert shown(("python", "-c", "1"), folder, named) == wanted
    assert shown(("sh", "-c", "1"), folder, named) == set()
    assert shown(("sh", "-c", "1"), folder, {**named, "VIRTUAL_ENV": str(made)}) == wanted
    make_program(home / ".local" / "bin" / "tool", "#!/usr/bin/env python\n")
    assert shown((f"{home}/.local/bin/tool",), folder, named) == {*wanted, "home/.local/bin"}


def test_what_would_not_be_there_is_said_before(folder, environment) -> None:
    (folder / "train.py").write_text("1\n")
    home = Path(environment["HOME"])
    make_program(folder / "bin" / "train")
    make_program(home / "bin" / "train")
    for words in (
        ("sh", "train.py"),
        ("sh", str(folder / "train.py")),
        ("bin/train",),
        (f"{home}/bin/train",),
    ):
        with pytest.raises(InvalidInputError) as caught:
            sandbox.plan_layout(words, folder, None, Opening(), (), environment)
        assert caught.value.kind == "bad-command"
        assert "--read" in caught.value.hint
    if not list(Path("/dev").glob("nvidia*")) and not Path("/dev/dri").exists():
        with pytest.raises(InvalidInputError) as caught:
            sandbox.plan_layout(("sh",), folder, None, Opening(gpu=True), (), environment)
        assert caught.value.kind == "no-accelerator"
    for place in ("/", "/usr", "/usr/lib", "/etc", "/dev"):
        with pytest.raises(InvalidInputError) as caught:
            sandbox.plan_layout(("sh",), Path(place), None, Opening(), (), environment)
        assert caught.value.kind == "bad-command"


REFUSALS = {
    "nested-proc": ("bwrap: Can't mount proc on /newroot/proc: Operation not permitted", {}),
    "apparmor": (
        "bwrap: setting up uid map: Permission denied",
        {"self/attr/current": "docker-default (enforce)\n"},
    ),
    "no-user-namespaces": (
        "bwrap: Creating new namespace failed: No space left on device",
        {"sys/user/max_user_namespaces": "0\n", "self/status": "Seccomp:\t2\n"},
    ),
    "seccomp": (
        "bwrap: No permissions to create a new namespace",
        {"self/status": "Name:\tx\nSeccomp:\t2\n"},
    ),
    "failed": ("bwrap: execvp true: No such file or directory", {}),
}


@pytest.mark.parametrize("cause", REFUSALS)
def test_why_there_is_no_sandbox_is_found_by_starting_one(tmp_path, cause) -> None:
    said, facts = REFUSALS[cause]
    for name, text in facts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    tried = []

    def run(words: list[str], **options: object) -> SimpleNamespace:
        tried.append(words[0])
        return SimpleNamespace(
            returncode=int("--version" not in words), stdout=b"", stderr=said.encode()
        )

    make_program(tmp_path / "bin" / "bwrap")
    environment = {"PATH": str(tmp_path / "bin")}
    found = sandbox.find_confinement(environment, run=run, proc=tmp_path)
    assert found.cause == cause
    assert str(tmp_path / "bin" / "bwrap") in tried  # the system's, after the package's
    with pytest.raises(InvalidInputError) as caught:
        sandbox.need_confinement(found, unconfined=False)
    assert caught.value.kind == "no-sandbox"
    assert caught.value.details == {"cause": cause}
    assert caught.value.hint
    assert sandbox.need_confinement(found, unconfined=True).to_json() == sandbox.unconfined(cause)


def test_a_kernel_that_never_answers_gives_no_sandbox(tmp_path, monkeypatch) -> None:
    def run(words: list[str], **options: object) -> None:
        raise subprocess.TimeoutExpired(words, 20)

    make_program(tmp_path / "bwrap")
    found = sandbox.find_confinement({"PATH": str(tmp_path)}, run=run)
    assert found.cause == "failed"
    monkeypatch.setattr(sandbox, "_programs", lambda environment: iter(()))
    assert sandbox.find_confinement({}, run=run).cause == "no-bubblewrap"
