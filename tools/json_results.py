"""What every command prints with ``--json``, read from its source: the page ``docs/json.md``."""

import ast
from collections.abc import Iterator
from pathlib import Path

from lyrikstore_cli.remotes import NamedRemote

SOURCE = Path(__file__).resolve().parents[1] / "cli" / "lyrikstore_cli"
_SHARED = {
    "said": ("reinstated", "revoked", "superseded", "suspended"),
    "command_name": ("key-list", "key-new", "key-restore", "key-show"),
}
"""A variable that names the result of several commands → those names."""

_REMOTE = list(NamedRemote.__struct_fields__)
_ELSEWHERE = {
    "asdict(remote)": _REMOTE,
    "asdict(gone)": _REMOTE,
    "report.to_json()": [
        *("verdict", "checks", "subject", "issuer", "at", "notProven", "profile", "parts"),
    ],
    "result.to_json()": ["sources", "verdict", "answers", "duties", "limits", "conflicts", "use"],
}
"""An expression whose members are written down in another file → those members."""

_TEXT = """# Results as JSON

Made by `make docs` from the commands' sources.

With `--json` a command that succeeds prints one JSON object to standard output, and nothing else
there. `schema` names its form, such as `lyrikstore/cli/commit/v1`; under one number members are
only ever added, so ignore those you do not know. Ids are whole, sizes in bytes, times UTC.

A command that fails prints one line to standard error, which is JSON as well:

```json
{"type": "error", "kind": "not-logged", "message": "…", "hint": "…", "details": {}, "exit_code": 1}
```

`kind` is for programs and never changes its meaning; `message` and `hint` are for people. A wrong
command line (exit code 2) is answered in plain text. `verify`, `terms`, `lineage`,
`trust check --about` and `page --check` print their result with another exit code than 0 too:
there the code is part of the answer ([exit codes](exit-codes.md)).

| `lyrikstore/cli/…/v1` | members |
| --- | --- |
"""

_NOTES = """
The result of `verify` is the report, in full in `schemas/report.schema.json` (`parts`: those of
the credentials in a presentation; it and `profile` are left out where there are none, as `use` of
`terms` is without `--purpose`); that of `predict`, `evaluate` and `show` holds signed documents,
whose schemas are in `schemas/`.
"""


def page() -> str:
    """Return the page."""
    rows = [
        f"| `{name}` | {' or '.join(sorted(forms))} |" for name, forms in sorted(results().items())
    ]
    return _TEXT + "\n".join(rows) + "\n" + _NOTES


def results() -> dict[str, set[str]]:
    """Return the name of each result → its forms, each a list of members."""
    found: dict[str, set[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for call in ast.walk(tree):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
                continue
            if call.func.attr == "emit":
                named, value = call.args
                text = ast.unparse(named)
                names = _SHARED[text] if text in _SHARED else (ast.literal_eval(named),)
                form = ", ".join(f"`{member}`" for member in _members(value, tree))
                for name in names:
                    found.setdefault(name, set()).add(form)
    return found


def _members(value: ast.expr, tree: ast.Module) -> Iterator[str]:
    match value:
        case ast.Dict():
            for key, inner in zip(value.keys, value.values, strict=True):
                yield from _members(inner, tree) if key is None else [ast.literal_eval(key)]
        case ast.Call(func=ast.Name(id=name)) if any(_functions(tree, name)):
            for function in _functions(tree, name):
                for node in ast.walk(function):
                    if isinstance(node, ast.Return) and node.value is not None:
                        yield from _members(node.value, tree)
        case _:
            yield from _ELSEWHERE[ast.unparse(value)]


def _functions(tree: ast.Module, name: str) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            yield node
