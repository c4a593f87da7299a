"""Several machines that share a home, each at its own work, each killed now and then.

Some have the founder's keys, some their own. What one of them was told is done must be there once
everybody has pulled and pushed: each version with its bytes, each credential, each revocation.
"""

import contextlib
import random
import shutil
import signal
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.robust.outcome import Finding, Row, UnavailableError
from tests.faults.robust.signing import HOLDER, STATUS
from tests.faults.robust.subject import Answer, Subject, contents, run, write_texts

WHERE = ("folder", "bucket")
"""Where the home is: a folder with a lock, or a bucket, where only conditional writes decide."""
FOUNDER = 0
BASE = "acme/base"
TRIES = 40
"""How often a push may be refused because somebody else was faster."""
HARMLESS = frozenset({0, 11, 15})
STEPS = (
    *("commit", "commit", "push", "push", "push", "pull", "pull"),
    *("grant", "grant", "revoke", "gc", "gc of the home", "verify"),
)


@dataclass
class Shared:
    """What was acknowledged on any machine.

    Attributes:
        home: The folder or URL of the home.
        truth: Version id → its files.
        granted: Digest of a credential → its file.
        revoked: Digests of those that were taken back.
        doubtful: Digests of those of which somebody was killed who took them back.
    """

    home: Path | str
    truth: dict[str, dict[str, str]] = field(default_factory=dict)
    granted: dict[str, Path] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    doubtful: set[str] = field(default_factory=set)


@dataclass
class Machine:
    """One of them.

    Attributes:
        subject: Whose HOME and folders these are.
        number: Which one; the founder's is the first.
        issues: It has the founder's keys, and grants and revokes with them.
        chance: Draws what it does, and when it is killed.
    """

    subject: Subject
    number: int
    issues: bool
    chance: random.Random

    def act(self, shared: Shared, row: Row, count: int) -> list[Finding]:
        """Do one thing, perhaps until killed, and return what was wrong with it."""
        step = self.chance.choice([one for one in STEPS if self.issues or one[0] not in "gr"])
        after = self.chance.uniform(0.25, 1.5) if self.chance.random() < 0.4 else 0.0
        folder = self.subject.base / f"documents-{count}"
        paper = self.subject.base / f"grant-{count}.json"
        victim = ""
        match step:
            case "commit":
                write_texts(folder, 5, seed=1000 * self.number + count)
                name = f"acme/machine-{self.number}"
                arguments = ["commit", folder, "-d", name, "--yes", "--json"]
            case "grant":
                terms = ("--permit", "train", "--until", "90d", "--status-url", STATUS)
                arguments = ["grant", "base", "--to", HOLDER, *terms, "-o", paper, "--json"]
            case "revoke":
                left = sorted(set(shared.granted) - shared.revoked)
                if not left:
                    return []
                victim = self.chance.choice(left)
                shared.doubtful.add(victim)
                arguments = ["credential", "revoke", victim, "--json"]
            case "gc":
                arguments = ["gc", "--grace", 0]
            case "gc of the home":
                arguments = ["gc", "--grace", 0, "--remote", "origin"]
            case _:
                arguments = [step]
        answer = self.run(*arguments, killed_after=after)
        killed = bool(after) and answer.code == -signal.SIGKILL
        row.facts["killed"] += killed
        row.facts["done"] += answer.code == 0
        findings = answer.manners(killed=killed)
        if answer.code == 0 and step == "commit":
            shared.truth[answer.json["id"]] = contents(folder)
        elif answer.code == 0 and step == "grant":
            shared.granted[answer.json["credential"]] = paper
        elif answer.code == 0 and step == "revoke":
            shared.revoked.add(victim)
        elif not killed and not self._may_end_so(step, answer):
            findings.append(Finding("other", f"{step}: exit {answer.code}: {answer.err}"))
        return findings

    def run(self, *arguments: object, killed_after: float = 0.0) -> Answer:
        """Run a command there, in a process of its own."""
        command = self.subject.command(*arguments)
        if killed_after:
            command = ["timeout", "--signal=KILL", f"{killed_after:.2f}", *command]
        return run(command, cwd=self.subject.work, environment=self.subject.variables())

    def _may_end_so(self, step: str, answer: Answer) -> bool:
        if step == "verify" and answer.code == 4:  # it trusts nobody yet
            return not self.issues
        if step == "verify" and answer.code == 5:  # a push of its own died: it is to pull
            return "pull" in answer.err + answer.out
        if step == "revoke" and answer.code == 1:  # granted elsewhere, and not pulled yet
            return "no credential" in answer.err
        return answer.code in HARMLESS

    def come_home(self) -> list[Finding]:
        """Pull and push until everything is there, and return what was in the way."""
        for _ in range(TRIES):
            for command in ("pull", "push"):
                answer = self.run(command)
                findings = answer.manners()
                if findings or answer.code not in HARMLESS:
                    return findings or [Finding("other", f"exit {answer.code}: {answer.err}")]
                if answer.code == 11:
                    return [Finding("stuck lock", answer.err)]
            if answer.code == 0:
                return []
        return [Finding("other", f"refused {TRIES} times: {answer.err}")]


