"""Sealing of an external trainer's output: known kinds of files only (spec §13.13.4).

No file that can run code when it is loaded becomes part of a checkpoint, whatever its name: the
suffix only selects the check. Files that trainers write beside a model and no program loads are
left
out.
"""

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NoReturn

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    PolicyError,
    RunFailedError,
    StorageError,
    storage_error,
    storage_errors,
)
from lyrikstore.canon.text import brief, escape_control, pluralize
from lyrikstore.history.trees.paths import offenders
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.objects.io.safe_folder import own_folder
from lyrikstore.objects.store.writer import BlobWriter
from lyrikstore.train.formats.base_model import MAX_HEADER_BYTES, check_weights
from lyrikstore.train.formats.formats import FILES, PEFT, TRANSFORMERS
from lyrikstore.train.seal import Sealed, refuse_secret

MAX_FILES = 10_000
MAX_TEXT_BYTES = 64 << 20
MAX_VOCABULARY_BYTES = 32 << 20
MAX_TOTAL_BYTES = 4 << 40
_HOLES_BYTES = 64 << 20

_WEIGHTS = ".safetensors"
_TEXTS = frozenset(
    {".csv", ".jinja", ".jsonl", ".log", ".md", ".toml", ".tsv", ".txt", ".yaml", ".yml"}
)
_BARE = frozenset({"LICENSE", "LICENCE", "NOTICE"})
_VOCABULARIES = frozenset({"sentencepiece.bpe.model", "spiece.model", "tokenizer.model"})
_TOKENS = frozenset(
    {"added_tokens.json", "merges.txt", "special_tokens_map.json", "tokenizer.json"}
    | {"vocab.json", "vocab.txt"}
)
"""Text files in which a path may be a token; no path in them is replaced."""
_LEFT_FILES = frozenset({"training_args.bin"})
_LEFT_FOLDERS = re.compile(r"checkpoint-[0-9]+|\.cache|\.ipynb_checkpoints")


class FoundOutput(Struct, frozen=True):
    """The checked files of an output folder.

    Attributes:
        paths: Path → size of the files to seal.
        left_out: Files that trainers write beside a model: pickled arguments, resume states.
        format: ``transformers/1``, ``peft/1`` or ``files/1``.
    """

    paths: Mapping[str, int]
    left_out: tuple[str, ...]
    format: str


def find_output(folder: Path, wanted: str = "") -> FoundOutput:
    """Return the files of an output folder; raise `bad-output` if a checkpoint may not have one.

    Args:
        folder: The output folder.
        wanted: The required format; empty: any format.

    Raises:
        RunFailedError: (``bad-output``) it is empty, or contains links, special files, names that
            no tree can hold, kinds of files that are not allowed, or too many files.
        StorageError: The folder cannot be read.
    """
    paths: dict[str, int] = {}
    left: list[str] = []
    if folder.is_symlink() or not folder.is_dir():  # ATTACK: a link in place of the folder
        _refuse("its folder was removed")
    with storage_errors("reading the output"):
        for path, status in _walk(folder, "", left):
            if len(paths) >= MAX_FILES:
                _refuse(f"it has more than {pluralize(MAX_FILES, 'file')}")
            if not stat.S_ISREG(status.st_mode):
                _refuse(f"{_named(path)} is not a regular file")
            if PurePosixPath(path).name in _LEFT_FILES:
                left.append(path)
                continue
            _check_size(path, status)
            paths[path] = status.st_size
    for offence in offenders(paths)[:1]:
        _refuse(f"{brief(offence.shown)!r} {offence.reason}")
    if sum(paths.values()) > MAX_TOTAL_BYTES:
        _refuse(f"it has more than {MAX_TOTAL_BYTES >> 40} TiB")
    if not any(paths.values()):
        _refuse("the command wrote no files to it", "let it write the model to {output}")
    found = _format_of(paths)
    if wanted and wanted not in {found, FILES}:
        _refuse(f"its format is {found}, not {wanted}")
    return FoundOutput(paths, tuple(sorted(left)), wanted or found)


