"""Too little of everything, streams that go nowhere, and strange surroundings."""

import os
import resource
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.faults.robust.models import ALL
from tests.faults.robust.outcome import Finding, Row
from tests.faults.robust.signing import WORKS
from tests.faults.robust.subject import Subject, write_texts
from tests.faults.robust.work import NAME, Work
from tests.faults.scenarios.disks import unprivileged

LIMITS = {
    "64 MiB address space": (resource.RLIMIT_AS, 64 << 20),
    "128 MiB address space": (resource.RLIMIT_AS, 128 << 20),
    "16 open files": (resource.RLIMIT_NOFILE, 16),
    "8 open files": (resource.RLIMIT_NOFILE, 8),
    "files of 64 KiB": (resource.RLIMIT_FSIZE, 64 << 10),
    "1 second of processor time": (resource.RLIMIT_CPU, 1),
}
OF_MODELS = ("train", "card")
"""Commands that have rows of their own."""
CLOCK = ("/usr/lib", "/usr/local/lib")


def starved(base: Path, name: str, *, quick: bool) -> list[Row]:
    """Run a command with too little memory, too few files, too small files."""
    of_models = f": {', '.join(OF_MODELS)}" if name in OF_MODELS else ""
    rows = [Row(f"{title}{of_models}") for title in LIMITS]
    work = ALL[name]
    subject = work.ready(base / "subject")
    for row, (which, most) in zip(rows, LIMITS.values(), strict=True):
        subject.restore()
        command = work.again(subject)

        def limit(which: int = which, most: int = most) -> None:
            resource.setrlimit(which, (most, most))

        answer = subject.run(*command, preexec_fn=limit)
        findings = answer.manners(killed=which == resource.RLIMIT_CPU)
        row.add(name, findings + work.judged(subject, answer))
    return rows


def _closed(*numbers: int) -> Callable[[], None]:
    def close() -> None:
        for number in numbers:
            os.close(number)

    return close


def streams(base: Path, name: str, *, quick: bool) -> list[Row]:
    """Close the standard streams, fill them, or let nobody read them."""
    row = Row("closed streams, /dev/full, broken pipes")
    work = WORKS[name]
    subject = work.ready(base / "subject")
    with open("/dev/full", "wb") as full:
        dead_end, write_end = os.pipe()
        os.close(dead_end)
        cases: dict[str, dict[str, object]] = {
            "stdin closed": {"preexec_fn": _closed(0)},
            "stdout closed": {"preexec_fn": _closed(1)},
            "stderr closed": {"preexec_fn": _closed(2)},
            "all closed": {"preexec_fn": _closed(0, 1, 2)},
            "stdout full": {"stdout": full},
            "stderr full": {"stderr": full},
            "stdout unread": {"stdout": write_end},
        }
        for label, options in cases.items():
            subject.restore()
            answer = subject.run(*work.again(subject), **options)
            findings = answer.manners()
            if label in {"stdout full", "stdout unread"} and answer.code not in {0, 1, 141}:
                findings.append(Finding("other", f"exit {answer.code}: {answer.err}"))
            if "closed" in label and answer.code:
                findings.append(Finding("other", f"exit {answer.code}: {answer.err}"))
            # What it said on standard output may be lost, what it did is not.
            reported = "stdout" not in label and label != "all closed"
            row.add(f"{name}, {label}", findings + work.judged(subject, answer, reported=reported))
        os.close(write_end)
    return [row]


def surroundings(base: Path, *, quick: bool) -> list[Row]:
    """Run in strange locales, with strange modes, without a HOME, at another time."""
    rows = [_locales(base, quick=quick), _umask(base), _homeless(base), _clock(base)]
    for row in rows:
        if not row.tries and not row.skipped:
            row.skipped = "nothing to try"
    return rows


def _commit() -> Work:
    return WORKS["commit"]


def _tried(
    row: Row, label: str, subject: Subject, environment: Mapping[str, str], **options: object
) -> None:
    work = _commit()
    subject.restore()
    variables = {**subject.variables(), **environment}
    answer = subject.run(*work.again(subject), environment=variables, **options)
    findings = answer.manners()
    row.add(label, findings + work.judged(subject, answer))


def _locales(base: Path, *, quick: bool) -> Row:
    row = Row("LC_ALL=C, unknown locales, odd variables")
    subject = _commit().ready(base / "locale")
    write_texts(subject.documents / "Ünïcödé 文書", 3, seed=4)
    cases = {
        "LC_ALL=C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        "unknown locale": {"LC_ALL": "xx_XX.nonsense"},
        "no TERM, no PATH": {"TERM": "", "PATH": ""},
        "no temporary folder": {"TMPDIR": "/nonexistent"},
        "narrow": {"COLUMNS": "1"},
        "ASCII streams": {"PYTHONIOENCODING": "ascii:strict"},
    }
    for label, environment in list(cases.items())[: 2 if quick else None]:
        _tried(row, label, subject, environment)
    return row


def _umask(base: Path) -> Row:
    row = Row("umask 777 and 000")
    place = base / "umask"
    place.mkdir()
    wrap, user = unprivileged()  # a mode means nothing to root
    for mask in (0o777, 0o000):
        subject = Subject(place / f"{mask:03o}")
        for folder in (subject.base, subject.home, subject.work):
            folder.mkdir()
            os.chown(folder, user, user)
        write_texts(subject.documents, 5, seed=1)

        def masked(mask: int = mask) -> None:
            os.umask(mask)

        findings = []
        for command in (
            ["key", "new", "--no-passphrase"],
            ["init"],
            ["commit", subject.documents, "-d", NAME, "--json"],
            ["verify"],
        ):
            answer = subject.run(*command, wrap=wrap, preexec_fn=masked)
            findings += answer.manners(may_fail=False)
            if command[0] == "commit":
                subject.acknowledge(answer, subject.documents)
        later = subject.run("verify", wrap=wrap)
        row.add(f"{mask:03o}", findings + later.manners(may_fail=False))
    return row


def _homeless(base: Path) -> Row:
    row = Row("no HOME, HOME that is not there, HOME read-only")
    subject = _commit().ready(base / "home-less")
    if os.getuid() == 0 and shutil.which("setpriv"):
        # A user id without an account and no HOME: nowhere to look for keys.
        variables = {k: v for k, v in subject.variables().items() if k != "HOME"}
        wrap = ("setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", "--")
        for command in (["verify"], ["log"], ["key", "list"], ["commit", ".", "-d", NAME]):
            answer = subject.run(*command, wrap=wrap, environment=variables)
            row.add(f"no HOME: {command[0]}", answer.manners())
    for place in ("/nonexistent/home", "/proc/self"):
        for command in (["verify"], ["log"], ["commit", subject.documents, "-d", NAME]):
            answer = subject.run(*command, environment={**subject.variables(), "HOME": place})
            row.add(f"HOME={place}: {command[0]}", answer.manners())
    row.add("afterwards", subject.examine())
    return row


def _clock(base: Path) -> Row:
    row = Row("clock decades in the past and in the future")
    library = os.environ.get("LIBFAKETIME") or next(
        (str(path) for root in CLOCK for path in Path(root).rglob("libfaketime.so.1")), ""
    )
    if not library:
        row.skipped = "Debian's libfaketime is not installed"
        return row
    subject = _commit().ready(base / "clock")
    for moment in ("1970-01-02 00:00:00", "2001-01-01 00:00:00", "2037-12-31 00:00:00", "+300d"):
        fake = {"LD_PRELOAD": library, "FAKETIME": moment, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        _tried(row, moment, subject, fake)
    return row
