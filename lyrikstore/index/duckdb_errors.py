"""Telling failures of DuckDB from failures of the system."""

import errno
import os

import duckdb

_FAULTS = (
    *(errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM),
    *(errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ENXIO),
)
_KINDS = (duckdb.IOException, duckdb.FatalException, duckdb.TransactionException)


def system_error(error: duckdb.Error) -> OSError | None:
    """Return what the operating system refused to DuckDB; None if it refused nothing.

    DuckDB raises one kind of error for a disk that fails and for a file that is damaged, without
    a number; only where the system spoke do its words stand in the message.
    """
    if not isinstance(error, _KINDS):
        return None  # a query may say what it likes in an error of its own
    said = str(error)
    for number in _FAULTS:
        if os.strerror(number) in said:
            return OSError(number, os.strerror(number))
    return None
