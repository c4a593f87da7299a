"""The program of docs/automation.md, run as it stands."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from lyrikstore.canon.schemas import check_schema
from tests.conftest import Person
from tests.pages import blocks

PAGE = Path(__file__).resolve().parents[2] / "docs" / "automation.md"


def test_its_results_are_as_their_schemas_say() -> None:
    shown = [json.loads(block) for block in blocks("automation.md", "json")]
    assert len(shown) == 3
    for result in shown:
        check_schema(result, result["schema"].removeprefix("lyrikstore/").rpartition("/")[0])


@pytest.mark.jq
def test_the_page_runs(publisher: Person, tmp_path: Path) -> None:
    documents = publisher.folder / "documents"
    documents.mkdir()
    for number in range(6):
        (documents / f"letter-{number}.txt").write_text(f"dear sir {number}\n")
    program = tmp_path / "bin" / "lyrikstore"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {" ".join(publisher.command())} "$@"\n')
    program.chmod(0o755)
    publisher.ok("remote", "add", "origin", tmp_path / "shared")

    def run() -> subprocess.CompletedProcess[str]:
        (script,) = re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
        variables = publisher.variables()
        variables["PATH"] = f"{program.parent}:{variables['PATH']}"
        return subprocess.run(
            ["sh", "-c", script],
            cwd=publisher.folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    first = run()
    assert first.returncode == 0, first.stderr
    assert first.stdout.endswith("may be used to train: not-stated\n")
    again = run()
    assert (again.returncode, again.stdout) == (0, first.stdout)
    for path in sorted(documents.iterdir())[:4]:
        path.unlink()
    refused = run()
    assert refused.returncode == 16
    assert "add --yes" in refused.stderr
