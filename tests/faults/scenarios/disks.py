"""Disks that fill up, lose power or may not be written to: on file systems of our own (root)."""

import contextlib
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.faults.robust.outcome import Finding, Row, UnavailableError
from tests.faults.robust.signing import WORKS
from tests.faults.robust.subject import Subject, end, write_large, write_texts
from tests.faults.robust.work import NAME, QUESTION, RECIPE, Work

NOBODY = 65534
STRANGER = 54321
IN_TURN = ("commit", "commit", "push", "filter", "gc", "commit", "issue", "gc", "push")
"""What runs when the power fails: an odd number, so that each is cut off once, and once done."""
SYSTEMS = ("ext4", "ext4 noauto_da_alloc", "xfs")
IMAGE_BYTES = 400 << 20  # xfs makes no smaller file system than 300 MiB


def _system(*command: object) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, check=False)
    if done.returncode:
        text = done.stderr.decode("utf-8", "replace").strip()
        raise UnavailableError(f"{command[0]}: {text or done.returncode}")


def _need(*programs: str) -> None:
    if os.getuid() != 0:
        raise UnavailableError("only root can mount")
    if missing := [program for program in programs if shutil.which(program) is None]:
        raise UnavailableError(f"not installed: {', '.join(missing)}")


@contextlib.contextmanager
def _mounted(place: Path, *options: object) -> Iterator[None]:
    place.mkdir(exist_ok=True)
    _system("mount", *options, place)
    try:
        yield
    finally:
        _unmount(place)


def _unmount(place: Path) -> None:
    # A process that was just killed can hold a file a little longer.
    for _ in range(100):
        done = subprocess.run(["umount", str(place)], capture_output=True, check=False)
        if done.returncode == 0:
            return
        time.sleep(0.05)
    raise UnavailableError(f"cannot unmount {place}: {done.stderr.decode()}")


def full(base: Path, where: str, *, quick: bool) -> list[Row]:
    """Commit to a store, or with a HOME, on a file system that fills up on the way."""
    _need("mount")
    row = Row(f"full disk below the {where}")
    step = 3 if quick else 12
    for number in range(step):
        place = base / str(number)
        place.mkdir()
        row.add(number, _fill(place, where, number / step))
    return [row]


def _fill(base: Path, where: str, share: float) -> list[Finding]:
    subject = Subject(base)
    mount = subject.work if where == "store" else subject.home
    with _mounted(mount, "-t", "tmpfs", "-o", "size=64m", "tmpfs"):
        subject.found()
        write_texts(subject.documents, 20, seed=1)
        subject.commit()
        write_texts(subject.documents, 400, seed=2, size=3000)
        if where == "store":
            write_large(subject.documents / "large.txt", seed=3)
        # What is free is a share of what the commit will need.
        state = os.statvfs(mount)
        free = state.f_bfree * state.f_bsize
        need = (4 << 20) if where == "store" else (96 << 10)
        ballast = mount / "ballast"
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, free - int(need * share) // 4096 * 4096))
        commit = ("commit", subject.documents, "-d", NAME, "--yes", "--json")
        answer = subject.run(*commit)
        findings = answer.manners()
        subject.acknowledge(answer, subject.documents)
        if answer.code and "space" not in answer.err:
            findings.append(Finding("other", f"does not say that the disk is full: {answer.err}"))
        findings += subject.sound() + subject.kept_promises()
        ballast.unlink()
        return findings + subject.examine(*commit)


def small(base: Path, name: str, *, quick: bool) -> list[Row]:
    """Run a command while the store, its copy or its target is on a disk too small for it."""
    _need("mount")
    work = WORKS[name]
    row = Row("full disk, or none of its inodes left, below everything")
    options = [f"size={kib}k" for kib in ((64,) if quick else (16, 64, 256, 1024))]
    for option in [*options, *(f"nr_inodes={count}" for count in (() if quick else (2, 12)))]:
        place = base / option
        place.mkdir()
        findings, met = _squeeze(place, work, option)
        row.facts["too small"] += met
        row.add(f"{name}, {option}", findings)
    return [row]


