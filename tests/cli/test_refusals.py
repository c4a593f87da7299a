"""What commands refuse by themselves, in this process: no store is needed for it."""

import json
from pathlib import Path

import pytest

from lyrikstore_cli import main
from lyrikstore_cli.commands import card
from tests.kinds import refused


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        (["maintain", "schema", "nothing", "--json"], 1, "no-schema"),
        (["page", "--compare", "other.html", "--json"], 3, "another-page"),
        (["help", "nothing", "--json"], 2, "usage"),
    ],
)
def test_it_is_named(
    arguments: list[str],
    code: int,
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("other.html").write_text("<p>trusted</p>")
    assert main.run(arguments) == code
    assert json.loads(capsys.readouterr().err.splitlines()[-1])["kind"] == kind


def test_a_fault_of_the_program_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(main.program, "main", lambda *_, **__: {}["missing"])
    assert main.run(["status", "--json"]) == 1
    assert json.loads(capsys.readouterr().err.splitlines()[-1])["kind"] == "internal"


def test_a_card_that_cannot_be_written(tmp_path: Path) -> None:
    with refused("unwritable"):
        card._write({tmp_path / ("x" * 300): b""})
