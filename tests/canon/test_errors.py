"""Errors that survive processes and say one thing."""

import copy
import errno
import pickle

import pytest

from lyrikstore.canon import errors

CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, errors.LyrikstoreError)
]


@pytest.mark.parametrize("cls", CLASSES)
def test_every_class_keeps_its_parts(cls):
    error = cls("some-kind", "what failed", hint="do this", details={"path": "a"})
    for same in (error, pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(same) is cls
        assert (same.kind, same.message, same.hint) == ("some-kind", "what failed", "do this")
        assert same.details == {"path": "a"}
        assert str(same) == "what failed"  # KeyError would quote, OSError would prefix


def test_builtin_bases():
    assert issubclass(errors.StorageError, OSError)
    assert issubclass(errors.NotFoundError, KeyError)
    assert issubclass(errors.FormatError, ValueError)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, "disk-full"),
        (errno.EDQUOT, "disk-full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "no-permission"),
        (errno.EIO, "io"),
    ],
)
def test_storage_error_names_the_reason(number, kind):
    error = errors.storage_error(OSError(number, "reason"), "cannot write /x")
    assert error.kind == kind
    assert error.errno == number
    assert str(error) == "cannot write /x: reason"


def test_storage_error_without_a_number():
    error = errors.storage_error(OSError("odd"), "cannot write /x")
    assert error.kind == "io"
    assert error.errno is None
    assert str(error) == "cannot write /x: input/output error"
