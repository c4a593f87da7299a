"""Write what the schemas say of filters, tasks, candidates and targets, from their registries.

The rest of those files is written by hand, and stays as it is.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lyrikstore.curate.recipes.filters.contract import Filter
from lyrikstore.curate.recipes.filters.parameters import Parameter
from lyrikstore.curate.recipes.filters.registry import FILTERS
from lyrikstore.train.formats.formats import FORMATS
from lyrikstore.train.requirements import CANDIDATES
from lyrikstore.train.task import find_task
from lyrikstore.train.worker.targets.registry import TARGETS, Target
from lyrikstore.verify.evaluation.tasks import installed_task, task_names

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"
COUNT = {"type": "integer", "minimum": 0, "maximum": 10**9}
FORMS: Mapping[str, Mapping[str, Any]] = {
    "string": {"type": "string", "minLength": 1},
    "strings": {"$ref": "#/$defs/names"},
    "columns": {"$ref": "#/$defs/columns"},
    "boolean": {"type": "boolean"},
    "seed": {"type": ["string", "integer"]},
    "number": COUNT,
    "fraction": {"$ref": "#/$defs/share"},
    "share": {"$ref": "#/$defs/shareOrValues"},
    "texts": {"$ref": "#/$defs/texts"},
    "constants": {"$ref": "#/$defs/constants", "propertyNames": {"minLength": 1}},
    "value-maps": {"$ref": "#/$defs/maps"},
}
"""Form of a parameter -> what the schema says of its value."""


def schemas(
    filters: Mapping[str, type[Filter]] = FILTERS, targets: Mapping[str, Target] = TARGETS
) -> dict[str, Any]:
    """Return path -> the schema that has to be there.

    Args:
        filters: Of which a recipe can be made.
        targets: What can be deployed to.
    """
    recipe, config, plan, deploy = (
        json.loads((SCHEMAS / path).read_bytes())
        for path in ("recipe.schema.json", "train-config.schema.json", "cli/plan.schema.json",
                     "cli/deploy.schema.json")
    )  # fmt: skip
    # No recipe names union/1: it is what `filter` makes of several datasets.
    named = {use: kind for use, kind in filters.items() if use != "union/1"}
    steps = recipe["properties"]["step"]["items"]
    steps["oneOf"] = [_step(use, kind) for use, kind in named.items()]
    recipe["$defs"] |= {
        one.name: {"$ref": "#/$defs/names", "items": {"enum": [*one.choices]}}
        for kind in named.values()
        for one in kind.PARAMETERS
        if _has_choices(one)
    }
    members = config["properties"]
    members["task"]["examples"] = [one for one in task_names() if installed_task(one) is None]
    members["deploy"]["enum"] = [name for name, one in targets.items() if is_generative(one)]
    members["model"]["properties"]["candidates"]["items"]["enum"] = [*CANDIDATES]
    candidate = plan["properties"]["candidates"]["items"]["properties"]["candidate"]
    candidate["enum"] = [*CANDIDATES]
    deploy["properties"]["to"]["enum"] = [*targets]
    return {
        "recipe.schema.json": recipe,
        "train-config.schema.json": config,
        "cli/plan.schema.json": plan,
        "cli/deploy.schema.json": deploy,
    }


def write(schema: Mapping[str, Any]) -> str:
    """Return the bytes of a schema."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write all of them."""
    for path, schema in schemas().items():
        (SCHEMAS / path).write_text(write(schema), "utf-8")


def is_generative(target: Target) -> bool:
    """Return whether models of a generative task go to a target."""
    tasks = [find_task(name) for name in task_names()]
    trained = {one for task in tasks if task.generative for one in task.candidates}
    return any(FORMATS[one].candidate in trained for one in target.formats & FORMATS.keys())


def _step(use: str, kind: type[Filter]) -> dict[str, Any]:
    needed = [one.name for one in kind.PARAMETERS if one.default is None and not one.optional]
    return {
        "properties": {"use": {"const": use}, **{p.name: _form(p) for p in kind.PARAMETERS}},
        **({"required": needed} if needed else {}),
        **kind.TOGETHER,
        "additionalProperties": False,
    }


def _has_choices(one: Parameter) -> bool:
    return one.kind == "strings" and bool(one.choices)


def _form(one: Parameter) -> dict[str, Any]:
    if _has_choices(one):
        return {"$ref": f"#/$defs/{one.name}"}
    if one.choices:
        return {"enum": [*one.choices]}
    return {**FORMS[one.kind], **one.limits}


if __name__ == "__main__":
    main()
