"""Reading of a buyer's folders: the data of a delivery, and the small files beside it.

The only part of verification that reads a disk. It never follows a link, never opens a device,
never trusts a name, and reads every file once.
"""

import os
import re
import stat
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from io import BufferedReader, RawIOBase
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, cast

from blake3 import blake3
from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    IncompleteError,
    InvalidInputError,
    StorageError,
)
from lyrikstore.canon.limits import (
    MAX_JSON_BYTES,
    MAX_RULES_BYTES,
    MAX_SIBLING_BYTES,
    MAX_SIBLINGS,
    MAX_SIBLINGS_BYTES,
    MAX_STATEMENTS_BYTES,
)
from lyrikstore.canon.progress import OnProgress, Progress, silent
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.objects.parallel.processes import Workers, cores
from lyrikstore.objects.parallel.tasks import Message
from lyrikstore.verify.credential.key_statements import check_few
from lyrikstore.verify.credential.log_proofs import (
    CONSISTENCY,
    CREDENTIAL_PROOF,
    LEAVES,
    PROOF_HEAD,
)
from lyrikstore.verify.credential.terms import is_text_name
from lyrikstore.verify.delivery.compare_files import (
    EachFile,
    FileComparison,
    FoundFile,
    FoundKind,
    compare_listing,
)
from lyrikstore.verify.delivery.file_hash import FLAGS
from lyrikstore.verify.delivery.line_ends import was_rewritten
from lyrikstore.verify.delivery.paths import read_small, walk

MAX_RESOURCES = 1 << 26
"""Most bytes of all other files, which a foreign document may pin."""

_WORDS = re.compile(rb"[ \t\r\n]*+\{")
_HEX = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")

_READ_BYTES = 1 << 20
_ALONE, _HANDFUL = 8 << 20, 1000
_WORTH_BYTES, _WORTH_FILES = 32 << 20, 2000
"""Total bytes and number of files from which worker processes are started."""