def seal_output(
    folder: Path,
    output: FoundOutput,
    writer: BlobWriter,
    *,
    names: Mapping[bytes, bytes],
    private: Path,
    staged: bool = True,
) -> Sealed:
    """Check and store the files of an output.

    Args:
        folder: The output folder.
        output: The result of :func:`find_output`.
        writer: The writer of the transaction that will log the checkpoint.
        names: Path of a copy → its replacement in text files, such as the id of its tree.
        private: A folder whose path must not leave this machine.
        staged: Whether ``private`` is a staging folder, whose name is unique. The path of another
            folder may be a part of a word, or a token.

    Raises:
        RunFailedError: (``bad-output``) a file does not have the kind of its suffix, changed
            meanwhile, or contains a private path.
        StorageError: The storage backend failed.
        LyrikstoreError: As :func:`refuse_secret`.

    Cost: one read of each file.
    """
    entries, sums = [], []
    for path, size in sorted(output.paths.items()):
        with _opened(folder, path, size) as file:
            if path.endswith(_WEIGHTS):
                digest, total, sha = _put_weights(
                    path, file, size, writer, private if staged else None
                )
            else:
                data = _text(path, file.read(MAX_TEXT_BYTES + 1), names, private, staged=staged)
                digest, total, sha = writer.put_data(data), len(data), sha256(data).hexdigest()
        entries.append(TreeEntry(path, total, digest))
        sums.append(f"{sha}  {path}\n")
    tree = Tree.of(entries)
    text = "".join(sums).encode("utf-8")
    return Sealed(tree, writer.put_bytes(tree.encode()), writer.put_bytes(text), len(text))


def check_output(
    folder: Path, output: FoundOutput, *, names: Mapping[bytes, bytes], private: Path
) -> None:
    """Raise `bad-output` unless the files of an output outside of staging can be sealed.

    Args, Raises: As :func:`seal_output`.

    Cost: one read of each text file, and of the headers of weights.
    """
    for path, size in sorted(output.paths.items()):
        with _opened(folder, path, size) as file:
            if path.endswith(_WEIGHTS):
                _read_head(path, file, size)
            else:
                _text(path, file.read(MAX_TEXT_BYTES + 1), names, private, staged=False)


def _walk(folder: Path, prefix: str, left: list[str]) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            path = prefix + entry.name
            if not entry.is_dir(follow_symlinks=False):
                yield path, entry.stat(follow_symlinks=False)
            elif _LEFT_FOLDERS.fullmatch(entry.name):
                left.append(path + "/")
            elif path.count("/") > 20:
                _refuse(f"{_named(path)} is too deep in folders")
            else:
                yield from _walk(Path(entry.path), path + "/", left)


def _check_size(path: str, status: os.stat_result) -> None:
    name = PurePosixPath(path)
    if name.suffix == _WEIGHTS:
        # ATTACK: a sparse file of terabytes, which fills the disk of a copy.
        if status.st_size > _HOLES_BYTES and status.st_blocks * 512 * 64 < status.st_size:
            _refuse(f"{_named(path)} is a sparse file")
        return
    if name.name in _VOCABULARIES:
        limit = MAX_VOCABULARY_BYTES
    elif name.suffix == ".json" or name.suffix in _TEXTS or name.name in _BARE:
        limit = MAX_TEXT_BYTES
    else:
        _refuse(
            f"{_named(path)} is a kind of file that a checkpoint may not contain",
            "save weights as safetensors, and let the command remove all other files",
        )
    if status.st_size > limit:
        _refuse(f"{_named(path)} is longer than {limit >> 20} MiB")


def _format_of(paths: Mapping[str, int]) -> str:
    if {"adapter_config.json", "adapter_model.safetensors"} <= paths.keys():
        return PEFT
    weights = {"model.safetensors", "model.safetensors.index.json"} & paths.keys()
    return TRANSFORMERS if "config.json" in paths and weights else FILES


