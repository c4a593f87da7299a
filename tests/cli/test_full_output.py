"""What was done is said, where standard output takes nothing: an error is no reason to doubt it."""

import json
import subprocess
from pathlib import Path

import pytest


def full(person, *arguments):
    """Run a command whose output goes to a full device; return what it says on standard error."""
    with Path("/dev/full").open("wb") as device:
        done = subprocess.run(
            person.command(*arguments),
            cwd=person.folder,
            env=person.variables(),
            stdin=subprocess.DEVNULL,
            stdout=device,
            stderr=subprocess.PIPE,
            timeout=300,
        )
    assert done.returncode == 1
    said = done.stderr.decode()
    assert "Traceback" not in said
    return said


def error_of(person, *arguments):
    said = full(person, *arguments, "--json")
    error = json.loads(said.strip().splitlines()[-1])
    assert (error["kind"], error["exitCode"]) == ("disk-full", 1)
    assert "nothing was half done" not in error["hint"]
    return error


@pytest.fixture
def data(publisher):
    folder = publisher.folder / "data"
    folder.mkdir()
    (folder / "a.txt").write_text("one")
    return folder


def current(person):
    return person.ok("log", "acme/x", "--json").json["versions"][0]["id"]


def test_a_version_that_is_logged_is_named(publisher, data) -> None:
    said = full(publisher, "commit", "data", "-d", "acme/x")
    identity = current(publisher)
    short = identity.removeprefix("blake3:")[:12]
    assert f"datasets/acme/x ({short})" in said
    assert f"lyrikstore show {short}" in said
    assert "half done" not in said
    publisher.ok("show", short)
    (data / "a.txt").write_text("two")
    error = error_of(publisher, "commit", "data", "-d", "acme/x")
    assert error["details"]["logged"] == [current(publisher)] != [identity]
    publisher.ok("verify")


def test_what_was_not_logged_is_not_named(publisher, data) -> None:
    publisher.ok("commit", "data", "-d", "acme/x")
    for command in (
        ("commit", "data", "-d", "acme/x"),  # as it was
        ("commit", "data", "-d", "acme/y", "-n"),
        ("log",),
        ("verify",),
    ):
        assert "logged" not in error_of(publisher, *command)["details"]
    publisher.fails(1, "log", "acme/y")


def test_other_commands_that_write(publisher, data) -> None:
    publisher.ok("commit", "data", "-d", "acme/x")
    (data / "a.txt").write_text("two")
    publisher.ok("commit", "data", "-d", "acme/x")
    error = error_of(publisher, "gc", "--keep", "1", "acme/x")
    retention = publisher.ok("log", "retentions/acme/x", "--json").json["versions"][0]["id"]
    assert error["details"]["logged"] == [retention]
    error = error_of(publisher, "issue", "acme/x", "-o", "delivery", "--permit", "train")
    assert len(error["details"]["logged"]) >= 2  # the records, and the credential
    publisher.ok("verify", "delivery")
    for command in (
        ("key", "new", "second", "--no-passphrase"),
        ("remote", "add", "origin", publisher.folder / "remote"),
        ("push",),
        ("checkout", "acme/x", "out"),
    ):
        assert "logged" not in error_of(publisher, *command)["details"]
    publisher.ok("key", "show", "second")
    assert (publisher.folder / "out" / "a.txt").read_text() == "two"
    # In a clone it waits in the local log, and is logged all the same.
    (data / "a.txt").write_text("three")
    error = error_of(publisher, "commit", "data", "-d", "acme/x")
    assert error["details"]["logged"] == [current(publisher)]
    # What is longer than a buffer fails in the middle.
    error = error_of(publisher, "maintain", "schema", "cli/verify")
    assert "logged" not in error["details"]
