"""The commands that are killed, refused and starved, each on a store that is ready for it."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from robust.subject import Answer, Subject, contents, write_large, write_texts
from robust.table import Finding

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
        promised: Judges an answer of exit code 0, and remembers what it acknowledged.
    """

    name: str
    arguments: Callable[[Subject], list[object]]
    files: int = 24
    prepare: Callable[[Subject], None] = _nothing
    before: Callable[[Subject], None] = _nothing
    promised: Callable[[Subject, Answer], list[Finding]] = _silence

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


def _acknowledge(subject: Subject, answer: Answer) -> list[Finding]:
    subject.acknowledge(answer, subject.documents)
    return []


def _write_recipe(subject: Subject) -> None:
    (subject.work / "recipe.toml").write_text(RECIPE)


def _no_output_folder(subject: Subject) -> None:
    shutil.rmtree(subject.work / "out", ignore_errors=True)


def _newest_is_out(subject: Subject, _answer: Answer) -> list[Finding]:
    newest = list(subject.truth.values())[-1]
    if contents(subject.work / "out") == newest:
        return []
    return [Finding("undetected", "checkout gave other bytes with exit 0")]


def _counts_versions(_subject: Subject, answer: Answer) -> list[Finding]:
    rows = (answer.json or {}).get("rows")
    if rows and ["datasets/acme/texts", 2] in rows:
        return []
    return [Finding("undetected", f"query answered {rows} with exit 0")]


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
        promised=_acknowledge,
    ),
    Work(
        MANY_FILES,
        lambda s: ["commit", s.documents, "-d", NAME, "--yes", "--json"],
        files=2_100,
        promised=_acknowledge,
    ),
    Work(
        "filter",
        lambda _: ["filter", NAME, "--recipe", "recipe.toml", "--as", "acme/clean"],
        prepare=_write_recipe,
    ),
    Work("index rebuild", lambda _: ["index", "rebuild"]),
    Work("verify", lambda _: ["verify"]),
    Work(
        "checkout",
        lambda _: ["checkout", NAME, "out"],
        before=_no_output_folder,
        promised=_newest_is_out,
    ),
    Work("status", lambda _: ["status", "--json"], promised=_sees_all_or_says_so),
    Work("query", lambda _: ["query", QUESTION, "--json"], promised=_counts_versions),
    Work(
        "issue",
        lambda _: ["issue", NAME, "-o", "out", "--permit", "train"],
        before=_no_output_folder,
    ),
    Work("push", lambda _: ["push"], prepare=_add_remote),
    Work("pull", lambda _: ["pull", "-C", "cloned"], prepare=_fetch),
    Work(
        "clone",
        lambda s: ["clone", _copy(s), "out"],
        prepare=_push,
        before=_no_output_folder,
    ),
    Work("gc", lambda _: ["gc", NAME, "--keep", 2, "--grace", 0], prepare=_retire),
)
WORKS = {work.name: work for work in _WORKS}
"""The commands under test, by name."""
