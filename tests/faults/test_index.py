"""A disk that fails under the index is not taken for a damaged index."""

import json
import subprocess

import pytest

pytestmark = pytest.mark.faults


def under(person, fault, *arguments):
    """Run a command whose system calls fail; return its exit code and the error it prints."""
    done = subprocess.run(
        ["strace", "-f", "-qqq", "-o", "/dev/null", *fault, *person.command(*arguments, "--json")],
        cwd=person.folder,
        env=person.variables(),
        capture_output=True,
        text=True,
    )
    return done.returncode, json.loads(done.stderr)


def test_a_read_that_fails_while_querying(publisher) -> None:
    path = publisher.ok("maintain", "index", "--json").json["path"]
    query = ("query", "SELECT count(*) FROM log")
    fault = ("-P", path, "-e", "inject=pread64:error=EIO:when=3+")
    code, error = under(publisher, fault, *query)
    assert (code, error["kind"], error["details"]["errno"]) == (1, "io", 5)
    assert publisher.ok(*query, "--json").json["rows"] == [[2]]


def test_a_full_disk_while_building(publisher) -> None:
    fault = ("-e", "inject=pwrite64:error=ENOSPC:when=3+")
    code, error = under(publisher, fault, "maintain", "index")
    assert (code, error["kind"]) == (1, "disk-full")
    assert "free some space" in error["hint"]


def test_words_of_the_system_in_a_query_are_none_of_its(publisher) -> None:
    result = publisher.fails(16, "query", "SELECT error('Input/output error')", "--json")
    assert result.kind == "bad-query"
