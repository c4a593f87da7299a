"""Modules whose names are loaded from elsewhere when they are first asked for.

The stub next to such a module is the one table of them, which type checkers read as well: it says
``from MODULE import NAME as NAME`` of each.
"""

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

_LINE = re.compile(r"^from (\S+) import (?:\(\s+)?(\w+) as ", re.MULTILINE)


def lazily(module: str, file: str) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a module whose names its stub lists.

    Args:
        module: Its name.
        file: Its file.
    """
    places = places_of(file)

    def load(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        return getattr(import_module(places[name]), name)

    return load


def places_of(file: str) -> dict[str, str]:
    """Return where the names of such a module come from: name → module."""
    stub = Path(file).with_suffix(".pyi").read_text("utf-8")
    return {name: place for place, name in _LINE.findall(stub)}
