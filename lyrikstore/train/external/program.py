"""Selection of the program files for a job or a sandbox (spec §13.13.3, §13.13.7).

A job gets the files that Git tracks, and those that are named. They leave this machine, so no other
file is copied, no link is followed, and a file with a private key or credentials refuses the job.
"""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError, storage_errors
from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore.crypto.keys.secret_files import SecretScan
from lyrikstore.history.repository.locate import STORE_FOLDER
from lyrikstore.objects.io.safe_folder import own_folder
from lyrikstore.train.external.git_repository import (
    CallerRepository,
    find_repository,
    tracked_below,
)

_NEVER = frozenset({".git", STORE_FOLDER})
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PART = 1 << 20


class ProgramPart(Struct, frozen=True):
    """A named file or folder of the program, and the files to copy from it.

    Attributes:
        folder: The folder, or the parent folder of the file.
        name: The name of the folder in the job; empty for a file.
        paths: The files to copy, relative to ``folder``.
        left_out: Number of other files and links in the folder.
    """

    folder: Path
    name: str
    paths: tuple[str, ...]
    left_out: int = 0


def find_program(
    program: Sequence[Path], include: Sequence[Path], destination: Path, store: Path
) -> list[ProgramPart]:
    """Return the files of a program to copy.

    Args:
        program: Files, and folders, of which the files that Git tracks are copied.
        include: Further files and whole folders to copy, inside of these folders.
        destination: The folder of the job.
        store: The folder of the store, of which no file is copied.

    Raises:
        InvalidInputError: (``not-a-file``) a path is a link, or does not exist; (``bad-program``)
            two
            have the same name, one is in the store or contains the destination, Git tracks no file
            of a folder and none of it is named, or a path of ``include`` is in none of them.
    """
    named: dict[str, Path] = {}
    for path in program:
        real = _real(path)
        if destination.resolve().is_relative_to(real):
            raise _bad(
                f"the job would be written into {path}, and it contains a copy of that folder",
                "name a folder elsewhere: -o FOLDER",
            )
        if real.is_relative_to(store):
            raise _bad(f"{path} is in the store", "name the files that the command needs")
        if not real.name or real.name in named:
            raise _bad(
                f"{path} has the same name in the job as another path",
                "rename it, or put the files into one folder and name that",
            )
        named[real.name] = real
    more = [(path, _real(path)) for path in include]
    for path, real in more:
        if not any(real.is_relative_to(one) for one in named.values() if one.is_dir()):
            raise _bad(
                f"{path} is in no folder of the program", "name its folder: --program FOLDER"
            )
    found = []
    for name, real in named.items():
        if real.is_dir():
            found.append(_part(real, name, [one for _, one in more], store))
        else:
            found.append(ProgramPart(real.parent, "", (name,)))
    return found


def copy_program(parts: Sequence[ProgramPart], folder: Path) -> int:
    """Copy the program files into the folder of a job; return their number.

    Raises:
        InvalidInputError: (``secret-found``) a file contains a private key, or credentials; member
            ``holds`` of its details lists the files and the secrets.
        OSError: A file cannot be read or written.
        LyrikstoreError: As :func:`own_folder`.
    """
    secrets: dict[str, str] = {}
    count = 0
    for part in parts:
        into = folder / part.name if part.name else folder
        for path in part.paths:
            to = into / path
            to.parent.mkdir(parents=True, exist_ok=True)
            count += 1
            scan = SecretScan(f"{part.folder.name}/{path}")
            _copy(part.folder, path, to, scan.feed)
            if held := scan.finish():
                secrets[f"{part.name}/{path}" if part.name else path] = held
    if secrets:
        path, held = next(iter(secrets.items()))
        others = f" and {pluralize(len(secrets) - 1, 'more file')}" if len(secrets) > 1 else ""
        raise InvalidInputError(
            "secret-found",
            f"the job would contain {escape_control(path)}: {held}{others}",
            hint="stop tracking it (git rm --cached FILE), or name other files; a secret stays in "
            "Git's history, so replace it",
            details={"holds": dict(list(secrets.items())[:1000])},
        )
    return count


def copy_work_tree(repository: CallerRepository, folder: Path) -> None:
    """Copy the files of a repository's commit and changes into a folder.

    Args:
        repository: The result of
            :func:`lyrikstore.train.external.git_repository.find_repository`.
        folder: An empty folder. Submodules are not copied.

    Raises:
        InvalidInputError: (``bad-program``) the work tree changed meanwhile.
        StorageError: A file cannot be read or written.
    """
    with storage_errors("copying the work tree"):
        for path in sorted(repository.files):
            place = repository.top / path
            if place.is_symlink() or place.is_file():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                _copy(repository.top, path, folder / path)
    if find_repository(repository.top) != repository:
        raise _bad("the work tree changed while it was copied", "run the command again")


def _copy(folder: Path, path: str, to: Path, see: Callable[[bytes], object] | None = None) -> None:
    """Copy a file, and pass its bytes to ``see``; or copy a link."""
    if (folder / path).is_symlink():
        to.symlink_to((folder / path).readlink())
        return
    above, _, name = path.rpartition("/")
    with (
        own_folder(folder, above) as place,
        os.fdopen(os.open(name, _OPEN, dir_fd=place), "rb") as file,
        to.open("xb") as copy,
    ):
        while data := file.read(_PART):
            if see is not None:
                see(data)
            copy.write(data)
        os.fchmod(copy.fileno(), stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o700 | 0o600)


def _part(real: Path, name: str, include: Sequence[Path], store: Path) -> ProgramPart:
    tracked = tracked_below(real)
    taken = set(tracked or ())
    there = {path.relative_to(real).as_posix(): path for path in _below(real, store)}
    for one in include:
        if one.is_relative_to(real):
            wanted = {path for path, place in there.items() if place.is_relative_to(one)}
            if not wanted:
                raise _bad(f"{one} contains no files to copy", "name the files it needs")
            taken |= wanted
    files = {path for path in taken & there.keys() if stat.S_ISREG(there[path].lstat().st_mode)}
    links = {path for path in taken & there.keys() if _leads_to(real, path, files)}
    if not files:
        where = "is in no Git repository" if tracked is None else "has no file that Git tracks"
        raise _bad(
            f"{real} {where}",
            "name its files to copy: --include FILE, or --include FOLDER for all files in it",
        )
    paths = tuple(sorted(files | links))
    return ProgramPart(real, name, paths, len(there) - len(paths))


def _below(folder: Path, store: Path) -> Iterator[Path]:
    """Yield the files and links below a folder, without those of Git and of stores."""
    for at, folders, files in os.walk(folder):
        links = [name for name in folders if Path(at, name).is_symlink()]
        folders[:] = [
            name for name in folders if name not in {*_NEVER, *links} and Path(at, name) != store
        ]
        yield from (Path(at, name) for name in (*files, *links) if name not in _NEVER)


def _leads_to(real: Path, path: str, files: set[str]) -> bool:
    """Return whether a path is a link to another file that is copied."""
    place = real / path
    if not place.is_symlink():
        return False
    target = PurePosixPath(path).parent / os.fspath(place.readlink())
    return os.path.normpath(target) in files


def _real(path: Path) -> Path:
    if path.is_symlink() or not (path.is_dir() or path.is_file()):
        raise InvalidInputError(
            "not-a-file", f"{path} is a link, or does not exist", hint="name files and folders"
        )
    return path.resolve()


def _bad(reason: str, hint: str) -> InvalidInputError:
    return InvalidInputError("bad-program", reason, hint=hint)
