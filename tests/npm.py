"""What npm installs for the tests, once for all the processes that run them."""

import contextlib
import fcntl
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other test processes from changing ``folder`` meanwhile: ``npm ci`` empties it first."""
    name = hashlib.sha256(bytes(folder.resolve())).hexdigest()[:16]
    with (Path(tempfile.gettempdir()) / f"lyrikstore-npm-{name}").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def installed(folder: Path, *options: str) -> Path:
    """Return ``folder`` with the packages that its lock file names; ``options`` are npm's."""
    stamp, lock = folder / "node_modules" / ".package-lock.json", folder / "package-lock.json"
    with alone(folder):
        if not stamp.exists() or stamp.stat().st_mtime < lock.stat().st_mtime:
            command = ["npm", "ci", "--no-audit", "--no-fund", *options]
            subprocess.run(command, cwd=folder, check=True, timeout=300)
    return folder


def generated(page: Path) -> Path:
    """Return the page's folder with its generated sources, written once in a run of the tests.

    Another process reads them meanwhile: one that met a file half written would end.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"{os.getpid()}")
    installed(page)
    with alone(page):
        stamp = Path(tempfile.gettempdir()) / f"lyrikstore-page-{run}"
        if not stamp.exists():
            subprocess.run(["node", "generate.mjs"], cwd=page, check=True, timeout=120)
            stamp.touch()
    return page
