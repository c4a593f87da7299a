"""The exceptions that leave lyrikstore's public calls; no other exception does.

::

    LyrikstoreError                     .kind  .message  .hint  .details
    ├── InvalidInputError (ValueError)  the input of the caller cannot be used
    ├── EmptyResultError                a filter or query selected nothing
    ├── NotFoundError (KeyError)        no such store, ref, object or file
    ├── FormatError (ValueError)        bytes are not what their format demands
    ├── VerificationError               a signature, digest, proof or link does not hold
    ├── IncompleteError                 something needed to decide is missing
    ├── KeyMaterialError                no key, a weak key, a wrong passphrase
    ├── PolicyError                     rules or use rights forbid it
    ├── ConflictError                   another writer was first, or other content exists
    ├── LockedError                     another process holds the store
    ├── StorageError (OSError)          storage backend error: disk full, read-only, I/O error
    ├── RemoteError                     a remote is unreachable or refused
    └── RunFailedError                  the training program failed

Example:
    >>> from lyrikstore.canon.digest import Digest
    >>> try:
    ...     Digest.parse("md5:00")
    ... except FormatError as error:
    ...     print(error.kind)
    bad-digest

The kinds are those of :mod:`lyrikstore.canon.error_kinds`; the class decides on the exit code
(``lyrikstore_cli.exits``).
"""

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from traceback import walk_tb
from typing import Any

from lyrikstore.canon.error_kinds import ErrorKind


class LyrikstoreError(Exception):
    """The base class of all errors of lyrikstore.

    Attributes:
        kind: Stable machine-readable code, lower case with hyphens, such as ``digest-mismatch``;
            given as a string, which must be one of :class:`ErrorKind`.
        message: One line for people: what failed, with the name the user typed.
        hint: The next step, or an empty string.
        details: Machine-readable facts for ``--json``; JSON-compatible values only.
    """

    def __init__(
        self, kind: str, message: str, *, hint: str = "", details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(kind, message)
        self.kind = ErrorKind(kind)
        self.message = message
        self.hint = hint
        self.details: dict[str, Any] = dict(details or {})

    def to_json(self) -> dict[str, Any]:
        """Return the error as JSON, for another process; :meth:`from_json` reads it."""
        name = type(self).__name__
        return {
            "class": name,
            "kind": self.kind,
            "message": self.message,
            "hint": self.hint,
            "details": self.details,
        }

    @staticmethod
    def from_json(value: object) -> "LyrikstoreError | None":
        """Return the error that :meth:`to_json` wrote, or None if ``value`` is not one."""
        if not isinstance(value, Mapping):
            return None
        classes = {one.__name__: one for one in LyrikstoreError.__subclasses__()}
        found = classes.get(str(value.get("class")))
        kind, message, hint = (value.get(name) for name in ("kind", "message", "hint"))
        details = value.get("details")
        if (
            found is None
            or not (isinstance(kind, str) and isinstance(message, str) and isinstance(hint, str))
            or not isinstance(details, Mapping)
        ):
            return None
        try:
            return found(kind, message, hint=hint, details=details)
        except ValueError:  # ATTACK: a worker that was taken over makes up a kind
            return None

    def __str__(self) -> str:  # KeyError would quote it
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.kind, self.message, self.hint, self.details))


def _rebuild(
    cls: type[LyrikstoreError], kind: str, message: str, hint: str, details: dict[str, Any]
) -> LyrikstoreError:
    return cls(kind, message, hint=hint, details=details)


class InvalidInputError(LyrikstoreError, ValueError):
    """The input of the caller cannot be used."""


class EmptyResultError(LyrikstoreError):
    """A filter or query selected nothing."""


class NotFoundError(LyrikstoreError, KeyError):
    """The store, ref, object or file does not exist."""


class FormatError(LyrikstoreError, ValueError):
    """The bytes do not follow their format."""


