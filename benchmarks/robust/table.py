"""The robustness table: what was tried, what survived, and what exactly did not."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase
from typing import Any

KINDS = ("lost", "undetected", "traceback", "hang", "stuck lock", "other")
HEAD = (
    "scenario",
    "tries",
    "survived",
    "lost",
    "undetected",
    "tracebacks",
    "hangs",
    "stuck locks",
)

_ORIGIN = ("commit", "option", "ran")

METHOD = """\
Every try runs the real command line in a process of its own, on real files. It *survived* if
afterwards `verify` finds the store sound (or, where the try damaged a file, names that file), every
version acknowledged before is byte-identical on checkout, the same command works again without
anybody unlocking anything, and the command said the truth or one clear error. What exit code 0
promised is looked up: what was pushed in a new clone, a delivery by verifying it, a revocation in
new status lists. *Lost*: an acknowledged version is gone or different. *Undetected*: `verify` did
not notice damage, or a reading command gave wrong bytes with exit code 0. *Stuck locks*: the next
command found the store locked. The target of all columns but the first three is 0.

Each row is one pass over samples, not over all that can go wrong: stores of a few dozen files (two
thousand where it says so), in memory except where a scenario brings a disk of its own, on a machine
that others used meanwhile. Another pass meets other moments.

* *A system call fails*: a rehearsal under strace lists the calls of the command that touch the
  store, the user's memory of it or the documents, and those that start processes and threads; then
  some of each kind fail, evenly spread, the first and the last among them, one in each try; the
  second table says how many of how many. The errors of a kind take turns: no call gets all of them.
  Each try begins with the same state; where the call does not come again in four runs (threads
  race) it is not counted. *SIGKILL at a system call*: likewise, the process dies as it enters the
  call. Short writes, calls that hang and several faults at once are not tried.
* A clone whose push died may be *behind* its home until the next push or pull: `verify` then says
  incomplete, what came since is not here, and to pull. That is no finding here.
* *A file of the program cannot be read*: the opening or reading of a module, library or other file
  of Python, of lyrikstore or of what it uses fails (EIO, EMFILE) from the program's second module
  on, in an interpreter that loads everything; what fails before is reported by Python itself.
* *kill -9* and signals: at moments drawn over the whole run of the command; those that found it
  still running count as *in time*. Like those under strace, these commands run in a fork of an
  interpreter that has loaded the program, so that the moment falls on work, not on imports; so do
  the judge's.
* *Power loss*: the ioctl by which a file system stops at once and forgets what was not flushed, on
  a loop device; half of the tries in the middle of a command (commit, push to a mirror, filter, gc,
  issue), half right after it succeeded.
* *Full disk*: a tmpfs of which the last bytes or inodes are free; *too small* counts the commands
  that it stopped.
* *Damage*: bits flipped, ends cut, zeros, bytes appended, files emptied, deleted, swapped, replaced
  by a folder, a link or a pipe, one at a time, drawn by chance, in every kind of file that a store
  has, in the user's keys and trust; in a copy that others clone and pull from; in a delivery; and
  with `--repair-from` afterwards.
* *Files that change* are recognised by their time stamps; those that were written to in the last
  2 s before they were read, by a second reading as well, because a write that began before the
  reading and ended after it leaves no stamp in between. One of the writers loops over large writes
  beside busy processes and with less weight than they have, so that most of its writes are under
  way for long. What remains is a single write, or stores through a memory map, that are under way
  for more than 2 s: only a snapshot of the file system, or a pause of whoever writes, keeps those
  out.
* *train*, *evaluate*, *predict*, *card*: a model of one layer, and fewer tries, since all but
  `card` load libraries for seconds. There calls of seven kinds fail, three or more of each, in the
  command or in its worker: those that write, flush, rename, open, make folders, read, and start
  processes. Calls kill in `card` alone; limits meet `train` and `card`. To survive takes more
  here: the checkpoints of a run are there together or not at all,
  `verify` finds each with its run and its rights, no worker outlives its command by 20 seconds, and
  once the command has been run again no working folder is left.
* *serve*: after every harm somebody else gets a credential signed, and `verify` takes it; at a
  signal a request under way is answered, and the server ends with exit code 0; after kill -9
  another one takes its port. Clients that only hold a place are more than there are places.
