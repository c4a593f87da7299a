"""A command in a sandbox, without a store: what its tests share."""

import os
import sys
from pathlib import Path

from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.train.external import command
from lyrikstore.train.external.extra_paths import Opening, check_variables, hash_reads
from lyrikstore.train.external.git_repository import find_repository
from lyrikstore.train.external.program import copy_work_tree
from lyrikstore.train.external.sandbox import (
    find_confinement,
    need_confinement,
    plan_layout,
    sandbox_command,
)
from lyrikstore.train.worker.staging import open_staging

PYTHON = (sys.executable, "-I", "-c")


def run_confined(
    words: tuple[str, ...],
    folder: Path,
    environment: dict[str, str],
    *,
    opening: Opening | None = None,
    unconfined: bool = False,
    progress: OnProgress = silent,
    store: Path | None = None,
) -> tuple[command.CommandEnd, dict[str, str]]:
    """Run a command of somebody's in their folder; return its end, and what it wrote, by path."""
    opening = opening or Opening()
    found = find_confinement(environment, network=opening.network)
    confinement = need_confinement(found, unconfined=unconfined)
    repository = find_repository(folder)
    store = store or folder / ".lyrikstore"
    store.mkdir(exist_ok=True)
    home = Path(environment["HOME"])
    reads = hash_reads(opening, folder, store=store, home=home)
    with open_staging(store) as staging:
        for name in ("output", "work", "home", "tmp"):
            (staging.path / name).mkdir()
        before: list[str] = []
        if confinement.program:
            layout = plan_layout(words, folder, repository, opening, reads, environment)
            if repository is not None:
                copy_work_tree(repository, staging.path / "work")
            before = sandbox_command(confinement, layout, staging, ())
        end = command.run_command(
            words,
            staging,
            (),
            folder=folder,
            base_env=environment,
            progress=progress,
            before=before,
            variables=check_variables(opening, environment),
        )
        output = staging.path / "output"
        return end, {
            one.relative_to(output).as_posix(): one.read_text()
            for one in output.rglob("*")
            if one.is_file()
        }


def environment_of(home: Path, **more: str) -> dict[str, str]:
    """Return the environment of somebody with a home folder."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), **more}
