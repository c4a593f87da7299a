"""A command that was killed after it logged a credential, and what the next one says."""

import signal
import subprocess
import sys

import click
import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore_cli import main
from tests.conftest import Person

STATUS = ("--status-url", "https://data.example/status")
KILLED = """
import importlib, os, signal, sys
module, name = sys.argv[1].rsplit(".", 1)
die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
setattr(importlib.import_module(module), name, die)
from lyrikstore_cli.main import run
run(sys.argv[2:])
"""


@pytest.fixture
def issued(once, publisher):
    def make(publisher: Person) -> None:
        folder = publisher.folder / "documents"
        folder.mkdir()
        (folder / "a.txt").write_text("one")
        publisher.ok("commit", folder, "-d", "acme/docs")
        publisher.ok("issue", "acme/docs", "-o", "delivery", "--permit", "train", *STATUS)

    once(publisher, make)
    return publisher


@pytest.mark.parametrize("what", ["grant", "issue"])
def test_what_was_logged_and_never_written_is_found_again(issued, what) -> None:
    if what == "grant":
        dies_at = "lyrikstore_cli.options.write_new"
        words = ("grant", "delivery", "--to", issued.did(), "--permit", "train", "--until", "30d")
    else:
        dies_at = "lyrikstore.publish.issue.delivery.put_in_place"
        words = ("issue", "acme/docs", "--permit", "evaluate", "--valid-for", "30d")
        issued.ok("credential", "revoke", "delivery")  # in force are only those that follow
    command = (*words, *STATUS, "-o")
    program = [sys.executable, "-c", KILLED, dies_at, *command, "lost"]
    killed = subprocess.run(
        program, cwd=issued.folder, env=issued.variables(), capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    issued.ok("verify")

    made = issued.ok(*command, "again", "--json").json
    (lost,) = made["earlier"]
    assert lost["logIndex"] < made["logIndex"]
    content = issued.ok("show", lost["credential"], "--raw").out.encode()
    assert f"blake3:{Digest.of(content).hex}" == lost["credential"]

    result = issued.ok(*command, "more")
    said = " ".join((result.out + result.err).split())
    assert f"lyrikstore show {made['credential'][7:19]} --raw > FILE" in said
    assert "and 1 before it" in said

    (issued.folder / "found.json").write_bytes(content)
    issued.ok("credential", "revoke", "found.json")
    left = issued.ok(*command, "last", "--json").json["earlier"]
    assert made["credential"] in {row["credential"] for row in left}
    assert lost["credential"] not in {row["credential"] for row in left}


def test_a_grant_to_another_is_another(issued) -> None:
    words = ("--permit", "train", "--until", "30d")
    issued.ok("grant", "delivery", "--to", issued.did(), *words, "-o", "one.json")
    other = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
    made = issued.ok("grant", "delivery", "--to", other, *words, "-o", "two.json", "--json").json
    assert made["earlier"] == []
    again = ("grant", "delivery", "--to", other, *words, "-o", "three.json", "--json")
    made = issued.ok(*again, "--supersedes", "two.json").json
    assert made["earlier"] == []


def test_a_grant_that_cannot_be_written_is_said_to_be_logged(issued) -> None:
    words = ("grant", "delivery", "--to", issued.did(), "--permit", "train", "--until", "30d")
    program = (
        "from pathlib import Path\nfrom lyrikstore.canon.errors import storage_error\n"
        "def write(path, _):\n"
        "    try: Path('/dev/full').write_bytes(b'x')\n"
        "    except OSError as error: raise storage_error(error, f'writing {path}') from error\n"
        + KILLED.replace("lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)", "write")
    ).replace("run(sys.argv[2:])", "sys.exit(run(sys.argv[2:]))")
    failed = subprocess.run(
        [sys.executable, "-c", program, "lyrikstore_cli.options.write_new", *words, "-o", "g.json"],
        cwd=issued.folder,
        env=issued.variables(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode == 1
    said = " ".join(failed.stderr.split())
    assert "it is logged, as entry" in said
    digest = said.partition("lyrikstore show ")[2].partition(" ")[0]
    assert '"GrantCredential"' in issued.ok("show", digest, "--raw").out


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_an_interrupt_says_what_was_done_by_then(monkeypatch, capsys, arguments) -> None:
    stop = KeyboardInterrupt()
    stop.add_note("deployments/acme/x is logged: it is written with --again")

    def interrupted(*_: object, **__: object) -> None:
        raise click.Abort from stop

    monkeypatch.setattr(main.program, "main", interrupted)
    main.run(arguments)
    said = capsys.readouterr().err
    assert "deployments/acme/x is logged" in said
    assert len(said.splitlines()) == (1 if arguments else 2)
