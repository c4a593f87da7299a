"""Checks the types of the programs in docs/python.md as a user's ``mypy --strict`` does."""

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

PAGE = Path(__file__).resolve().parents[1] / "docs" / "python.md"


def main() -> None:
    """Exit with mypy's own status."""
    programs = "".join(re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "programs.py"
        file.write_text(programs, "utf-8")
        command = [sys.executable, "-m", "mypy", "--strict", file]
        sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