def together(base: Path, where: str, *, quick: bool) -> list[Row]:
    """Let machines commit, grant, revoke, push, pull, collect and verify, and kill them."""
    number, steps = (3, 8) if quick else (6, 40)
    row = Row(f"{number} machines × {steps} steps, killed at random, home in a {where}")
    with _place(base, where) as (home, environment):
        shared = Shared(home)
        machines = _begin(base, shared, number, environment)

        def work(machine: Machine) -> list[list[Finding]]:
            return [machine.act(shared, row, count) for count in range(steps)]

        with ThreadPoolExecutor(number) as pool:
            for machine, done in zip(machines, pool.map(work, machines), strict=True):
                for count, findings in enumerate(done):
                    row.add(f"machine {machine.number}, step {count}", findings)
        founder = machines[FOUNDER]
        for machine in machines:
            row.add(f"machine {machine.number} comes home", machine.come_home())
        # Two of them may have signed a list each: one joins the two, and publishes.
        findings = (
            founder.come_home() + founder.run("credential", "publish", "-o", "lists").manners()
        )
        row.add("lists", findings + founder.come_home())
        for machine in machines:
            findings = machine.come_home() + _whole(machine, shared, "-C", machine.subject.work)
            row.add(f"machine {machine.number} afterwards", findings)
        fresh = founder.subject.base / "fresh"
        findings = founder.run("clone", home, fresh).manners(may_fail=False)
        row.add("a new clone", findings + _whole(founder, shared, "-C", fresh))
        if where == "folder":
            row.add("the home itself", _whole(founder, shared, "--store", home))
    row.facts["versions"], row.facts["grants"] = len(shared.truth), len(shared.granted)
    row.facts["revoked"] = len(shared.revoked)
    return [row]


def _begin(base: Path, shared: Shared, number: int, environment: dict[str, str]) -> list[Machine]:
    machines = []
    for count in range(number):
        subject = Subject(base / f"machine-{count}", environment=environment)
        subject.home.mkdir(parents=True)
        subject.work.mkdir()
        issues = count % 3 != 2
        if count == FOUNDER or not issues:
            subject.must("key", "new", "--no-passphrase")
        machines.append(Machine(subject, count, issues, random.Random(f"machine {count}")))
    founder = machines[FOUNDER].subject
    others = []
    for machine in machines:
        if not machine.issues:
            did = machine.subject.must("key", "show", "--json").json["keys"][0]["did"]
            others += ["--writer", did]
    founder.must("init", *others)
    for machine in machines[1:]:
        config = machine.subject.home / ".config" / "lyrikstore"
        if machine.issues:
            shutil.copytree(founder.home / ".config" / "lyrikstore", config)
        else:  # its own key to sign with, the store's to push with
            for path in (founder.home / ".config" / "lyrikstore" / "keys").iterdir():
                if not (config / "keys" / path.name).exists():
                    shutil.copy2(path, config / "keys" / path.name)
    write_texts(founder.documents, 6, seed=1)
    founder.commit(name=BASE)
    terms = ("--permit", "train", "--grantable", "train", "--status-url", STATUS)
    founder.must("issue", BASE, "-o", "base", *terms)
    founder.must("remote", "add", "origin", shared.home)
    founder.must("push")
    shared.truth |= founder.truth
    for machine in machines[1:]:
        machine.subject.must("clone", shared.home, ".")
        shutil.copytree(founder.work / "base", machine.subject.work / "base")
    return machines


def _whole(machine: Machine, shared: Shared, *where: object) -> list[Finding]:
    # What is in the store at ``where``, against what was promised.
    subject = machine.subject
    verdict = subject.ask("verify", *where)
    findings = verdict.manners()
    if verdict.code not in ({0} if machine.issues else {0, 4}):
        findings.append(Finding("other", f"verify exits {verdict.code}: {verdict.out}"))
    subject.truth = shared.truth
    findings += subject.kept_promises(*where)
    logged = subject.ask("log", "--audit", "--json", *where).out
    missing = [one for one in shared.granted if one not in logged]
    findings += [Finding("lost", f"granted, and not in the log: {one}") for one in missing]
    return findings + (_standing(machine, shared, *where) if machine.issues else [])


def _standing(machine: Machine, shared: Shared, *where: object) -> list[Finding]:
    lists = machine.subject.base / "judged-by"
    made = machine.subject.ask("credential", "publish", "-o", lists, *where)
    findings = made.manners(may_fail=False)
    for digest, paper in shared.granted.items():
        report = machine.subject.ask("verify", paper, "--status", lists, "--json").json
        status = next(check for check in report["checks"] if check["id"] == "status")
        is_revoked = status["detail"].get("reason") == "revoked"
        if digest in shared.revoked and not is_revoked:
            findings.append(Finding("lost", f"revoked, and yet: {status}"))
        elif digest not in shared.doubtful and status["state"] != "pass":
            findings.append(Finding("other", f"nobody took it back, and yet: {status}"))
    shutil.rmtree(lists, ignore_errors=True)
    return findings


@contextlib.contextmanager
def _place(base: Path, where: str) -> Iterator[tuple[Path | str, dict[str, str]]]:
    # A place for the home, and what it takes to reach it.
    if where == "folder":
        yield base / "home", {}
        return
    if shutil.which("radosgw") is None:
        raise UnavailableError("Debian's radosgw, ceph-mon, ceph-osd, ceph-common not installed")
    from tests.servers.ceph import ACCESS_KEY, SECRET_KEY, Ceph
    from tests.servers.s3 import S3Server

    # It holds sockets: its path must be short.
    with tempfile.TemporaryDirectory(prefix="ceph-") as folder, Ceph(Path(folder)) as cluster:
        server = S3Server.at(cluster.endpoint, ACCESS_KEY, SECRET_KEY)
        yield server.new_url(), server.environment