* *Machines*: each has a HOME and a clone of its own; two of three have the founder's keys. They
  commit, push, pull, grant, revoke, collect garbage here and at the home, and verify, at the same
  time, in an order drawn by chance; two of five commands are killed after a time drawn by chance.
  Afterwards all pull and push, and every version, grant and revocation that one of them was told is
  done is looked for in each clone, in a new one and in the home. The bucket is Ceph's, which is
  never killed.
* *--dask*: a scheduler and two workers on this machine, three files larger than a share of the
  work. One worker dies, or has room for files of 1 MiB only.

Not tried here: disks that acknowledge a flush and lose it, network file systems, a kernel that
crashes; with models signals, closed streams, full disks, power loss, accelerators; `serve` with
`--tls` or reached from elsewhere; a Dask cluster of several machines, or whose network fails; `key
backup`, `supersede`, `suspend`, `reinstate`, `present`, `export`, `page`. Remotes here are folders,
but for the bucket of *machines*. Servers that fail, lie or are slow are in `tests/remote`, crashes
at every call of a push in `tests/history/sync/test_crashes.py`, of a model in
`tests/objects/test_crashes.py`, of a training run in `tests/train/test_kill.py`; ways for a client to be a nuisance in
`tests/verify/w3c/test_listening.py`."""


class UnavailableError(Exception):
    """This machine cannot run a scenario; the text says what is missing."""


@dataclass(frozen=True)
class Finding:
    """Something that went wrong in one try.

    Attributes:
        kind: One of :data:`KINDS`.
        text: What happened, for whoever repairs it.
    """

    kind: str
    text: str


@dataclass
class Row:
    """One scenario.

    Attributes:
        scenario: What was done, in a few words.
        tries: How often.
        survived: Tries without any finding.
        counts: Tries with a finding, by kind; a try counts once per kind.
        findings: Every finding, with the try it belongs to.
        facts: Figures worth knowing beside the table.
        calls: Of how many calls one was made to fail, by kind: of these, of all there were.
        skipped: Why the scenario did not run; empty if it did.
        commit: What ran: the commit, several where the parts of a scenario ran at several.
        option: What ``--only`` calls it.
        ran: When, where, with which options.
    """

    scenario: str
    tries: int = 0
    survived: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    facts: Counter[str] = field(default_factory=Counter)
    calls: dict[str, list[int]] = field(default_factory=dict)
    skipped: str = ""
    commit: str = ""
    option: str = ""
    ran: str = ""

    def add(self, label: object, findings: Iterable[Finding]) -> None:
        """Count one try and what was found in it."""
        found = list(findings)
        self.tries += 1
        self.survived += not found
        self.counts.update({finding.kind for finding in found})
        self.findings += [f"{label}: {finding.kind}: {finding.text}" for finding in found]

    @property
    def held(self) -> bool:
        """Whether every try survived, and there was at least one."""
        return bool(self.skipped) or (self.tries > 0 and self.survived == self.tries)

    def cells(self) -> list[str]:
        """Return the cells of :data:`HEAD`."""
        if self.skipped:
            return [self.scenario, f"not run: {self.skipped}", *[""] * 6]
        counts = [str(self.counts[kind]) for kind in KINDS[:5]]
        facts = ", ".join(f"{count} {what}" for what, count in self.facts.items())
        name = f"{self.scenario} ({facts})" if facts else self.scenario
        return [name, str(self.tries), str(self.survived), *counts]

    def __iadd__(self, other: "Row") -> "Row":
        """Add what another part of the same scenario found."""
        self.tries += other.tries
        self.survived += other.survived
        self.counts.update(other.counts)
        self.findings += other.findings
        self.facts.update(other.facts)
        self.calls.update(other.calls)
        self.skipped = "; ".join(dict.fromkeys(filter(None, (self.skipped, other.skipped))))
        commits = {*self.commit.split(), *other.commit.split()}
        self.commit = " ".join(sorted(commits))
        return self

    @classmethod
    def from_json(cls, made: dict[str, Any]) -> "Row":
        """Return the row that :meth:`to_json` described."""
        counts = Counter({kind: made[kind.replace(" ", "_")] for kind in KINDS})
        names = ("scenario", "tries", "survived", "calls", "findings", "skipped", *_ORIGIN)
        facts = Counter(made["facts"])
        return cls(**{name: made[name] for name in names}, counts=counts, facts=facts)

    def to_json(self) -> dict[str, object]:
        """Return the row for ``--json``."""
        return {
            "scenario": self.scenario,
            "tries": self.tries,
            "survived": self.survived,
            **{kind.replace(" ", "_"): self.counts[kind] for kind in KINDS},
            "facts": dict(self.facts),
            "calls": self.calls,
            "skipped": self.skipped,
            **{name: getattr(self, name) for name in _ORIGIN},
            "findings": self.findings,
            "held": self.held,
        }


def joined(rows: Iterable[Row]) -> list[Row]:
    """Return the rows, those of one scenario added up."""
    found: dict[str, Row] = {}
    for row in rows:
        if row.scenario in found:
            found[row.scenario] += row
        else:
            found[row.scenario] = row
    return list(found.values())


def total(rows: Sequence[Row]) -> Row:
    """Return the sum of all rows."""
    whole = Row("all")
    for row in rows:
        whole.tries += row.tries
        whole.survived += row.survived
        whole.counts.update(row.counts)
    return whole


def text(rows: Sequence[Row]) -> str:
    """Return the table for a terminal, with every finding below it."""
    body = [list(HEAD), *(row.cells() for row in (*rows, total(rows)))]
    ran = [line for line in body if not line[1].startswith("not run")]
    widths = [max(len(line[column]) for line in ran) for column in range(len(HEAD))]
    widths[0] = max(len(line[0]) for line in body)
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in body
    ]
    return "\n".join(
        [*lines, *(f"! {row.scenario}: {one}" for row in rows for one in row.findings)]
    )


def markdown(rows: Sequence[Row], faults: str, command: str) -> str:
    """Return the page for ``docs/robustness.md``.

    Args:
        rows: The rows, each with what it was run on.
        faults: What is injected into which kind of call.
        command: Writes the page.
    """
    runs = list(dict.fromkeys((row.ran, row.commit) for row in rows))
    letters = dict(zip(runs, ascii_lowercase, strict=False))
    table = [[*row.cells(), letters[row.ran, row.commit]] for row in rows]
    table.append([*total(rows).cells(), ""])
    lines = [
        "# Robustness",
        "",
        f"Written by `{command}`; do not edit.",
        "",
        "Not all rows are of one run; the last column says of which:",
        "",
        *(f"* {letter}: {ran}, commit {commit}" for (ran, commit), letter in letters.items()),
        "",
        f"| {' | '.join((*HEAD, 'run'))} |",
        f"|{' --- |' * (1 + len(HEAD))}",
        *(f"| {' | '.join(cells)} |" for cells in table),
        "",
        *METHOD.splitlines(),
        "",
        *_coverage(rows, faults),
    ]
    open_ends = [f"* {row.scenario}: {one}" for row in rows for one in row.findings]
    if open_ends:
        lines += ["## What did not survive", "", *open_ends, ""]
    return "\n".join(lines)


def _share(rows: Sequence[Row]) -> str:
    tried, there = (sum(pair[at] for row in rows for pair in row.calls.values()) for at in (0, 1))
    return f"{tried:,} of {there:,}" + (f", {tried / there:.0%}" if there else "")


def _coverage(rows: Sequence[Row], faults: str) -> list[str]:
    # Which calls failed, and how many there were.
    traced = [row for row in rows if row.calls]
    kinds = list(dict.fromkeys(kind for row in traced for kind in row.calls))
    lines = [
        "## Calls that were made to fail",
        "",
        "How many of each kind, of how many there were in one run of the command; the errors of a",
        f"kind take turns: {faults}.",
        f"In the rows of SIGKILL the process died instead. In all {_share(traced)}.",
        "",
        f"| scenario | {' | '.join(kinds)} |",
        f"|{' --- |' * (1 + len(kinds))}",
    ]
    for row in traced:
        cells = ["{} of {}".format(*row.calls[kind]) if kind in row.calls else "" for kind in kinds]
        lines.append(f"| {row.scenario} | {' | '.join(cells)} |")
    return [*lines, ""] if traced else []
