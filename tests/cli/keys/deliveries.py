"""A dataset's deliveries on the command line: issued, and verified with their data."""

from pathlib import Path

NAME = "acme/licences"


def issue(person, folder: str, *more: object) -> Path:
    person.ok("issue", NAME, "-o", folder, "--permit", "train", *more)
    return person.folder / folder


def verify(person, folder: Path, *more: object):
    return person.run(
        "verify", folder / "credential.json", "--data", folder / "data", "--json", *more
    )
