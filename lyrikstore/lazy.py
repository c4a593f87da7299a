"""Lazy modules: their names are imported from other modules on first use.

The stub next to such a module is the table of its names, which type checkers read as well: it
contains ``from MODULE import NAME as NAME`` for each.
"""

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

_LINE = re.compile(r"^from (\S+) import (?:\(\s+)?(\w+) as ", re.MULTILINE)


def lazily(module: str, file: str) -> Callable[[str], Any]:
    """Return a ``__getattr__`` for a module that imports the names in its stub on first use.

    Args:
        module: Name of the module.
        file: File of the module.
    """
    places = places_of(file)

    def load(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        return getattr(import_module(places[name]), name)

    return load


def places_of(file: str) -> dict[str, str]:
    """Return the source of each name of a lazy module: name → module."""
    stub = Path(file).with_suffix(".pyi").read_text("utf-8")
    return {name: place for place, name in _LINE.findall(stub)}
