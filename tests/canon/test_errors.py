"""Errors that survive processes and say one thing."""

import copy
import errno
import importlib.util
import json
import pickle
from pathlib import Path

import pytest

from lyrikstore.canon import errors
from lyrikstore.canon.error_kinds import ErrorKind
from lyrikstore.canon.files import read_packaged

CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, errors.LyrikstoreError)
]


@pytest.mark.parametrize("cls", CLASSES)
def test_every_class_keeps_its_parts(cls):
    error = cls("bad-name", "what failed", hint="do this", details={"path": "a"})
    for same in (error, pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(same) is cls
        assert (same.kind, same.message, same.hint) == ("bad-name", "what failed", "do this")
        assert same.details == {"path": "a"}
        assert str(same) == "what failed"  # KeyError would quote, OSError would prefix


def test_a_kind_is_a_word_of_the_list_with_a_sentence() -> None:
    kind = errors.FormatError("bad-json", "x").kind
    assert kind is ErrorKind.BAD_JSON
    assert (kind, f"{kind}", json.dumps(kind)) == ("bad-json", "bad-json", '"bad-json"')
    assert kind.sentence.endswith(".")
    with pytest.raises(ValueError, match="made-up"):
        errors.FormatError("made-up", "x")


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
        (errno.EMFILE, "io"),
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


def raised(source: str, folder: Path, module: str = "lyrikstore_module_under_test") -> Exception:
    """Return what importing a module raises."""
    if source:
        (folder / f"{module}.py").write_text(source)
    try:
        importlib.import_module(module)
    except Exception as error:
        return error
    raise AssertionError("it was imported")


@pytest.mark.parametrize(
    "source",
    [
        "raise OSError(5, 'Input/output error', '/x')",
        "import lyrikstore_no_such_module",
        "from os import nothing_of_that_name",
        "1 +",
        "def f():\n    raise ValueError('inside')\nf()",
    ],
)
def test_what_cannot_be_loaded_is_one_error(tmp_path, monkeypatch, source):
    monkeypatch.syspath_prepend(str(tmp_path))
    error = errors.loading_error(raised(source, tmp_path))
    assert isinstance(error, errors.StorageError)
    assert error.kind == "not-loaded"
    assert error.hint
    assert "\n" not in error.message


def test_a_damaged_compiled_module_cannot_be_loaded(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    head = importlib.util.MAGIC_NUMBER + bytes(12)
    (tmp_path / "lyrikstore_module_under_test.pyc").write_bytes(head + b"\xe3")
    assert errors.loading_error(raised("", tmp_path)).kind == "not-loaded"


@pytest.mark.parametrize(
    "error",
    [OSError(5, "Input/output error", "/x"), ValueError("x"), errors.FormatError("bad-json", "b")],
)
def test_other_errors_are_not_about_loading(error):
    with pytest.raises(type(error)) as caught:
        json.loads("1", parse_int=lambda _: (_ for _ in ()).throw(error))
    assert errors.loading_error(caught.value) is None


def test_what_was_not_loaded_is_not_taken_for_the_file_at_work(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    error = raised("raise OSError(5, 'Input/output error', '/some/library')", tmp_path)
    converted = errors.storage_error(error, "writing the index")
    assert converted.kind == "not-loaded"
    assert "/some/library" in converted.message


def test_a_file_of_the_program_that_cannot_be_read(tmp_path):
    with pytest.raises(ImportError) as caught:
        read_packaged(tmp_path)
    assert str(tmp_path) in errors.loading_error(caught.value).message


def test_an_error_crosses_to_another_process_as_json():
    error = errors.InvalidInputError("bad-name", "a thing", hint="do it", details={"got": "it"})
    again = errors.LyrikstoreError.from_json(json.loads(json.dumps(error.to_json())))
    assert type(again) is errors.InvalidInputError
    assert again.to_json() == error.to_json()


@pytest.mark.parametrize(
    "change",
    [
        {"class": "SystemExit"},
        {"class": "annotations"},
        {"kind": 1},
        {"kind": "made-up"},
        {"details": []},
        {"hint": None},
    ],
)
def test_what_is_no_error_of_ours_is_none(change):
    converted = errors.InvalidInputError("bad-name", "a thing").to_json() | change
    assert errors.LyrikstoreError.from_json(converted) is None
    assert errors.LyrikstoreError.from_json([converted]) is None
