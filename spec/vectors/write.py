"""Writes the vectors: ``python spec/vectors/write.py`` makes every file of this folder anew.

A module ``make_*`` says in ``make()`` what some of the files hold. What W3C made, in
``w3c-eddsa/``, is kept as it came.
"""

import importlib
import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MODULES = tuple(sorted(path.stem for path in HERE.glob("make_*.py")))


def made(module: str) -> dict[str, str]:
    """Return file name → text of what one module makes."""
    content: dict[str, Any] = importlib.import_module(module).make()
    return {name: json.dumps(value, indent=1) + "\n" for name, value in content.items()}


if __name__ == "__main__":
    for module in MODULES:
        for name, text in made(module).items():
            path = HERE / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "ascii")