class VerificationError(LyrikstoreError):
    """A signature, digest, proof or link is wrong."""


class IncompleteError(LyrikstoreError):
    """A file or fact that the decision needs is missing."""


class KeyMaterialError(LyrikstoreError):
    """No key, a weak key or a wrong passphrase."""


class PolicyError(LyrikstoreError):
    """Rules or use rights forbid the operation."""


class ConflictError(LyrikstoreError):
    """Another writer was first, or the object exists with other content."""


class LockedError(LyrikstoreError):
    """Another process holds the store."""


class StorageError(LyrikstoreError, OSError):
    """Storage backend error: disk full, read-only, I/O error."""

    def __init__(
        self, kind: str, message: str, *, hint: str = "", details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(kind, message, hint=hint, details=details)
        # OSError would take the kind for an error number; the real one is in details, if known.
        self.errno = self.details.get("errno")
        self.strerror = message


class RemoteError(LyrikstoreError):
    """A remote is unreachable or refused."""


class RunFailedError(LyrikstoreError):
    """The training program failed."""


_FULL = ("disk-full", "free some space and run the command again; nothing was half done")
_DENIED = ("no-permission", "check the owner and mode of the file and its folder")
_TOO_MANY = ("io", "raise the limit on open files, or close some programs, and run it again")
_FAULTS = {
    errno.EMFILE: _TOO_MANY,
    errno.ENFILE: _TOO_MANY,
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.ENOTDIR: ("not-a-folder", "a part of its path is a file; choose another place"),
    errno.EROFS: ("read-only", "the file system is mounted read-only; use another folder"),
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
}


def storage_error(error: OSError, doing: str) -> "NotFoundError | StorageError":
    """Return our error for an ``error`` of the operating system.

    Args:
        error: The system's error; its number is kept in ``details["errno"]``.
        doing: A phrase that names the file; the system's reason is added.
    """
    if (unloaded := loading_error(error)) is not None:
        return unloaded
    if error.errno == errno.ENOENT:
        return NotFoundError("no-file", f"{doing}: there is no such file or folder")
    kind, hint = _FAULTS.get(error.errno or 0, ("io", "check the disk; see the system log"))
    details = {} if error.errno is None else {"errno": error.errno}
    reason = error.strerror or "input/output error"
    return StorageError(kind, f"{doing}: {reason}", hint=hint, details=details)


@contextmanager
def storage_errors(doing: str) -> Iterator[None]:
    """Convert errors of the operating system in the block to those of :func:`storage_error`.

    Args:
        doing: As for :func:`storage_error`.
    """
    try:
        yield
    except OSError as error:
        raise storage_error(error, doing) from error


def loading_error(error: BaseException) -> StorageError | None:
    """Return our error for a file of the program that could not be loaded, or None.

    A module or library can fail to load long after the start, for most are loaded when they are
    first needed: the disk fails, too many files are open, an update has begun.

    Args:
        error: Any exception with its traceback. None is returned unless loading failed.
    """
    if not isinstance(error, ImportError | SyntaxError) and not _while_loading(error):
        return None
    reason = " ".join(str(error).split())[:300]
    if isinstance(error, OSError):
        reason = f"{error.filename or 'reading it'}: {error.strerror or 'input/output error'}"
    elif not isinstance(error, ImportError):
        reason = f"{type(error).__name__}: {reason}"
    return StorageError(
        "not-loaded",
        f"a part of the program cannot be loaded: {reason}",
        hint="run it again; if it fails again, check the disk and the limit on open files, or "
        "install lyrikstore again; nothing was half done",
    )


def _while_loading(error: BaseException) -> bool:
    # In the body of a module, or in what finds, reads and decodes modules.
    codes = [frame.f_code for frame, _ in walk_tb(error.__traceback__)]
    finding = bool(codes) and codes[-1].co_filename.startswith("<frozen importlib")
    return finding or any(code.co_name == "<module>" for code in codes)
