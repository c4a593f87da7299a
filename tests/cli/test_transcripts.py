"""What people read, word for word: one session of a publisher and a buyer.

The only place where wording is held: other tests look at kinds, exit codes and ``--json``. After a
change that is meant, delete ``transcript.txt`` and run this once.
"""

import re
import shutil
from pathlib import Path

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


def test_a_session_reads_as_before(publisher, new_person) -> None:
    buyer = new_person("buyer")
    lines: list[str] = []

    def run(person, *arguments: str) -> None:
        done = person.run(*arguments)
        said = done.out + done.err
        for folder, name in ((publisher.home.parent, "PUBLISHER"), (buyer.home.parent, "BUYER")):
            said = said.replace(str(folder), name)
        for pattern, name in CHANGING.items():
            said = re.sub(pattern, name, said)
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