def _squeeze(base: Path, work: Work, option: str) -> tuple[list[Finding], bool]:
    # All that the command may write is on one file system, which is nearly full when it begins.
    disk = base / "disk"
    what, _, amount = option.partition("=")
    with _mounted(disk, "-t", "tmpfs", "-o", "size=256m", "tmpfs"):
        subject = work.ready(disk / "subject")
        command = work.again(subject)
        state = os.statvfs(disk)
        if what == "size":
            left, more = int(amount.rstrip("k")) << 10, "size={}"
            used = (state.f_blocks - state.f_bfree) * state.f_bsize
        else:
            left, more = int(amount), "nr_inodes={}"
            used = state.f_files - state.f_ffree
        _system("mount", "-o", f"remount,{more.format(used + left)}", disk)
        answer = subject.run(*command)
        _system("mount", "-o", "remount,size=256m,nr_inodes=100000", disk)
        findings = answer.manners()
        if answer.code and "space" not in answer.err:
            findings.append(Finding("other", f"does not say that the disk is full: {answer.err}"))
        return findings + work.judged(subject, answer), bool(answer.code)


def power(base: Path, name: str, *, quick: bool) -> list[Row]:
    """Cut the power of a loop device in the middle of the work and right after it."""
    _need("mount", "umount", "mkfs.ext4", "mkfs.xfs", "xfs_io", "sync")
    system, *options = name.split()
    row = Row(f"power loss on {name}")
    image = base / "image"
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    try:
        _system(f"mkfs.{system}", "-q", image)
        _cut(
            row, base, ("-o", ",".join(["loop", *options]), image), 3 if quick else 2 * len(IN_TURN)
        )
    except UnavailableError as reason:
        row.skipped = str(reason)
    return [row]


def _cut(row: Row, base: Path, mount: Sequence[object], tries: int) -> None:
    disk = base / "disk"
    subject = Subject(disk)
    documents = base / "documents"  # on another disk: only the store is at stake
    chance = random.Random(str(mount[1]))
    with _mounted(disk, *mount):
        subject.home.mkdir()
        subject.work.mkdir()
        _system("sync", "-f", disk)  # the two folders are ours; from here on it is the program's
        subject.found()
    _mount_again(disk, mount)
    try:
        (subject.work / "recipe.toml").write_text(RECIPE)
        subject.must("remote", "add", "copy", disk / "copy")
        _system("sync", "-f", disk)
        whole = 0.5
        for number in range(tries):
            write_texts(documents, 60, seed=number)
            write_large(documents / "large.txt", seed=number)
            late = number % 2 == 0
            what = IN_TURN[number % len(IN_TURN)]
            if what != "commit":
                subject.commit(documents)
            if what == "gc":  # which may retire what is older
                subject.truth = dict(list(subject.truth.items())[-2:])
            command: list[object] = {
                "commit": ["commit", documents, "-d", NAME, "--yes", "--json"],
                "filter": ["filter", NAME, "--recipe", "recipe.toml", "--as", "acme/clean"],
                "push": ["push", "copy", "--mirror"],
                "gc": ["gc", NAME, "--keep", 2, "--grace", 0],
                "issue": ["issue", NAME, "-o", f"delivery-{number}", "--permit", "train"],
            }[what]
            findings: list[Finding] = []
            if late:  # acknowledged, and the plug is pulled at once
                answer = subject.run(*command)
                whole = answer.seconds
                findings += answer.manners(may_fail=False)
                if what == "commit":
                    subject.acknowledge(answer, documents)
                _system("xfs_io", "-x", "-c", "shutdown", disk)
            else:
                _interrupt(subject, command, chance.uniform(0.2, max(0.3, whole)), documents)
            _unmount(disk)
            _system("mount", *mount, disk)
            # The oldest and the newest: all would take longer with every try.
            truth = subject.truth
            subject.truth = dict([*list(truth.items())[:1], *list(truth.items())[-2:]])
            if what == "push" and late:
                findings += _came_over(subject, base / "cloned")
            if what == "issue":
                findings += _whole_or_not_there(subject, subject.work / f"delivery-{number}", late)
            findings += subject.examine(*command)
            if what == "push":
                findings += _came_over(subject, base / "cloned")
            subject.truth = truth
            row.add(f"{what} {number}, {'after' if late else 'during'}", findings)
    finally:
        _unmount(disk)


