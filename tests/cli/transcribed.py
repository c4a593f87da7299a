"""What people typed and read, with what differs from run to run left out."""

import re
from pathlib import Path

from tests.conftest import Person

CHANGING = {
    r"did:key:z\w+": "DID",
    r"blake3:[0-9a-f]{64}": "DIGEST",
    r"\b(?=[0-9a-f]*\d)[0-9a-f]{12,64}\b": "HEX",
    r"\[[0-9a-f]{8}\]\(#[0-9a-f]{8}\)": "[REF]",
    r"urn:uuid:[0-9a-f-]{36}": "URN",
    r"\d{4}-\d\d-\d\d(T[0-9:.]+Z| [0-9:]+)?": "DATE",
    r"\b\d+(\.\d+)? (ms|s)\b": "TIME",
    r"logits differ by \d\.\de[+-]\d\d": "logits differ by NUMBER",
    r"strict JSON, \d+ bytes": "strict JSON, SIZE",
}


def masked(text: str) -> str:
    """Return a text without what differs from run to run."""
    for pattern, name in CHANGING.items():
        text = re.sub(pattern, name, text)
    return text


class Session:
    """A session of several people.

    Args:
        people: Name → who it is.
    """

    def __init__(self, **people: Person) -> None:
        self._people = people
        self._lines: list[str] = []

    def narrate(self, what: str) -> None:
        """Say what happens next."""
        self._lines.extend([f"# {what}", ""])

    def run(self, person: Person, *arguments: str, only: str = "") -> int:
        """Run a command, write down what it said, and return its exit code.

        Args:
            person: Who types it.
            arguments: What they type.
            only: Which lines are written down: those that this pattern finds, each once.
        """
        done = person.run(*arguments)
        command = " ".join(re.sub("did:key:.*", "DID", word) for word in arguments)
        said = self._plain(done.out + done.err, only)
        self._lines.extend([f"$ lyrikstore {command}", *said, f"[exit {done.code}]", ""])
        return done.code

    def show(self, path: Path) -> None:
        """Write down what is in a file."""
        self._lines.extend([f"$ cat {path.name}", *self._plain(path.read_text("utf-8")), ""])

    def check(self, kept: Path) -> None:
        """Fail unless the session reads as it is kept; keep it where nothing is kept."""
        text = "\n".join(self._lines)
        if not kept.exists():
            kept.write_text(text, "utf-8")
        assert text == kept.read_text("utf-8")

    def _plain(self, said: str, only: str = "") -> list[str]:
        for name, one in self._people.items():
            said = said.replace(str(one.home.parent), name.upper())
        lines = masked(said).rstrip().splitlines()
        return (
            list(dict.fromkeys(line for line in lines if re.search(only, line))) if only else lines
        )
