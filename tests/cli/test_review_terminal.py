"""``lyrikstore review next``: deciding by keys, at a real terminal."""

import json
import os
import re
import select
import subprocess
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.small_runs import lines
from tests.people import Person

QUESTIONS = """questions = 1
asks = "Which clause is this?"
reasons = ["wrong-type"]
highlight = ["clause"]

[[question]]
id = "clear"
asks = "Is it clear?"
choices = ["yes", "no"]
"""
HOSTILE = "clause\x1b[2J\x9b31m\u202e\r\x07 done"


@pytest.fixture
def new_folder(new_person: Callable[[str], Person]):
    """A person with a folder of four records to decide."""

    def make(*options: str, questions: str = QUESTIONS) -> tuple[Person, Path]:
        firm = new_person("firm")
        firm.ok("key", "new", "--no-passphrase")
        firm.ok("init")
        labels = ("audit", "insurance", "law", "law")
        (firm.folder / "rows").mkdir()
        (firm.folder / "rows" / "rows.jsonl").write_text(
            lines([{"text": f"{n} {HOSTILE}", "label": one} for n, one in enumerate(labels)])
        )
        firm.ok("commit", "rows", "-d", "acme/clauses", "--text", "text", "--label", "label")
        (firm.folder / "q.toml").write_text(questions)
        new = ("review", "new", "acme/clauses", "--reviewer", firm.did(), "--questions", "q.toml")
        made = firm.ok(*new, *options, "-o", "queue", "--json").json
        return firm, firm.folder / made["handedOut"][0]["path"]

    return make


def typed(person: Person, keys: str, *arguments: object) -> str:
    """Return what a terminal shows when somebody types these keys."""
    ours, theirs = os.openpty()
    done = subprocess.Popen(
        person.command(*arguments),
        cwd=person.folder,
        env={
            **{name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ},
            **person.variables(),
            "TERM": "xterm",
            "COLUMNS": "200",
            "NO_COLOR": "1",
        },
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    sent, shown, end = False, b"", time.monotonic() + 60
    try:
        while time.monotonic() < end and select.select([ours], [], [], 60)[0]:
            shown += os.read(ours, 1 << 16)
            if not sent and b"q quit" in shown:
                os.write(ours, keys.encode())
                sent = True
    except OSError:  # what a terminal says when nobody is left on its other side
        pass
    os.close(ours)
    assert done.wait(10) == 0, shown
    return shown.decode()


def test_decisions_by_keys(new_folder) -> None:
    person, folder = new_folder()
    items = json.loads((folder / "queue.json").read_text())["items"]
    wrong = [
        next(n for n in (1, 2, 3) if ("audit", "insurance", "law")[n - 1] != one["candidate"][0])
        for one in items
    ]
    # Accept; skip; change with a note, a reason and an answer; undo it; reject; quit.
    shown = typed(person, f"a\nsnmaybe\n{wrong[2]}11ur\n2q", "review", "next", folder)
    assert not [one for one in shown if unicodedata.category(one) in {"Cf", "Zl", "Zp"}]
    assert "\x1b[2J" not in shown
    assert "\x9b" not in shown
    assert "\x07" not in shown
    (first, third) = sorted(
        json.loads((folder / "decisions.json").read_text())["decisions"],
        key=lambda one: [item["item"] for item in items].index(one["item"]),
    )
    assert (first["item"], first["decision"]) == (items[0]["item"], "accept")
    assert (third["item"], third["decision"]) == (items[2]["item"], "reject")
    assert third["answers"] == {"clear": "no"}
    said = person.ok("review", "next", folder, "--json").json
    assert (said["decided"], said["decides"]) == (2, 4)
    # The list of labels is filtered by typing; one that remains is taken by its key.
    typed(person, "cx\x7fins1\n\nx\n\n", "review", "next", folder)
    assert person.ok("review", "next", folder, "--json").json["decided"] == 4
    person.ok("review", "sign", folder, "-o", "signed.json")


def test_a_candidate_is_hidden_until_there_is_an_answer(new_folder) -> None:
    person, folder = new_folder("--blind", questions="questions = 1\n")
    items = json.loads((folder / "queue.json").read_text())["items"]
    candidates = [one["candidate"][0] for one in items]
    numbers = {"audit": "1", "insurance": "2", "law": "3"}
    other = next(one for label, one in numbers.items() if label != candidates[0])
    # Own value, then the candidate; own value kept; cannot say without one; quit in the fourth.
    keys = f"a{other}a{numbers[candidates[1]]}\nx\n{other}q"
    shown = typed(person, keys, "review", "next", folder)
    before = shown.partition("your value")[0]
    assert "candidate:" not in before
    assert "hidden" in before
    made = json.loads((folder / "decisions.json").read_text())["decisions"]
    by = {one["item"]: one for one in made}
    first, second, third, fourth = (by[one["item"]] for one in items)
    assert (first["decision"], first["blind"]) == (
        "accept",
        [dict(zip(numbers.values(), numbers, strict=True))[other]],
    )
    assert (second["decision"], second["blind"]) == ("accept", [candidates[1]])
    assert (third["decision"], third["blind"]) == ("cannot-say", [])
    assert fourth["blind"]


def test_without_a_terminal(new_folder) -> None:
    person, folder = new_folder()
    for options in ((), ("--no-input",)):
        result = person.run("review", "next", folder, "-v", *options)
        assert result.code == 16
        assert "no-terminal" in re.findall(r"[a-z-]+", result.err)
        assert "review.html" in result.err
    (folder / "queue.json").write_bytes(
        (folder / "queue.json").read_bytes().replace(b"done", b"dane", 1)
    )
    assert person.fails(3, "review", "next", folder, "--json").kind == "other-folder"
