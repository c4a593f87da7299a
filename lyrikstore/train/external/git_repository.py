"""The Git repository of the caller: its commit, and uncommitted changes (spec §13.13.1)."""

import os
import subprocess
from pathlib import Path

from blake3 import blake3
from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.history.repository.locate import STORE_FOLDER

_SAFE = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.pager=cat")
_MAX_BYTES = 1 << 30
_SECONDS = 60


class CallerRepository(Struct, frozen=True):
    """A Git repository and its state.

    Attributes:
        top: Its folder.
        commit: The commit that is checked out.
        changes: BLAKE3 of the uncommitted changes; None: there are none.
        files: The files of the commit and of the changes, relative to the folder.
    """

    top: Path
    commit: str
    changes: Digest | None
    files: frozenset[str]

    def to_json(self) -> dict[str, str]:
        """Return the member ``repository`` of a run's body."""
        changes = {} if self.changes is None else {"changes": str(self.changes)}
        return {"commit": self.commit, **changes}


def find_repository(folder: Path) -> CallerRepository | None:
    """Return the Git repository that contains a folder; None: there is none, or Git fails.

    Of the programs that a repository can configure, only the filters that a comparison needs are
    run.

    Args:
        folder: The working directory of the command.

    Cost: reads the changed and the untracked files, up to 1 GiB of the latter.
    """
    top = _git(folder, "rev-parse", "--show-toplevel")
    commit = _git(folder, "rev-parse", "--verify", "HEAD^{commit}")
    if top is None or commit is None:
        return None
    place = Path(os.fsdecode(top.removesuffix(b"\n")))
    flags = ("--no-ext-diff", "--no-textconv", "--no-color", "--binary", "--full-index")
    differing = _git(place, "diff", *flags, "HEAD")
    untracked = _git(place, "ls-files", "--others", "--exclude-standard", "-z")
    tracked = _git(place, "ls-files", "-z")
    if differing is None or untracked is None or tracked is None:
        return None
    own = os.fsencode(STORE_FOLDER)
    new = sorted(one for one in untracked.split(b"\0") if one and own not in one.split(b"/"))
    changes = None
    if differing or new:
        hasher, read = blake3(differing), 0
        for name in new:
            path = place / os.fsdecode(name)
            digest = ""
            if path.is_file() and not path.is_symlink():
                read += path.stat().st_size
                if read <= _MAX_BYTES:
                    digest = Digest.of_file(path).hex
            hasher.update(name + b"\0" + digest.encode("ascii") + b"\0")
        changes = Digest(hasher.digest())
    files = frozenset(map(os.fsdecode, filter(None, [*tracked.split(b"\0"), *new])))
    return CallerRepository(place, commit.decode("ascii").strip(), changes, files)


def tracked_below(folder: Path) -> list[str] | None:
    """Return the files below a folder that Git tracks, relative to it, even if they are deleted.

    None: the folder is in no repository, or Git fails.
    """
    listed = _git(folder, "ls-files", "-z", "--recurse-submodules")
    return None if listed is None else [os.fsdecode(one) for one in listed.split(b"\0") if one]


def _git(folder: Path, *arguments: str) -> bytes | None:
    try:
        done = subprocess.run(
            ["git", *_SAFE, "-C", str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None
