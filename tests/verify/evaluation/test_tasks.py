"""Tasks of other packages: what is wrong with one of them is never a success, nor a crash."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.train import task as training
from lyrikstore.verify.evaluation import tasks
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.store.evaluations import Recomputed
from tests.lineages import lineage_of
from tests.verify.evaluation.test_generations import ROWS, Evaluated, manifest

NAME = "token-tagging"
ENTRY = f"[{tasks.GROUP}]\n{NAME} = tagging:TASK\n"


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Return what installs a task; an error is raised where it is loaded."""

    def installed(found: Any) -> None:
        def load() -> Any:
            if isinstance(found, Exception):
                raise found
            return found

        entry = SimpleNamespace(name=NAME, load=load, dist=None)
        monkeypatch.setattr(tasks, "entry_points", lambda group: [entry])

    return installed


@pytest.mark.parametrize("error", [ImportError(), SyntaxError(), RuntimeError(), OSError()])
def test_a_task_that_cannot_be_loaded_is_not_installed(install: Any, error: Exception) -> None:
    install(error)
    assert tasks.find_rules(NAME) is None
    with pytest.raises(InvalidInputError) as caught:
        training.find_task(NAME)
    assert caught.value.kind == "unknown-task"


def test_whoever_misspells_a_task_of_another_package_reads_its_name(install: Any) -> None:
    install(SimpleNamespace(rules=None))
    for find in (tasks.rules_of, training.find_task):
        with pytest.raises(InvalidInputError) as caught:
            find(f"{NAME}s")
        assert NAME in str(caught.value.hint)


@pytest.mark.parametrize("name", [None, ["sft"], {"name": "sft"}, 1, "os:system", "os", "../sft"])
def test_only_the_name_of_an_installed_task_names_one(install: Any, name: object) -> None:
    install(SimpleNamespace(rules=None))
    assert tasks.find_rules(name) is None


class Failing:
    """Rules that a body makes fail, as ``int(label)`` does of a label that is no number."""

    name, formats, answers = NAME, ("tags/1",), "label"

    def read(self, _: Any) -> list[int]:
        return [1]

    def undeclared(self, _: Any) -> str:
        return ""

    def compare(self, _: Any) -> tuple[str, str]:
        return "", ""

    def input_records(self, _: Any) -> Iterator[Any]:
        return iter(())

    def differences(self, _: Any, *, compared: bool) -> Iterator[tuple[str, str]]:
        yield "", str(int(f"no number: {compared}"))


def test_what_makes_the_rules_of_another_package_fail_is_not_checked(
    install: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(SimpleNamespace(rules=Failing()))
    monkeypatch.setattr(Recomputed, "_predictions", lambda *_: [1])
    checkpoint = manifest("checkpoint", {"task": NAME})
    body = {"task": NAME, "overlap": {"exact": 0}}
    evaluation = manifest("evaluation", body, checkpoint=checkpoint.id)
    problems = Problems("evaluation.recomputed")
    store: Any = SimpleNamespace()
    held = Recomputed(store, evaluation, lineage_of(checkpoint), lambda *_: iter(()), problems)
    count, unasked = held.check(None)
    found = problems.close("")
    assert (count, len(unasked)) == (0, 1)
    assert (found.state, found.detail["reason"]) == ("unchecked", "unknown-task")


@pytest.mark.parametrize("data", ["x", 1, [], None])
def test_a_config_of_another_form_ends_no_verification(data: Any) -> None:
    """ATTACK: the schema of a run leaves its config open, and its sections are none."""
    made = Evaluated(ROWS)
    made.run.body["config"] = {"data": data}
    found = made.problems().close("")
    assert (found.state, found.detail["reason"]) == ("unchecked", "lost")


def test_a_worker_does_not_look_for_a_task_where_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ATTACK: the folder of a worker holds files of the data, and a relative path leads there."""
    about = tmp_path / "tagging-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: tagging\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    assert training.folder_of_task(NAME) == str(tmp_path)
