"""Somebody whose commands are measured, each in a process of its own."""

import sys

from tests.conftest import Person

# The kernel counts for a child what its parent held when it started it: so a small one starts it.
MEASURE = (
    "import resource, subprocess, sys; code = subprocess.run(sys.argv[2:]).returncode;"
    "open(sys.argv[1], 'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss));"
    "sys.exit(code)"
)


class Measured(Person):
    """Somebody whose commands are measured: ``peak`` is the most memory of the last, in MiB."""

    def command(self, *arguments: object) -> list[str]:
        """Return the argument vector of one lyrikstore command below a program that measures."""
        command = super().command(*arguments)
        return [sys.executable, "-c", MEASURE, str(self.home / "peak"), *command]

    @property
    def peak(self) -> int:
        """The most memory of the last command, in MiB."""
        return int((self.home / "peak").read_text()) >> 10