class _Hashing:
    """A stream that hashes its data, and searches it for a private path.

    It raises `bad-output` unless it starts with the checked header.
    """

    def __init__(self, path: str, file: BinaryIO, private: bytes, head: bytes) -> None:
        self._path, self._file, self._private, self._head = path, file, private, head
        self._sha, self._tail = sha256(), b""

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        # ATTACK: another file of that size, written between the check and this.
        if not data.startswith(self._head[: len(data)]):
            _refuse(f"{_named(self._path)} changed while it was read")
        self._head = self._head[len(data) :]
        self._sha.update(data)
        if self._private and self._private in self._tail + data:
            _refuse(f"{_named(self._path)} contains the path of a private folder")
        self._tail = (self._tail + data)[-len(self._private) :] if self._private else b""
        return data

    def hexdigest(self) -> str:
        return self._sha.hexdigest()


def _read_head(path: str, file: BinaryIO, size: int) -> bytes:
    head = file.read(8)
    head += file.read(min(int.from_bytes(head, "little"), MAX_HEADER_BYTES))
    try:
        check_weights(_named(path), head, size)
    except PolicyError as error:
        _refuse(error.message)
    refuse_secret(path, head)
    return head


def _put_weights(
    path: str, file: BinaryIO, size: int, writer: BlobWriter, private: Path | None
) -> tuple[Digest, int, str]:
    head = _read_head(path, file, size)
    file.seek(0)
    stream = _Hashing(path, file, b"" if private is None else os.fsencode(private), head)
    digest, total = writer.put_file(stream)
    if total != size:
        _refuse(f"{_named(path)} changed while it was read")
    return digest, total, stream.hexdigest()


def _text(
    path: str, data: bytes, names: Mapping[bytes, bytes], private: Path, *, staged: bool
) -> bytes:
    """Return a text file or vocabulary as it is stored: without private paths."""
    name = PurePosixPath(path)
    if name.name in _VOCABULARIES:
        if data[:1] != b"\n":  # ATTACK: a pickle named like a vocabulary
            _refuse(f"{_named(path)} is not a SentencePiece vocabulary")
        return data
    if name.name not in _TOKENS:
        for place, word in names.items():
            data = data.replace(place, word) if staged else _whole(place).sub(word, data)
    if staged:
        leaks = os.fsencode(private) in data or os.fsencode(private.name) in data
    else:
        leaks = name.name not in _TOKENS and bool(_whole(os.fsencode(private)).search(data))
    if leaks:
        _refuse(f"{_named(path)} contains the path of a private folder")
    try:
        if "\0" in data.decode("utf-8"):
            _refuse(f"{_named(path)} contains a NUL, so it is not text")
    except UnicodeDecodeError:
        _refuse(f"{_named(path)} is not text in UTF-8")
    if name.suffix == ".json":
        try:
            json.loads(data, object_pairs_hook=_unique, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            _refuse(f"{_named(path)} is not strict JSON ({brief(str(error))})")
    refuse_secret(path, data)
    return data


def _whole(place: bytes) -> re.Pattern[bytes]:
    """Return a pattern that matches a path, but not as a part of a word or of a longer name."""
    before = rb"(?:(?<![\w.\-\x80-\xff])|(?<=\\[bfnrt]))"
    return re.compile(before + re.escape(place) + rb"(?![\w\-\x80-\xff]|\.\w)")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member occurs twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _opened(folder: Path, path: str, size: int) -> BinaryIO:
    # Through one descriptor, without following links: the checked bytes are the stored ones.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    above, _, name = path.rpartition("/")
    try:
        # ATTACK A13: a folder that became a link since it was checked.
        with own_folder(folder.parent, f"{folder.name}/{above}") as place:
            file = os.fdopen(os.open(name, flags, dir_fd=place), "rb")
    except StorageError:
        _refuse(f"{_named(path)} is now behind a link")
    except OSError as error:
        raise storage_error(error, f"reading {_named(path)}") from error
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode) or status.st_size != size:
        file.close()
        _refuse(f"{_named(path)} changed while it was read")
    return file


def _named(path: str) -> str:
    return brief(escape_control(path))


def _refuse(reason: str, hint: str = "nothing was stored; see docs/any-trainer.md") -> NoReturn:
    raise RunFailedError("bad-output", f"the output cannot be sealed: {reason}", hint=hint)
