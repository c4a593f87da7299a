"""Training by any program, from the command line: what its tests share."""

from tests.cli.small_runs import entries, leftovers, lines, rows
from tests.conftest import Person, Result

READS = ": < {input}/rows.jsonl; "
MODEL = "checkpoints/acme/model"


def give_rows(publisher: Person) -> Person:
    """Give somebody rows that may be trained on."""
    folder = publisher.folder / "rows"
    folder.mkdir()
    (folder / "rows.jsonl").write_text(lines(rows(24)))
    publisher.ok("commit", folder, "-d", "acme/rows", "--text", "text", "--label", "label")
    publisher.ok("permit", "acme/rows", "--permit", "train")
    return publisher


def train(*command: str, name: str = "acme/model", more: tuple[str, ...] = ()) -> tuple[str, ...]:
    return ("train", "--input", "acme/rows", "--as", name, *more, "--", *command)


def shell(text: str, **more: object) -> tuple[str, ...]:
    """Return the words of a run whose shell opens its rows, and then does what a text says."""
    return train("sh", "-c", READS + text, **more)


def refused(person: Person, code: int, *arguments: str, announced: bool = False) -> Result:
    """Run what has to fail, with a next step, and leave at most the announcement of a run."""
    before = entries(person)
    at = arguments.index("--")
    result = person.fails(code, *arguments[:at], "--json", *arguments[at:])
    assert result.error["hint"], result.err
    after = entries(person)[len(before) :]
    assert after == (["runs/acme/model"] if announced else [])
    assert leftovers(person) == []
    return result


def body_of(person: Person, ref: str) -> dict:
    return person.ok("show", ref, "--json").json["manifest"]["body"]
