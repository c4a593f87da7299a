"""The commands that are killed, refused and starved, each on a store that is ready for it.

These move data; ``evidence`` has those that sign, hand over and take back.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.robust.outcome import Finding
from tests.faults.robust.subject import Answer, Subject, contents, write_large, write_texts

RECIPE = """recipe = 1
description = "not empty, no duplicates"

[[step]]
use = "drop-empty/1"

[[step]]
use = "drop-duplicates/1"
"""
NAME = "acme/texts"
QUESTION = "select name, count(*) from manifests group by all order by all"


def _nothing(_subject: Subject) -> None:
    pass


def _silence(_subject: Subject, _answer: Answer) -> list[Finding]:
    return []


@dataclass
class Work:
    """A command under test.

    Attributes:
        name: What the table calls it.
        arguments: Makes the command line.
        files: Documents of the version before and of the next.
        prepare: Brings the store to where the command makes sense.
        before: Runs before every try, outside the fault.
        check_result: Judges an answer of exit code 0, and remembers what it acknowledged.
        beside: Judges what others hold, right after the fault: a copy that they clone from.
        done: Exit codes that say, when the command is run again, that it was done before.
        mends: The store is damaged until the command has succeeded.
        slow: It takes seconds, most of them to load libraries: it gets fewer tries.
        behind: The store is a clone, and the command may have extended the log at its home: until
            it has succeeded, ``verify`` may call the store older than that, with the way out.
    """

    name: str
    arguments: Callable[[Subject], list[object]]
    files: int = 24
    prepare: Callable[[Subject], None] = _nothing
    before: Callable[[Subject], None] = _nothing
    check_result: Callable[[Subject, Answer], list[Finding]] = _silence
    beside: Callable[[Subject], list[Finding]] = lambda _subject: []
    done: frozenset[int] = frozenset()
    mends: bool = False
    behind: bool = False
    slow: bool = False

    def ready(self, base: Path) -> Subject:
        """Return a subject with two versions, a large file, and documents for a third, kept."""
        subject = Subject(base).found()
        write_texts(subject.documents, self.files, seed=1)
        subject.commit()
        write_large(subject.documents / "large.txt", seed=2)
        (subject.documents / "empty.txt").touch()
        subject.commit()
        self.prepare(subject)
        if self.name.startswith("commit"):
            write_texts(subject.documents, max(6, self.files), seed=3)
            write_large(subject.documents / "large.txt", seed=2, lines=70_000)
        subject.keep()
        return subject

    def again(self, subject: Subject) -> list[object]:
        """Return the command line, with a clean slate for it."""
        self.before(subject)
        return self.arguments(subject)

    def judged(self, subject: Subject, answer: Answer, *, reported: bool = True) -> list[Finding]:
        """Return what is wrong after a try, and when the same command is run once more.

        Args:
            subject: Whose store it is.
            answer: What the command said.
            reported: It could say it: exit code 0 is a promise.
        """
        findings = self.check_result(subject, answer) if reported and answer.code == 0 else []
        findings += self.beside(subject)
        if not self.mends:  # else it is still damaged, perhaps
            findings += subject.sound(behind=self.behind) + subject.kept_promises()
        once_more = subject.ask(*self.again(subject))
        if once_more.code == 11 or once_more.hung:
            findings.append(Finding("stuck lock", f"{once_more.code}: {once_more.err}"))
        else:
            findings += once_more.manners(may_fail=once_more.code in self.done)
        if once_more.code == 0 or once_more.code in self.done:
            findings += self.check_result(subject, once_more)
        return findings + subject.sound()


def _acknowledge(subject: Subject, answer: Answer) -> list[Finding]:
    subject.acknowledge(answer, subject.documents)
    return []


def _write_recipe(subject: Subject) -> None:
    (subject.work / "recipe.toml").write_text(RECIPE)


def _no_output_folder(subject: Subject) -> None:
    shutil.rmtree(subject.work / "out", ignore_errors=True)


def _same(folder: Path, files: dict[str, str], what: str) -> list[Finding]:
    if folder.is_dir() and contents(folder) == files:
        return []
    return [Finding("undetected", f"{what} gave other bytes with exit 0")]


def _newest_is_out(subject: Subject, _answer: Answer) -> list[Finding]:
    return _same(subject.work / "out", list(subject.truth.values())[-1], "checkout")


def _delivered(subject: Subject, _answer: Answer) -> list[Finding]:
    verdict = subject.ask("verify", "out", "--json")
    findings = verdict.manners()
    if verdict.code:
        findings.append(Finding("undetected", f"the delivery is not trusted: {verdict.out[-600:]}"))
    return findings + _same(subject.work / "out/data", list(subject.truth.values())[-1], "issue")


def _filtered(subject: Subject, _answer: Answer) -> list[Finding]:
    target = subject.base / "filtered"
    got = subject.ask("checkout", "acme/clean", target)
    kept = {k: v for k, v in list(subject.truth.values())[-1].items() if k != "empty.txt"}
    findings = got.manners(may_fail=False) + _same(target, kept, "filter")
    shutil.rmtree(target, ignore_errors=True)
    return findings


def _counts_versions(_subject: Subject, answer: Answer) -> list[Finding]:
    rows = (answer.json or {}).get("rows")
    if rows and ["datasets/acme/texts", 2] in rows:
        return []
    return [Finding("undetected", f"query answered {rows} with exit 0")]


def _index_counts(subject: Subject, _answer: Answer) -> list[Finding]:
    return _counts_versions(subject, subject.ask("query", QUESTION, "--json"))


def _sees_all_or_says_so(_subject: Subject, answer: Answer) -> list[Finding]:
    folders = (answer.json or {}).get("folders", [])
    if any(one["unreadable"] for one in folders):
        return []
    if [(one["clean"], one["files"]) for one in folders] == [(True, 26)]:
        return []
    return [Finding("undetected", f"status told of {folders} with exit 0")]


def _copy(subject: Subject) -> Path:
    return subject.work / "mirror"


def _add_remote(subject: Subject) -> None:
    subject.must("remote", "add", "origin", _copy(subject))


def _push(subject: Subject) -> None:
    _add_remote(subject)
    subject.must("push")


def _fetch(subject: Subject) -> None:
    _push(subject)
    subject.must("clone", _copy(subject), subject.work / "cloned")
    write_texts(subject.documents, 12, seed=5)
    subject.commit()
    subject.must("push")


def _others_find(subject: Subject) -> list[Finding]:
    """Return what somebody lacks who clones what was pushed before."""
    place = subject.base / "stranger"
    got = subject.ask("clone", _copy(subject), place)
    findings = got.manners()
    if got.code:
        findings.append(Finding("lost", f"no clone of what was pushed: {got.err}"))
    else:
        findings += subject.kept_promises("-C", place)
    shutil.rmtree(place, ignore_errors=True)
    return findings


def _pushed(subject: Subject, _answer: Answer) -> list[Finding]:
    return _others_find(subject)


def _pushed_before(subject: Subject) -> list[Finding]:
    newest = list(subject.truth)[-1]
    files = subject.truth.pop(newest)
    findings = _others_find(subject)
    subject.truth[newest] = files
    return findings


def _go_on(subject: Subject) -> None:
    _push(subject)
    write_texts(subject.documents, 12, seed=5)
    subject.commit()


def _brought(place: str) -> Callable[[Subject, Answer], list[Finding]]:
    return lambda subject, _answer: subject.kept_promises("-C", place)


def _break(subject: Subject) -> None:
    subject.must("remote", "add", "origin", _copy(subject))
    subject.must("push", "--mirror")
    packs = sorted((subject.store / "packs").rglob("*.pack"), key=lambda path: path.stat().st_size)
    for path in packs[-2:]:
        path.chmod(0o644)
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)


MANY_FILES = "commit of 2,100 files"


def _retire(subject: Subject) -> None:
    # So that the command has versions to retire, packs to rewrite, and packs to delete.
    for seed in (5, 6, 7):
        write_texts(subject.documents, 12, seed=seed)
        subject.commit()
        if seed == 5:
            subject.must("gc", NAME, "--keep", 2, "--grace", 0)
    for identity in list(subject.truth)[:-2]:
        del subject.truth[identity]


_WORKS = (
    Work(
        "commit",
        lambda s: ["commit", s.documents, "-d", NAME, "--yes", "--json"],
        check_result=_acknowledge,
    ),
    Work(
        MANY_FILES,
        lambda s: ["commit", s.documents, "-d", NAME, "--yes", "--json"],
        files=2_100,
        check_result=_acknowledge,
    ),
    Work(
        "filter",
        lambda _: ["filter", NAME, "--recipe", "recipe.toml", "--as", "acme/clean"],
        prepare=_write_recipe,
        check_result=_filtered,
    ),
    Work("maintain index", lambda _: ["maintain", "index"], check_result=_index_counts),
    Work("verify", lambda _: ["verify"]),
    Work(
        "verify --repair-from",
        lambda _: ["verify", "--repair-from", "origin"],
        prepare=_break,
        check_result=lambda subject, _answer: subject.kept_promises(),
        mends=True,
    ),
    Work(
        "checkout",
        lambda _: ["checkout", NAME, "out"],
        before=_no_output_folder,
        check_result=_newest_is_out,
    ),
    Work("status", lambda _: ["status", "--json"], check_result=_sees_all_or_says_so),
    Work("query", lambda _: ["query", QUESTION, "--json"], check_result=_counts_versions),
    Work(
        "issue",
        lambda _: ["issue", NAME, "-o", "out", "--permit", "train"],
        before=_no_output_folder,
        check_result=_delivered,
    ),
    Work("push", lambda _: ["push"], prepare=_add_remote, check_result=_pushed),
    Work(
        "push of a clone",
        lambda _: ["push"],
        prepare=_go_on,
        check_result=_pushed,
        beside=_pushed_before,
        behind=True,
    ),
    Work(
        "pull",
        lambda _: ["pull", "-C", "cloned"],
        prepare=_fetch,
        check_result=_brought("cloned"),
    ),
    Work(
        "clone",
        lambda s: ["clone", _copy(s), "out"],
        prepare=_push,
        before=_no_output_folder,
        check_result=_brought("out"),
    ),
    Work("gc", lambda _: ["gc", NAME, "--keep", 2, "--grace", 0], prepare=_retire),
)
MOVING = {work.name: work for work in _WORKS}
"""The commands under test that move data, by name."""