def _whole_or_not_there(subject: Subject, delivery: Path, late: bool) -> list[Finding]:
    if not delivery.exists() and not late:
        return []
    verdict = subject.ask("verify", delivery)
    shutil.rmtree(delivery, ignore_errors=True)
    if verdict.code == 0:
        return []
    return [Finding("lost", f"a delivery with its name in place: {verdict.out}{verdict.err}")]


def _came_over(subject: Subject, clone: Path) -> list[Finding]:
    # What a push acknowledged is in the copy.
    cloned = subject.ask("clone", subject.base / "copy", clone)
    if cloned.code:
        return [Finding("lost", f"no clone of what was pushed: {cloned.err}")]
    try:
        return subject.kept_promises("-C", clone)
    finally:
        shutil.rmtree(clone)


def _mount_again(disk: Path, mount: Sequence[object]) -> None:
    _system("mount", *mount, disk)


def _interrupt(subject: Subject, command: list[object], after: float, documents: Path) -> None:
    child = subprocess.Popen(
        subject.command(*command),
        cwd=subject.work,
        env=subject.variables(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(after)
    status = child.poll()
    _system("xfs_io", "-x", "-c", "shutdown", subject.base)
    end(child.pid)
    out, _ = child.communicate()
    if status == 0 and command[0] == "commit":
        from tests.faults.robust.subject import Answer

        subject.acknowledge(Answer(0, out.decode(), ""), documents)


def read_only(base: Path, *, quick: bool) -> list[Row]:
    """Read a store that may not be written to: by mount, and as another user."""
    del quick
    _need("mount", "setpriv")
    row = Row("read-only store: reads")
    subject = Subject(base).found()
    write_texts(subject.documents, 10, seed=1)
    subject.commit()
    subject.must("verify")
    trust = subject.home / ".config" / "lyrikstore" / "trust.toml"
    reader = Subject(base, dict(subject.truth))
    (base / "reader").mkdir()
    with _mounted(subject.store, "--bind", subject.store):
        _system("mount", "-o", "remount,ro,bind", subject.store)
        _read(row, "bind mount", reader, ())
        _refuse(row, "bind mount", reader)
    # Another user: may read everything, owns nothing.
    home = base / "other"
    (home / ".config" / "lyrikstore").mkdir(parents=True)
    shutil.copy(trust, home / ".config" / "lyrikstore" / "trust.toml")
    wrap, user = unprivileged()
    for path in (home, *home.rglob("*"), base / "reader"):
        os.chown(path, user, user)
    for path in (base, subject.work, subject.store, *subject.store.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o444)
        os.chown(path, STRANGER, STRANGER)
    reader.environment = {"HOME": str(home)}
    _read(row, "other user", reader, wrap)
    row.add("after all", subject.examine())
    return [row]


def unprivileged() -> tuple[Sequence[str], int]:
    """Return what runs a command so that modes and owners count for it, and its user id."""
    if os.getuid() != 0:
        return (), os.getuid()
    _need("setpriv")
    wrap = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--")
    again = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', '']))"
    probe = [*wrap, sys.executable, "-c", again]
    done = subprocess.run(probe, capture_output=True, check=False, cwd="/")
    if done.returncode:  # this Python is in root's own folder: be root, without root's powers
        return ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"), 0
    return wrap, NOBODY


def _read(row: Row, label: str, subject: Subject, wrap: Sequence[str]) -> None:
    identity = next(iter(subject.truth))
    out = subject.base / "reader" / f"out-{label.replace(' ', '-')}"
    for command in (
        ["verify"],
        ["log", "--json"],
        ["show", NAME],
        ["query", QUESTION],
        ["checkout", identity, out],
        ["lineage", NAME],
    ):
        answer = subject.run(*command, wrap=wrap)
        row.add(f"{label}: {command[0]}", answer.manners(may_fail=False))


def _refuse(row: Row, label: str, subject: Subject) -> None:
    write_texts(subject.documents, 10, seed=2)
    answer = subject.run("commit", subject.documents, "-d", NAME, "--yes")
    findings = answer.manners()
    if answer.code == 0:
        findings.append(Finding("other", "a commit to a read-only store claims success"))
    row.add(f"{label}: commit", findings)
