"""``lyrikstore help ROLE``: few commands, all there, on one screen, which work as they stand."""

import json
import shlex

import pytest

from lyrikstore.canon.schemas import check_schema
from lyrikstore_cli import main
from lyrikstore_cli.commands.help import ROLES
from tests.cli.small_runs import rows
from tests.conftest import REPOSITORY
from tests.meta.test_documented import leftover

_GIVEN = {"ROWS": "rows.jsonl", "F": "label", "CHECKPOINT": "checkpoints/me/task"}
_GIVEN |= {"REF": "me/task.train", "NAME": "me/own"}
_COMMAND = ("sh", "-c", "cat {input}/* > {output}/notes.txt")


@pytest.mark.parametrize("role", ["publisher", "buyer", "developer", "auditor"])
def test_a_role_sees_its_commands_on_one_screen(new_person, role: str) -> None:
    person = new_person("newcomer")
    shown = person.ok("help", role).out.splitlines()
    assert len(shown) <= 24
    assert max(map(len, shown)) <= 80
    helped = person.ok("help", role, "--json").json
    assert (helped["topic"], helped["goal"]) == (role, ROLES[role].goal)
    assert 4 <= len(helped["steps"]) <= 9
    for step in (*helped["steps"], *helped["also"], helped["next"]):
        program, *words = shlex.split(step["command"])
        assert program == "lyrikstore"
        assert leftover(words) == []  # command, options and arguments are there
        assert step["purpose"] in "\n".join(shown)


def test_help_alone_lists_every_command(capsys) -> None:
    assert main.run(["--help"]) == 0
    whole = capsys.readouterr().out
    assert main.run(["help"]) == 0
    assert capsys.readouterr().out == whole
    assert main.run(["help", "--json"]) == 0
    helped = json.loads(capsys.readouterr().out)
    check_schema(helped, "cli/help")
    assert helped["meanings"].keys() == main.MODULES.keys()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_documented_line_prints_a_completion_script(monkeypatch, capsys, shell: str) -> None:
    steps = (REPOSITORY / "docs" / "first-steps.md").read_text("utf-8")
    variable, value = "_LYRIKSTORE_COMPLETE", f"{shell}_source"
    assert "$(_LYRIKSTORE_COMPLETE=bash_source lyrikstore)" in steps
    assert f"`{value}`" in steps or shell == "bash"
    monkeypatch.setenv(variable, value)
    assert main.run([]) == 0
    assert f"{variable}={shell}_complete" in capsys.readouterr().out


@pytest.mark.train
def test_the_steps_for_a_developer_work_in_their_order(new_person) -> None:
    person = new_person("newcomer")
    data = [row | {"text": row["text"] + " clause"} for row in rows(120)]
    (person.folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in data))
    helped = ROLES["developer"]
    steps = [*helped.steps, helped.further[0], *helped.also]
    for step in steps:
        words = [_GIVEN.get(word, word) for word in shlex.split(step)]
        if words[-1] == "CMD":
            words[-1:] = _COMMAND
        if words[0] == "key":
            words.append("--no-passphrase")
        if words[0] != "checkpoint":  # without a base model words are counted, in seconds
            person.ok(*words)
    assert (person.folder / "card.html").exists()
