"""What people read, word for word: a session of a publisher and a buyer, and one with rows.

The only place where wording is held: other tests look at kinds, exit codes and ``--json``. After a
change that is meant, delete ``transcript.txt``, or what follows the commands in ``docs/rows.md``,
and run this once.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import REPOSITORY
from tests.pages import blocks, commands

TRANSCRIPT = Path(__file__).with_name("transcript.txt")
CHANGING = {
    r"did:key:z\w+": "DID",
    r"blake3:[0-9a-f]{64}": "DIGEST",
    r"\b(?=[0-9a-f]*\d)[0-9a-f]{12,64}\b": "HEX",
    r"urn:uuid:[0-9a-f-]{36}": "URN",
    r"\d{4}-\d\d-\d\d(T[0-9:.]+Z| [0-9:]+)?": "DATE",
    r"\b\d+(\.\d+)? (ms|s)\b": "TIME",
    r"strict JSON, \d+ bytes": "strict JSON, SIZE",
}


def masked(text: str) -> str:
    """Return a text without what differs from run to run."""
    for pattern, name in CHANGING.items():
        text = re.sub(pattern, name, text)
    return text


def test_a_session_reads_as_before(publisher, new_person) -> None:
    buyer = new_person("buyer")
    lines: list[str] = []

    def run(person, *arguments: str) -> None:
        done = person.run(*arguments)
        said = done.out + done.err
        for folder, name in ((publisher.home.parent, "PUBLISHER"), (buyer.home.parent, "BUYER")):
            said = said.replace(str(folder), name)
        said = masked(said)
        command = " ".join(re.sub("did:key:.*", "DID", word) for word in arguments)
        lines.extend([f"$ lyrikstore {command}", said.rstrip(), f"[exit {done.code}]", ""])

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
    text = "\n".join(lines)
    if not TRANSCRIPT.exists():
        TRANSCRIPT.write_text(text, "utf-8")
    assert text == TRANSCRIPT.read_text("utf-8")


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
