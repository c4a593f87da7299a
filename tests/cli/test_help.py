"""``lyrikstore help ROLE``: few commands, all there, on one screen."""

import shlex

import pytest

from lyrikstore_cli.commands.help import ROLES
from tests.meta.test_documented import leftover


@pytest.mark.parametrize("role", ["publisher", "buyer", "developer", "auditor"])
def test_a_role_sees_its_commands_on_one_screen(new_person, role: str) -> None:
    person = new_person("newcomer")
    shown = person.ok("help", role).out.splitlines()
    assert len(shown) <= 24
    assert max(map(len, shown)) <= 80
    told = person.ok("help", role, "--json").json
    assert (told["topic"], told["goal"]) == (role, ROLES[role].goal)
    assert 4 <= len(told["steps"]) <= 9
    for step in (*told["steps"], told["next"]):
        program, *words = shlex.split(step["command"])
        assert program == "lyrikstore"
        assert leftover(words) == []  # command, options and arguments are there
        assert step["purpose"] in "\n".join(shown)
