"""Which errors are made with which kinds, as the source says: for docs/errors.md and its test."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from lyrikstore.canon.errors import LyrikstoreError

REPOSITORY = Path(__file__).resolve().parents[1]

ELSEWHERE = {
    "StorageError": ("no-permission",),  # storage_error: by the number of the system
    # sign_credential: the reason of a check that failed; Lines: what is attached
    "FormatError": ("failure", "bad-predictions"),
    "InvalidInputError": (  # predict: why one record has no answer, as the scan says it
        *("device", "fifo", "folder-unreadable", "socket"),
        *("symlink", "symlink-broken", "symlink-loop", "symlink-outside"),
    ),
}
"""Class -> kinds that come to it through a variable: no call has both."""

REASONS = ("Unanswered", "Unreadable", "UnreadableError")
"""What is made with a reason that predict raises as the kind of an InvalidInputError."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Taker(NamedTuple):
    """A parameter that becomes the kind of an error.

    Attributes:
        module: Where it is defined; empty for the classes of errors.
        name: The function, method or class.
        parameter: The parameter.
        position: Its position in a call, or None where it is given by name only.
        error: The class of the error.
    """

    module: str
    name: str
    parameter: str
    position: int | None
    error: str


def kinds_raised(extra: Iterable[tuple[str, str]] = ()) -> dict[str, set[str]]:
    """Return the names of the classes of errors that are made with each kind.

    A literal is found where it is given to an error, or to a function that gives it on; through
    constants, conditional expressions, and variables of the same function.

    Args:
        extra: The name and the source of modules to look at, besides the program's.
    """
    modules = {name: ast.parse(source) for name, source in [*_sources(), *extra]}
    constants = {key: value for name in modules for key, value in _constants(name, modules[name])}
    calls = defaultdict(list)
    origin: dict[tuple[str, str], str] = {}  # of a name in a module: the module that defines it
    for module, tree in modules.items():
        for function, node in _nodes(tree):
            if isinstance(node, ast.Call):
                calls[_name(node.func)].append((module, function, node))
            elif isinstance(node, _Function):
                origin[module, node.name] = module
            elif isinstance(node, ast.ImportFrom):
                for name in node.names:
                    origin[module, name.asname or name.name] = _path(node.module or "")
    waiting = list(_errors(modules.values()))
    seen = set(waiting)
    found: dict[str, set[str]] = defaultdict(set)
    while waiting:
        taker = waiting.pop()
        for module, function, call in calls[taker.name]:
            anywhere = taker.module if isinstance(call.func, ast.Attribute) else ""
            if taker.module and origin.get((module, taker.name), anywhere) != taker.module:
                continue  # another function of this name
            if (given := _given(call, taker)) is None:
                continue
            for kind in _literals(given, module, function, constants):
                found[kind].add(taker.error)
            if function is not None and isinstance(given, ast.Name):
                if (usual := _default(function, given.id)) is not None:
                    found[usual].add(taker.error)
                more = {*_passed_on(module, function, given.id, taker.error)} - seen
                seen |= more
                waiting += more
    for error, kinds in ELSEWHERE.items():
        for kind in kinds:
            found[kind].add(error)
    return dict(found)


def _sources() -> Iterator[tuple[str, str]]:
    for folder in ("lyrikstore", "cli"):
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            yield str(path.relative_to(REPOSITORY)), path.read_text("utf-8")


def _errors(trees: Iterable[ast.Module]) -> Iterator[Taker]:
    ours = {cls.__name__: cls.__name__ for cls in LyrikstoreError.__subclasses__()}
    ours["LyrikstoreError"] = "LyrikstoreError"
    for tree in trees:
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                for base in node.bases:
                    if isinstance(base, ast.Name) and base.id in ours:
                        ours.setdefault(node.name, base.id)
    for name, error in (*ours.items(), *((name, "InvalidInputError") for name in REASONS)):
        yield Taker("", name, "kind", 0, error)


def _constants(module: str, tree: ast.Module) -> Iterator[tuple[tuple[str, str], str]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if isinstance(target, ast.Name) and isinstance(node.value.value, str):
                    yield (module, target.id), node.value.value
                    if not target.id.startswith("_"):
                        yield ("", target.id), node.value.value


def _nodes(tree: ast.Module) -> Iterator[tuple[_Function | None, ast.AST]]:
    waiting: list[tuple[_Function | None, ast.AST]] = [(None, tree)]
    while waiting:
        function, node = waiting.pop()
        yield function, node
        within = node if isinstance(node, _Function) else function
        waiting += [(within, inner) for inner in ast.iter_child_nodes(node)]


def _path(module: str) -> str:
    path = Path(*module.split("."))
    return str(path if path.parts[:1] == ("lyrikstore",) else "cli" / path) + ".py"


def _name(called: ast.expr) -> str:
    if isinstance(called, ast.Attribute):
        return called.attr
    return called.id if isinstance(called, ast.Name) else ""


def _given(call: ast.Call, taker: Taker) -> ast.expr | None:
    for keyword in call.keywords:
        if keyword.arg == taker.parameter:
            return keyword.value
    if taker.position is None or len(call.args) <= taker.position:
        return None
    return call.args[taker.position]


def _literals(
    value: ast.expr, module: str, function: _Function | None, constants: dict[tuple[str, str], str]
) -> Iterator[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from _literals(value.body, module, function, constants)
        yield from _literals(value.orelse, module, function, constants)
    elif isinstance(value, ast.Name):
        for key in ((module, value.id), ("", value.id)):
            if key in constants:
                yield constants[key]
                return
        if function is not None:
            for node in ast.walk(function):
                for target, one in _assigned(node):
                    if isinstance(target, ast.Name) and target.id == value.id and one is not value:
                        yield from _literals(one, module, None, constants)


def _assigned(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    pairs: list[tuple[ast.expr, ast.expr]] = []
    if isinstance(node, ast.Assign):
        pairs = [(target, node.value) for target in node.targets]
    elif isinstance(node, ast.For) and isinstance(node.iter, ast.Tuple):
        pairs = [(node.target, one) for one in node.iter.elts]
    for target, value in pairs:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            yield from zip(target.elts, value.elts, strict=False)
        yield target, value


def _passed_on(module: str, function: _Function, parameter: str, error: str) -> Iterator[Taker]:
    positional = [argument.arg for argument in function.args.args]
    if parameter not in {*positional, *(argument.arg for argument in function.args.kwonlyargs)}:
        return
    if positional[:1] in (["self"], ["cls"]):
        del positional[0]
    position = positional.index(parameter) if parameter in positional else None
    yield Taker(module, function.name, parameter, position, error)


def _default(function: _Function, parameter: str) -> str | None:
    arguments = function.args
    usual = [None] * (len(arguments.args) - len(arguments.defaults)) + arguments.defaults
    pairs = zip(arguments.args + arguments.kwonlyargs, usual + arguments.kw_defaults, strict=True)
    for argument, value in pairs:
        if argument.arg == parameter and isinstance(value, ast.Constant):
            return value.value if isinstance(value.value, str) else None
    return None
