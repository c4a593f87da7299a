"""Targets of ``deploy``: one entry and one module each, and nothing of one is forgotten."""

import inspect
import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from msgspec.structs import replace

from lyrikstore.train.formats.formats import BLEND, FORMATS
from lyrikstore.train.worker.targets.registry import TARGETS, Target, TargetModule
from tools.make_schemas import SCHEMAS, is_generative, schemas, write

ROOT = Path(__file__).resolve().parents[2]
PARTS = {"usage": 1, "write": 3, "read": 2}
"""What the module of each has → how many parameters."""


def gaps(target: Target) -> Iterator[str]:
    """Yield what is missing of a target."""
    name = target.name
    try:
        module = import_module(target.module)
    except ImportError:
        yield f"no module {target.module}"
    else:
        parts = PARTS | ({"check": 1} if is_generative(target) else {})
        for part, parameters in parts.items():
            function = getattr(module, part, None)
            if function is None:
                yield f"no {part} in {target.module}"
            elif len(inspect.signature(function).parameters) != parameters:
                yield f"{part} in {target.module} takes other parameters than TargetModule says"
    for path, schema in schemas(targets={**TARGETS, name: target}).items():
        if (SCHEMAS / path).read_text("utf-8") != write(schema):
            yield f"not in schemas/{path}: make docs"
    spec = (ROOT / "spec/14-deliveries-and-cards.md").read_text("utf-8")
    table = spec.partition("### 14.7.1 ")[2].partition("\n### ")[0]
    if f"| `{name}` |" not in table:
        yield "no row in the table of spec 14.7.1"
    if not re.search(rf"^### 14\.7\.\d+ .*`{re.escape(name)}`", spec, re.MULTILINE):
        yield "no section in spec 14.7"
    if f"--to {name}" not in (ROOT / "docs/deploy.md").read_text("utf-8"):
        yield f"no `--to {name}` in docs/deploy.md"
    if not target.formats <= {*FORMATS, BLEND}:
        yield "formats that no checkpoint has"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    brought = [one for extra in target.extras.split(",") for one in extras.get(extra, ())]
    brought_names = {re.match(r"[\w.-]+", one)[0] for one in brought}  # type: ignore[index]
    for package in {*target.packages, *target.check_packages} - brought_names:
        yield f"the extras {target.extras} do not bring {package}"


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_of_a_target_is_missing(name: str) -> None:
    missing = [f"target {name}: {one}" for one in gaps(TARGETS[name])]
    assert not missing, "\n".join(missing)


def test_what_is_missing_of_a_new_target_is_named() -> None:
    new = replace(TARGETS["gguf"], name="new", module="lyrikstore.train.serving.probe")
    found = " ".join(gaps(new))
    for part in (*PARTS, "check", "deploy.schema", "train-config", "14.7.1", "14.7", "docs/deploy"):
        assert part in found
    assert "no module" in " ".join(gaps(replace(new, module="lyrikstore.train.worker.targets.new")))


def test_the_protocol_names_what_a_module_has() -> None:
    assert {one for one in vars(TargetModule) if not one.startswith("_")} == {*PARTS, "check"}
