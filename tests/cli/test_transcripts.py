"""What people read, word for word: a session of a publisher and a buyer, and one with rows.

The only place where wording is held, with ``test_resold.py``: other tests look at kinds, exit
codes and ``--json``. After a change that is meant, delete ``transcript.txt``, or what follows the
commands in ``docs/rows.md``, and run this once.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.cli.transcribed import Session, masked
from tests.conftest import REPOSITORY
from tests.pages import blocks, commands

TRANSCRIPT = Path(__file__).with_name("transcript.txt")


def test_a_session_reads_as_before(publisher, new_person) -> None:
    buyer = new_person("buyer")
    session = Session(publisher=publisher, buyer=buyer)
    run = session.run
    documents = publisher.folder / "letters"
    documents.mkdir()
    for name in ("one", "two"):
        (documents / f"{name}.txt").write_text(f"letter {name}\n")
    run(publisher, "commit", "letters", "-d", "acme/letters")
    run(publisher, "commit", "letters", "-d", "acme/letters")
    run(publisher, "issue", "acme/letters", "-o", "delivery", "--permit", "train")
    run(publisher, "log", "acme/none")
    shutil.copytree(publisher.folder / "delivery", buyer.folder / "delivery")
    run(buyer, "verify", "delivery")
    run(buyer, "trust", "add", publisher.did(), "--name", "Acme")
    run(buyer, "verify", "delivery")
    run(buyer, "terms", "delivery")
    (buyer.folder / "delivery" / "data" / "one.txt").write_text("another letter\n")
    run(buyer, "verify", "delivery")
    run(buyer, "verify", "nothing.json")
    session.check(TRANSCRIPT)


def test_rows_become_a_signed_split_data_set_in_six_commands(new_person) -> None:
    person = new_person("me")
    (program,) = [block for block in blocks("rows.md", "python") if "clauses.jsonl" in block]
    subprocess.run([sys.executable, "-c", program], cwd=person.folder, check=True)
    (shown,) = blocks("rows.md", "console")
    typed = list(commands(shown))
    assert len(typed) <= 6
    session = ""
    for command in typed:
        done = person.ok(*command.split()[1:])
        said = done.out.replace(str(person.home), "/home/me").rstrip()
        session += f"$ {command}\n{said}\n"
    if not re.search("^[^$]", shown, re.MULTILINE):
        page = REPOSITORY / "docs" / "rows.md"
        page.write_text(page.read_text("utf-8").replace(shown, session), "utf-8")
        shown = session
    assert masked(session) == masked(shown)
    assert set(person.folder.iterdir()) >= {person.folder / "delivery"}
