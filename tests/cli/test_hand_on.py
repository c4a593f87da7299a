"""Handing on a model: what the terms of its data say, and how to state what they leave out."""

from typing import Any

import pytest

from tests.cli.small_runs import configure, parts, supply
from tests.conftest import Person

pytestmark = pytest.mark.train


def withheld(person: Person, name: str) -> tuple[set[str], set[str]]:
    """Train and deploy; return whose terms do not permit handing it on, and whose prohibit it."""
    person.ok("train", f"{name}.toml")
    arguments = (f"checkpoints/acme/{name}", "--to", "onnx", "-o", person.folder / "out")
    made: dict[str, Any] = person.ok("deploy", *arguments, "--json").json
    for path in sorted((person.folder / "out").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    return set(made["handingOnNotPermitted"]), set(made["handingOnProhibited"])


def test_what_terms_leave_open_can_be_stated_and_what_they_prohibit_is_told_apart(
    new_person,
) -> None:
    person = new_person("maker")
    person.ok("key", "new", "--no-passphrase")
    person.ok("init")
    supply(person, "open", parts())
    configure(person, "open")
    both = {"datasets/acme/open.train", "datasets/acme/open.validation"}
    assert withheld(person, "open") == (both, set())
    for one in both:
        person.ok("permit", one, "--permit", "train,evaluate,derivativeModels")
    assert withheld(person, "open") == (set(), set())
    person.ok("permit", "acme/open.train", "--permit", "train", "--prohibit", "derivativeModels")
    assert withheld(person, "open") == ({"datasets/acme/open.train"},) * 2
