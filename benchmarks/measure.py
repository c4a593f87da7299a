"""Running a command as a process of its own and saying what it took: time, processor, memory."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
INTERVAL = 0.05


@dataclass(frozen=True)
class Sample:
    """What one command took.

    Attributes:
        wall: Seconds.
        cpu: User and system seconds of the whole tree of processes.
        peak: Bytes resident at once in the whole tree, or in its largest process if that is more.
        code: Exit code; negative is a signal, as for a command stopped at its time limit.
        out: Standard output.
        err: The end of standard error.
        pace: MB/s of SHA-256 in one thread just before; a busy machine shows here.
    """

    wall: float
    cpu: float
    peak: int
    code: int = 0
    out: bytes = field(default=b"", repr=False)
    err: str = field(default="", repr=False)
    pace: float = 0.0


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return what commands get: little of ours, so that nobody's settings count.

    ``PYTHONDONTWRITEBYTECODE`` above all is left behind: with it, peers written in Python compile
    hundreds of modules on every run.
    """
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    fixed = {"HOME": str(home), "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}
    return {**kept, **fixed, **more}


def pace() -> float:
    """Return MB/s of SHA-256 in one thread, now."""
    data, begin = bytes(1 << 25), time.perf_counter()
    sha256(data).digest()
    return len(data) / 1e6 / (time.perf_counter() - begin)


def run(
    command: list[str] | str, *, cwd: Path, env: Mapping[str, str], limit: float = 600.0
) -> Sample:
    """Run a command, or a line of shell, to its end or to its time limit."""
    arguments = ["/bin/sh", "-c", command] if isinstance(command, str) else command
    speed = pace()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.perf_counter()
        child = subprocess.Popen(
            arguments,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        with _watched(child.pid, limit) as seen:
            _, status, usage = os.wait4(child.pid, 0)
            wall = time.perf_counter() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        with contextlib.suppress(ProcessLookupError):  # what a killed command left running
            os.killpg(child.pid, signal.SIGKILL)
        out.seek(0)
        err.seek(max(0, err.seek(0, os.SEEK_END) - 2000))
        return Sample(
            wall,
            usage.ru_utime + usage.ru_stime,
            max(usage.ru_maxrss * 1024, *seen),
            child.returncode,
            out.read(),
            err.read().decode(errors="replace"),
            speed,
        )


def must(
    command: list[str] | str, *, cwd: Path, env: Mapping[str, str], limit: float = 600.0
) -> Sample:
    """Run a command that prepares something; a failure ends the benchmark."""
    sample = run(command, cwd=cwd, env=env, limit=limit)
    if sample.code:
        sys.exit(f"{command}: exit {sample.code}\n{sample.err}")
    return sample


@contextlib.contextmanager
def _watched(leader: int, limit: float) -> Iterator[list[int]]:
    # Memory is looked at now and then, since wait4 knows the largest process only.
    peaks, ended = [0], threading.Event()

    def watch() -> None:
        begin = time.perf_counter()
        while not ended.wait(INTERVAL):
            peaks[0] = max(peaks[0], _resident(leader))
            if time.perf_counter() - begin > limit:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(leader, signal.SIGKILL)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peaks
    finally:
        ended.set()
        thread.join()


def _resident(leader: int) -> int:
    # Pages that processes share, libraries and mapped files, are counted once.
    private, shared, waiting = 0, 0, [leader]
    while waiting:
        process = waiting.pop()
        with contextlib.suppress(OSError, ValueError):
            _, resident, common, *_ = Path(f"/proc/{process}/statm").read_text().split()
            private += (int(resident) - int(common)) * PAGE
            shared = max(shared, int(common) * PAGE)
            for task in Path(f"/proc/{process}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
    return private + shared


def drop_caches() -> None:
    """Make the next command read from the disk; needs root."""
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3")


def warm(folder: Path) -> None:
    """Read every file, so that the page cache has what fits."""
    line = f"find '{folder}' -type f -print0 | xargs -0 cat > /dev/null"
    must(line, cwd=folder, env=environment(folder))


def stored(*places: Path) -> tuple[int, int]:
    """Return the apparent bytes and the number of the files under ``places``, each inode once."""
    inodes: dict[tuple[int, int], int] = {}
    for place in places:
        for folder, _, names in os.walk(place):
            for name in names:
                info = Path(folder, name).lstat()
                inodes[info.st_dev, info.st_ino] = info.st_size
    return sum(inodes.values()), len(inodes)


def same(left: Path, right: Path) -> bool:
    """Say whether two folders hold the same files, byte for byte."""
    command = ["diff", "-rq", "--no-dereference", str(left), str(right)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def copy(source: Path, target: Path, *, linked: bool) -> None:
    """Copy a folder's files; ``linked`` makes hard links, for tools that only read them."""
    option = "-rl" if linked else "-r"
    subprocess.run(["cp", option, "--preserve=timestamps", str(source), str(target)], check=True)


def remove(folder: Path) -> None:
    """Remove a folder, read-only files and folders in it included."""
    if not folder.exists():
        return
    subprocess.run(["chmod", "-R", "u+w", str(folder)], check=False, capture_output=True)
    shutil.rmtree(folder)


def mount_options(folder: Path) -> tuple[str, str]:
    """Return the file system's type and mount options of a folder."""
    best, found = "", ("?", "")
    place = str(folder.resolve())
    for line in Path("/proc/mounts").read_text().splitlines():
        _, point, kind, options, *_ = line.split()
        inside = place == point or place.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, found = point, (kind, options)
    return found


@contextlib.contextmanager
def volume(folder: Path, size: int) -> Iterator[Path]:
    """Make, mount and finally delete an ext4 image without discard; needs root.

    A file system mounted with ``discard`` sends a TRIM for each deleted file, some 600 a second,
    which would measure the disk's driver and not the tools.
    """
    image, point = folder / "volume.img", folder / "volume"
    point.mkdir(parents=True)
    with image.open("wb") as file:
        file.truncate(size)
    options = "lazy_itable_init=0,nodiscard"
    nodes = str(size // 8192)
    subprocess.run(["mkfs.ext4", "-q", "-N", nodes, "-E", options, str(image)], check=True)
    losetup = ["losetup", "--direct-io=on", "--show", "-f", str(image)]
    found = subprocess.run(losetup, check=True, capture_output=True, text=True)
    device = found.stdout.strip()
    try:
        mounting = ["mount", "-o", "noatime,nodiscard", device, str(point)]
        subprocess.run(mounting, check=True)
        try:
            yield point
        finally:
            subprocess.run(["umount", "-l", str(point)], check=False)
    finally:
        subprocess.run(["losetup", "-d", device], check=False)
        image.unlink()