class FolderData(Struct, frozen=True):
    """The data in a folder, as a :class:`~lyrikstore.verify.delivery.compare_files.DataSource`.

    Attributes:
        root: The folder; not followed if it is a link.
        progress: Progress callback, called per file; the total is unknown.
        aside: Name of a folder in it that is not read; empty: all are read.
        most: Most files that it may have; None: any number.
    """

    root: Path
    progress: OnProgress = silent
    aside: str = ""
    most: int | None = None

    def compare(self, tree: Tree, each: EachFile | None = None) -> FileComparison:
        """Return the differences between the folder and ``tree``.

        Args:
            tree: The required files.
            each: Called with every listed file that has its listed length, in tree order.

        Raises:
            IncompleteError: (``too-many-files``) it has more files than allowed.
            LyrikstoreError: As :func:`walk`.

        Cost: one read of every file whose length some listed file has, in worker processes where
            there is much and nothing for ``each``; 1 MiB of memory each and the list of names. One
            more of a file that differs and could do so by its line ends alone.
        """
        names = self._names()
        counter = _Counter(self.progress)
        sound = self._hash(tree, names, counter) if each is None else set()
        if len(sound) == len(tree) == len(names):
            return FileComparison(len(tree))
        lengths = set(tree.sizes)
        found: dict[str, FoundFile] = {}
        for at, entry in enumerate(tree.entries):
            if at in sound:
                found[entry.path] = FoundFile(FoundKind.FILE, entry.bytes, entry.blake3)
            elif entry.path in names:
                found[entry.path] = self._look(entry.path, names[entry.path], entry, lengths, each)
                counter.add(found[entry.path].bytes)
        for path, is_file in names.items():
            if path not in found:
                found[path] = self._look(path, is_file, None, lengths, None)
                counter.add(found[path].bytes)
        return compare_listing(tree, found, self._is_rewritten)

    def _names(self) -> dict[str, bool | None]:
        names: dict[str, bool | None] = {}
        for path, is_file in walk(self.root, self.aside):
            if len(names) == self.most:
                text = f"the folder holds more than {pluralize(self.most, 'file')}"
                raise IncompleteError("too-many-files", text)
            names[path] = is_file
        return names

    def _hash(self, tree: Tree, names: Mapping[str, bool | None], counter: "_Counter") -> set[int]:
        """Return the positions of the files that are as listed.

        The caller examines each of the other files again, alone.
        """
        batches = list(_batches(tree, [at for at, path in enumerate(tree.paths) if path in names]))
        much = tree.total_bytes >= _WORTH_BYTES or len(tree) >= _WORTH_FILES
        count = min(cores(), len(batches)) if much else 0
        setup = {"root": os.fspath(self.root)}
        tasks = (
            Message(
                {
                    "paths": [tree.paths[at] for at in batch],
                    "sizes": [tree.sizes[at] for at in batch],
                }
            )
            for batch in batches
        )
        sound: set[int] = set()
        target = "lyrikstore.verify.delivery.file_hash:hash_task"
        with Workers(target, setup, count, threads=len(tree) < _WORTH_FILES) as workers:
            for result in workers.map(tasks):
                if "read" in result.header:
                    counter.add(result.header["read"], files=0)
                    continue
                batch = batches[result.task]
                counter.add(result.header["done"], files=len(batch))
                (digests,) = result.buffers
                for number, at in enumerate(batch):
                    digest = digests[number * 32 : number * 32 + 32]
                    if digest == tree.digests[at * 32 : at * 32 + 32]:
                        sound.add(at)
        return sound

    def _is_rewritten(self, entry: TreeEntry, found: FoundFile) -> bool:
        path = self.root / entry.path
        return was_rewritten(path, found.bytes, entry.bytes, entry.blake3)

    def tree(self) -> Tree:
        """Return the tree of the folder, without ``meta``.

        Raises:
            FormatError: (``bad-path``, ``bad-tree``) no tree has these files.
            IncompleteError: (``linked``, ``too-many-files``) As :meth:`compare`.
            NotFoundError: (``no-data``) there is no such folder.
            StorageError: (``io``) something cannot be read.
        """
        entries: list[TreeEntry] = []
        for path, is_file in self._names().items():
            here = self._look(path, is_file, None, None, None)
            if here.kind is not FoundKind.FILE or here.blake3 is None:
                raise FormatError("bad-tree", f"{quote(path)} is not a readable file")
            entries.append(TreeEntry(path, here.bytes, here.blake3))
        return Tree.of(entries)

    def _look(
        self,
        path: str,
        is_file: bool | None,
        entry: TreeEntry | None,
        lengths: set[int] | None,
        each: EachFile | None,
    ) -> FoundFile:
        if not is_file:
            return FoundFile(FoundKind.UNREADABLE if is_file is None else FoundKind.OTHER)
        try:
            descriptor = os.open(self.root / path, FLAGS)
        except OSError:
            return FoundFile(FoundKind.UNREADABLE)
        with open(descriptor, "rb", buffering=0) as raw:  # noqa: PTH123 - a descriptor, not a path
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return FoundFile(FoundKind.OTHER)
            if lengths is not None and status.st_size not in lengths:
                return FoundFile(FoundKind.FILE, status.st_size)
            stream = _HashingReader(cast("RawIOBase", raw))
            try:
                if each is not None and entry is not None and status.st_size == entry.bytes:
                    # Unbuffered, a reader of lines would ask for every byte by itself.
                    buffered = BufferedReader(stream, _READ_BYTES)
                    each(entry, cast("BinaryIO", buffered))
                    if not buffered.closed:
                        buffered.detach()
                stream.drain()
            except OSError:
                return FoundFile(FoundKind.UNREADABLE)
            return FoundFile(FoundKind.FILE, stream.count, stream.digest)


def read_siblings(credential: Path, *, complete: bool = True) -> Mapping[str, bytes]:
    """Return the small regular files next to a credential, by name.

    Nothing is opened through a link; a file that is larger than any that is looked for is left out,
    and so is one that says nothing by itself and whose digest nothing here names, unless it is
    called as a licence text is, the log proof of the credential, or the consistency file.

    Args:
        credential: Path of the credential; itself left out.
        complete: Whether all must be read: among them can be what the owner of a key says of its
            theft, and whoever made the folder chose the names of all others.

    Raises:
        InvalidInputError: (``too-many-files``) there are more; (``unreadable``) one cannot be read.
        StorageError: (``io``) the folder cannot be listed.

    Cost: one read of all; memory for what may say something and for what is named.
    """
    folder = credential.parent
    try:
        sizes = {
            entry.name: entry.stat(follow_symlinks=False).st_size
            for entry in os.scandir(folder)
            if entry.is_file(follow_symlinks=False) and entry.name != credential.name
        }
    except OSError as error:
        raise StorageError("io", f"cannot list {folder}: {error.strerror}") from None
    names = sorted(name for name, size in sizes.items() if size <= MAX_SIBLING_BYTES)
    total = list(accumulate(sizes[name] for name in names))
    within = min(MAX_SIBLINGS, bisect_right(total, MAX_SIBLINGS_BYTES))
    if complete and within < len(names):
        raise _too_many(folder)
    siblings: dict[str, bytes] = {}
    named = set(_HEX.findall(read_small(credential, MAX_JSON_BYTES) or b""))
    words, rest = 0, []
    for name in names[:within]:
        data = read_small(folder / name, sizes[name]) if sizes[name] <= MAX_JSON_BYTES else b""
        if data is None:
            if complete:
                raise InvalidInputError("unreadable", f"cannot read {folder / name}")
        elif not is_candidate_statement(data):
            rest.append(name)
        else:
            words += len(data)
            # ATTACK: hundreds of files, each of which takes a tenth of a second to parse.
            if words > MAX_STATEMENTS_BYTES:
                if complete:
                    raise _too_many(folder)
                break
            named.update(_HEX.findall(data))
            siblings[name] = data
    if not check_few(siblings.values()):
        raise _too_many(folder)
    # ATTACK: half a gigabyte that nothing names, to fill the memory. What a foreign document pins,
    # by digests of many kinds, is small.
    held = list(accumulate(sizes[name] for name in rest))
    texts = 0
    for name, size in zip(rest, held, strict=True):
        keeps = _is_named(folder / name, named) if complete else size <= MAX_RESOURCES
        if not keeps and is_known_by_name(name) and sizes[name] <= MAX_JSON_BYTES:
            texts += sizes[name]  # it was altered: to be said, not to count
            keeps = texts <= MAX_STATEMENTS_BYTES
        if keeps:
            data = read_small(folder / name, sizes[name])
            if data is not None:
                siblings[name] = data
            elif complete:
                raise InvalidInputError("unreadable", f"cannot read {folder / name}")
    return siblings


