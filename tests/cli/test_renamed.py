"""A command or flag that was renamed is refused, by one line that says what to type."""

import json

import pytest

from lyrikstore_cli.main import MODULES, run
from lyrikstore_cli.renamed import COMMANDS, FLAGS
from tests.epilogs import command_of, commands


@pytest.mark.parametrize("old", COMMANDS)
def test_a_renamed_command_is_refused_and_its_new_name_said(old: str, capsys) -> None:
    new = COMMANDS[old]
    command_of(new.split())
    assert " ".join(old.split()) not in {" ".join(words) for words in commands()} | {*MODULES}
    assert run([*old.split(), "delivery", "-o", "x"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.endswith(f" lyrikstore {new}\n")


@pytest.mark.parametrize(("command", "flag"), FLAGS)
def test_a_renamed_flag_is_refused_and_its_new_name_said(command: str, flag: str, capsys) -> None:
    given = {"train": ["--input", "acme/rows"], "clone": ["url"]}.get(command, [])
    assert run([*command.split(), *given, flag, "x"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.endswith(f" is now: {FLAGS[command, flag]}\n")


def test_as_json_it_is_bad_usage(capsys) -> None:
    assert run(["revoke", "delivery", "--json"]) == 2
    assert json.loads(capsys.readouterr().err)["kind"] == "usage"


def test_what_a_group_does_not_have_is_bad_usage(capsys) -> None:
    assert run(["w3c", "sing"]) == 2
    assert "'sign'" in capsys.readouterr().err
