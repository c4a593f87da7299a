"""Further files that a command may use, hashed before and after it (spec §13.13.3)."""

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from blake3 import blake3
from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, VerificationError, storage_errors
from lyrikstore.canon.text import brief, escape_control
from lyrikstore.crypto.keys.secret_files import SecretScan

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,255}")
_OURS = "LYRIKSTORE_"
_MAX_OPENED = 1000
_PART = 1 << 20
_MACHINE = ("/proc", "/sys", "/dev", "/run", "/var/run")
_MEMORY = "/dev/shm"  # noqa: S108 - it also holds files of users


class Opening(Struct, frozen=True):
    """Further access of a command besides its inputs; all of it is signed with the run.

    Attributes:
        reads: Files and folders that it may read.
        network: Whether it may use the machine's network.
        variables: Names of environment variables that it gets.
        gpu: Whether it may use the machine's GPUs.
    """

    reads: tuple[Path, ...] = ()
    network: bool = False
    variables: tuple[str, ...] = ()
    gpu: bool = False

    def to_json(self, reads: "Sequence[OpenedRead]") -> dict[str, Any]:
        """Return an object with the member ``opened`` of ``execution``; empty if there is none."""
        found: dict[str, Any] = {}
        if reads:
            found["reads"] = [{"path": one.shown, "blake3": one.digest.hex} for one in reads]
        if self.variables:
            found["variables"] = sorted(set(self.variables))
        found |= {name: True for name in ("network", "gpu") if getattr(self, name)}
        return {"opened": found} if found else {}


class OpenedRead(Struct, frozen=True):
    """A file or folder that a command may read.

    Attributes:
        shown: The path as the caller wrote it; it is signed.
        path: The absolute path, the same in the sandbox.
        digest: Digest of its content.
    """

    shown: str
    path: Path
    digest: Digest


def check_variables(opening: Opening, base_env: Mapping[str, str]) -> dict[str, str]:
    """Return the opened environment variables with their values.

    Raises:
        InvalidInputError: (``bad-opening``) a variable is not set, or cannot be passed on.
    """
    found = {}
    for name in opening.variables:
        if not _NAME.fullmatch(name) or name.startswith(_OURS):
            raise _bad(f"the variable {brief(name)!r} cannot be passed on", "name another")
        if name not in base_env:
            raise _bad(f"the variable {name} is not set", f"set it, or leave out --env {name}")
        found[name] = base_env[name]
    return found


def hash_reads(
    opening: Opening, folder: Path, *, store: Path, home: Path | None
) -> tuple[OpenedRead, ...]:
    """Return the further files and folders that a command may read, with their digests.

    Args:
        opening: The further access of the command.
        folder: The folder that relative paths start from.
        store: The store's folder, of which nothing is opened.
        home: The caller's home folder, which is not opened as a whole.

    Raises:
        InvalidInputError: (``bad-opening``) a path does not exist, is or contains something other
            than files, folders and links, belongs to the system, or contains the store or the home
            folder; (``secret-found``) a file contains a private key, or credentials.
        StorageError: A file cannot be read.

    Cost: one read of all of it.
    """
    if len(opening.reads) > _MAX_OPENED:
        raise _bad(f"more than {_MAX_OPENED} paths are opened", "open whole folders")
    found = []
    for given in opening.reads:
        shown = os.fspath(given)
        place = Path(os.path.normpath(folder / given))
        for real in (place, place.resolve()):
            if Path(_MEMORY) not in real.parents and any(
                real.is_relative_to(one) or Path(one).is_relative_to(real) for one in _MACHINE
            ):
                raise _bad(f"{brief(shown)} belongs to the system", "name your own files")
            if store.is_relative_to(real) or real.is_relative_to(store):
                raise _bad(f"{brief(shown)} contains the store", "name the files to read")
            if home is not None and home.resolve().is_relative_to(real):
                raise _bad(f"{brief(shown)} contains the home folder", "name the files to read")
        try:
            shown.encode("utf-8")
        except UnicodeEncodeError:
            raise _bad("a path is not text in UTF-8", "rename it") from None
        if len(shown) > 4096 or not (place.is_file() or place.is_dir()):
            raise _bad(f"{brief(shown)} is not a file or folder", "name the files to read")
        found.append(OpenedRead(shown, place, _digest(place, shown, scan=True)))
    return tuple(found)


def check_reads_unchanged(reads: Sequence[OpenedRead]) -> None:
    """Raise `input-changed` unless the further files that a command could read are unchanged.

    Raises:
        VerificationError: (``input-changed``) a file was changed, added or removed.
        StorageError: A file cannot be read.
    """
    for one in reads:
        try:
            same = _digest(one.path, one.shown, scan=False) == one.digest
        except InvalidInputError:
            same = False
        if not same:
            shown = brief(escape_control(one.shown))
            raise VerificationError(
                "input-changed",
                f"{shown} was opened to the command and changed while it ran",
                hint="nothing was stored; keep it unchanged, and run the command again",
                details={"file": shown},
            )


def _digest(place: Path, shown: str, *, scan: bool) -> Digest:
    """Return the digest of a file, or of all files below a folder (spec §13.13.3)."""
    with storage_errors(f"reading {brief(shown)}"):
        if not place.is_dir():
            return _of_file(place, shown, scan=scan)
        hasher = blake3()
        for path in sorted(_below(place), key=os.fsencode):
            at = place / path
            mode = at.lstat().st_mode
            if stat.S_ISLNK(mode):
                kind, digest = b"l", Digest.of(os.fsencode(at.readlink()))
            elif stat.S_ISREG(mode):
                kind, digest = b"f", _of_file(at, f"{shown}/{path}", scan=scan)
            else:  # ATTACK A94: a socket, behind which another program of this machine listens
                raise _bad(f"{brief(f'{shown}/{path}')} is not a file", "name the files to read")
            hasher.update(os.fsencode(path) + b"\0" + kind + digest.hex.encode("ascii") + b"\0")
        return Digest(hasher.digest())


def _below(folder: Path) -> Iterator[str]:
    for at, folders, files in os.walk(folder, onerror=_raise):
        links = [name for name in folders if Path(at, name).is_symlink()]
        for name in (*files, *links):
            yield os.path.relpath(Path(at, name), folder)


def _raise(error: OSError) -> None:
    raise error


def _of_file(path: Path, shown: str, *, scan: bool) -> Digest:
    hasher, secrets = blake3(), SecretScan(shown)
    with path.open("rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise _bad(f"{brief(shown)} is not a file", "name the files to read")
        while data := file.read(_PART):
            hasher.update(data)
            if scan:
                secrets.feed(data)
    if scan and (held := secrets.finish()):
        raise InvalidInputError(
            "secret-found",
            f"the command could read a secret in {brief(escape_control(shown))}: {held}",
            hint="name only the files that the command needs",
            details={"holds": {shown: held}},
        )
    return Digest(hasher.digest())


def _bad(reason: str, hint: str) -> InvalidInputError:
    return InvalidInputError("bad-opening", reason, hint=hint)