def is_candidate_statement(data: bytes) -> bool:
    """Return whether a file can be a statement by itself: a JSON object, or a log proof."""
    if len(data) > MAX_JSON_BYTES:
        return False
    return data.startswith(PROOF_HEAD) or _WORDS.match(data) is not None


def is_known_by_name(name: str) -> bool:
    """Return whether a file's name shows what it was, so that damage to it can be reported."""
    return is_text_name(name) or name in {CREDENTIAL_PROOF, CONSISTENCY, LEAVES}


def _is_named(path: Path, named: set[bytes]) -> bool:
    # One that cannot be read counts as named: whoever reads it says so.
    try:
        with open(os.open(path, FLAGS), "rb", buffering=0) as raw:  # noqa: PTH123 - a descriptor
            if not stat.S_ISREG(os.fstat(raw.fileno()).st_mode):
                return True
            stream = _HashingReader(cast("RawIOBase", raw))
            stream.drain()
    except OSError:
        return True
    return stream.digest.hex.encode() in named


def _too_many(folder: Path) -> InvalidInputError:
    return InvalidInputError(
        "too-many-files",
        f"{folder} holds more than the {MAX_SIBLINGS} files, {MAX_SIBLINGS_BYTES >> 20} MiB and, "
        f"of JSON and log proofs, {MAX_STATEMENTS_BYTES >> 20} MiB that are read beside a "
        f"credential; or of policies, {MAX_RULES_BYTES >> 20} MiB, or too many with too many "
        "log proofs",
        hint="put the credential into a folder with only the files that belong to it",
    )


class _HashingReader(RawIOBase):
    """Reads a file forward and hashes it, so that one read serves both purposes (A52)."""

    def __init__(self, raw: RawIOBase) -> None:
        super().__init__()
        self._raw = raw
        self._hasher = blake3()
        self.count = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            parts = []
            while part := self.read(_READ_BYTES):
                parts.append(part)
            return b"".join(parts)
        data = cast("bytes", self._raw.read(size) or b"")
        self._hasher.update(data)
        self.count += len(data)
        return data

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(cast("bytearray", buffer)).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def drain(self) -> None:
        while self.read(_READ_BYTES):
            pass

    @property
    def digest(self) -> Digest:
        return Digest(self._hasher.digest())


class _Counter:
    def __init__(self, progress: OnProgress) -> None:
        self._progress = progress
        self._files = 0
        self._bytes = 0

    def add(self, count: int, files: int = 1) -> None:
        self._files += files
        self._bytes += count
        self._progress(Progress(self._files, 0, self._bytes))


def _batches(tree: Tree, positions: Sequence[int]) -> Iterator[list[int]]:
    """Yield the large files one by one, the largest first, then the small files in groups."""
    large = [at for at in positions if tree.sizes[at] >= _ALONE]
    for at in sorted(large, key=tree.sizes.__getitem__, reverse=True):
        yield [at]
    batch: list[int] = []
    size = 0
    for at in positions:
        if tree.sizes[at] >= _ALONE:
            continue
        batch.append(at)
        size += tree.sizes[at]
        if size >= _ALONE or len(batch) == _HANDFUL:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
