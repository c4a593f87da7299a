"""What npm installs for the tests, once for all the processes that run them.

python -m tests.npm     installs all of it, where npm is there
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other test processes from changing ``folder`` meanwhile: ``npm ci`` empties it first."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def installed(folder: Path, *options: str) -> Path:
    """Return ``folder`` with the packages that its lock file names; ``options`` are npm's."""
    stamp, lock = folder / "node_modules" / ".package-lock.json", folder / "package-lock.json"
    with alone(folder):
        if not stamp.exists() or stamp.stat().st_mtime < lock.stat().st_mtime:
            command = ["npm", "ci", "--no-audit", "--no-fund", *options]
            subprocess.run(command, cwd=folder, check=True, timeout=300)
    return folder


def generated(page: Path) -> Path:
    """Return the page's folder with its generated sources, written where they are not up to date.

    Another process reads them meanwhile: one that met a file half written would end.
    """
    installed(page)
    with alone(page):
        made_from, now = page / "generated" / ".made-from", _digest_of_sources(page)
        if not made_from.exists() or made_from.read_text("ascii") != now:
            subprocess.run(["node", "generate.mjs"], cwd=page, check=True, timeout=120)
            made_from.write_text(now, "ascii")
    return page


def _digest_of_sources(page: Path) -> str:
    found = hashlib.sha256()
    for name in json.loads((page / "sources.json").read_text("utf-8")):
        place = page.parent / name.partition("#")[0]
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.is_file():
                data = file.read_bytes()
                found.update(f"{file.relative_to(page.parent)} {len(data)} ".encode() + data)
    return found.hexdigest()


if __name__ == "__main__":  # before a run of the tests, which else wait for it
    if shutil.which("npm"):
        TESTS = Path(__file__).parent
        generated(TESTS.parent / "page")
        installed(TESTS / "deploy" / "js", "--ignore-scripts")
        installed(TESTS / "interop" / "digitalbazaar")
        installed(TESTS / "servers" / "azurite")
