"""Distinction of failures of DuckDB and of the operating system."""

import errno
import os

import duckdb

_FAULTS = (
    *(errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM),
    *(errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ENXIO),
)
_KINDS = (duckdb.IOException, duckdb.FatalException, duckdb.TransactionException)


def system_error(error: duckdb.Error) -> OSError | None:
    """Return the operating system's error behind an error of DuckDB, or None.

    DuckDB raises one kind of error for a failing disk and for a damaged file, without a number;
    only the message contains the system's text, if the system failed.
    """
    if not isinstance(error, _KINDS):
        return None  # a query may say what it likes in an error of its own
    said = str(error)
    for number in _FAULTS:
        if os.strerror(number) in said:
            return OSError(number, os.strerror(number))
    return None
