"""The tables of ``spec/`` are sound, and what both verifiers go by."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.schemas import check_schema
from lyrikstore.verify.checks import CHECKS, PROCEDURES
from lyrikstore.verify.report import CheckState

ROOT = Path(__file__).resolve().parents[2]
LIMITS = json.loads((ROOT / "spec" / "limits.json").read_text("utf-8"))
TABLE = json.loads((ROOT / "spec" / "checks.json").read_text("utf-8"))
STATES = {str(state) for state in CheckState}


def sources(*patterns: str) -> list[str]:
    files = (path for pattern in patterns for path in sorted(ROOT.glob(pattern)))
    return [path.read_text("utf-8") for path in files]


MODULES = sources("lyrikstore/**/*.py")
PYTHON, PAGE = "\n".join(MODULES), "\n".join(sources("page/src/**/*.js", "page/ui/*.js"))
SAY_WHY, SAY_SO = {"failed", "warned", "unchecked"}, {"passed", "stated", "not_applicable"}


def is_there(place: str) -> bool:
    """Return whether the specification has the section ``CHAPTER#ANCHOR``."""
    path, _, anchor = place.partition("#")
    headings = re.findall(r"^#+ (.*)$", (ROOT / path).read_text("utf-8"), re.MULTILINE)
    return anchor in (re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-") for h in headings)


def test_limits_are_sound() -> None:
    check_schema(LIMITS, "limits")
    assert [name for name, limit in LIMITS.items() if not is_there(limit["spec"])] == []


def test_kinds_of_manifest_are_sound() -> None:
    kinds = json.loads((ROOT / "spec" / "manifest-kinds.json").read_text("utf-8"))
    check_schema(kinds, "manifest-kinds")
    rules = [rule for kind in kinds.values() for rule in kind.get("inputs", {}).values()]
    rules += [
        rule
        for kind in kinds.values()
        for origin in kind.get("origins", {}).values()
        for rule in origin.values()
    ]
    assert {rule["kind"] for rule in rules} <= set(kinds)


@pytest.mark.parametrize("text", [PYTHON, PAGE], ids=["python", "page"])
def test_every_limit_is_used(text: str) -> None:
    assert set(LIMITS) <= set(re.findall(r"\w+", text))


def test_checks_are_sound() -> None:
    check_schema(TABLE, "checks")
    for name, check in CHECKS.items():
        assert is_there(check.spec), name
        assert check.w3c is None or is_there(check.w3c), name
        assert set(check.reasons_of) <= set(CHECKS), name
        for place in {check.spec, check.w3c or check.spec}:
            chapter = place.partition("#")[0].replace("10-credentials", "11-verification")
            assert f"`{name}`" in (ROOT / chapter).read_text("utf-8"), name


def test_procedures_make_every_check_and_no_other() -> None:
    assert {check for one in PROCEDURES.values() for check in one.checks} == set(CHECKS)
    foreign = {c for name in ("w3c", "presentation") for c in PROCEDURES[name].checks}
    assert {name for name, check in CHECKS.items() if check.w3c} <= foreign
    for procedure in PROCEDURES.values():
        assert set(procedure.optional) <= set(procedure.checks)
        assert set(procedure.not_proven) <= set(TABLE["notProven"])


def test_what_is_not_proven_is_said_somewhere() -> None:
    always = {name for procedure in PROCEDURES.values() for name in procedure.not_proven}
    for name, sentence in TABLE["notProven"].items():
        assert (name in always) != ("when" in sentence), name
        assert name in always or f'"{name}"' in PYTHON + PAGE, name


def reasons_of(name: str) -> set[str]:
    unread = {one.unread.reason for one in PROCEDURES.values() if name in one.checks}
    return unread.union(CHECKS[name].reasons, *map(reasons_of, CHECKS[name].reasons_of))


def said_in_python() -> Iterator[tuple[str, str | None]]:
    says = re.compile(rf"\b(?:{'|'.join(SAY_WHY | SAY_SO)})\(")
    nodes = (node for text in MODULES if says.search(text) for node in ast.walk(ast.parse(text)))
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            words = [one.value if isinstance(one, ast.Constant) else None for one in node.args[:2]]
            if node.func.id in SAY_WHY and isinstance(words[0], str):
                yield words[0], words[1]
            if node.func.id in SAY_SO and isinstance(words[0], str):
                yield words[0], None


def said_on_the_page() -> Iterator[tuple[str, str | None]]:
    yield from re.findall(r'\b(?:failed|warned|unchecked)\("([a-z.]+)", "([a-z-]+)"', PAGE)
    for name in re.findall(r'\b(?:passed|stated|notApplicable)\("([a-z.]+)"', PAGE):
        yield name, None


def said_in_vectors() -> Iterator[tuple[str, str | None]]:
    def walk(value: Any) -> Iterator[tuple[str, str | None]]:
        if isinstance(value, dict):
            for member in ("checks", "grant"):
                if isinstance(value.get(member), dict):
                    yield from value[member].items()
            value = list(value.values())
        for item in value if isinstance(value, list) else ():
            yield from walk(item)

    for path in sorted((ROOT / "spec" / "vectors").rglob("*.json")):
        for name, answer in walk(json.loads(path.read_text("utf-8"))):
            if isinstance(answer, str):
                yield name, None if answer in STATES else answer


@pytest.mark.parametrize("said", [said_in_python, said_on_the_page, said_in_vectors])
def test_every_answer_is_in_the_table(said: Any) -> None:
    answers = set(said())
    assert len(answers) > 40
    assert [name for name, _ in answers if name not in CHECKS] == []
    assert [one for one in answers if one[1] and one[1] not in reasons_of(one[0])] == []
