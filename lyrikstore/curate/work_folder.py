"""Private folders for what is made on the way: unpacked files, shards, what a filter found so far.

What a filter keeps to go on after a crash holds rows, so it lies in the store, as the rows do; but
whoever holds the store must not be able to choose what its owner signs. So the digests of what was
kept lie in the user's cache, and what does not fit them is no work that was done.
"""

import contextlib
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from blake3 import blake3

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError, StorageError, storage_error
from lyrikstore.canon.files import open_nameless, open_private, open_regular
from lyrikstore.objects.io.private_folder import KEPT_SECONDS, PrivateFolder, private_folder
from lyrikstore.objects.io.safe_folder import refuse_link

_RECORD = "kept-"
_LINE = re.compile(rb"([0-9a-f]{64})  ([0-9]{1,15}) ([a-z0-9/-]{1,64})")
_MAX_RECORD_BYTES = 1 << 28
_DENIED = frozenset({"no-permission", "read-only"})


class WorkFolder:
    """A folder of work, and the digests of what was kept in it.

    Args:
        path: The folder.
        folder: The same, if it is locked.
        record: Where the digests are kept for the process that goes on; None: in memory alone.
    """

    def __init__(
        self, path: Path, folder: PrivateFolder | None = None, record: FileIO | None = None
    ) -> None:
        self.path, self._folder, self._record = path, folder, record
        self._kept: dict[str, tuple[str, int]] = {}
        if record is not None:
            self._recall(record)

    def keep(self, name: str, data: bytes) -> None:
        """Write a file that :meth:`load` reads, as a whole or not at all.

        Args:
            name: Its path in the folder, of at most two segments.
            data: Its content.

        Raises:
            StorageError: The disk is full; (``linked-folder``) its folder is a link. ATTACK A13.
        """
        file, digest = self.path / name, blake3(data).hexdigest()
        fresh = file.with_suffix(".new")
        with storing(f"keeping work in {file.parent}"):
            refuse_link(file.parent)
            file.parent.mkdir(exist_ok=True, mode=0o700)
            with open_private(fresh, "wb") as stream:
                stream.write(data)
            fresh.replace(file)
        self._kept[name] = digest, len(data)
        if self._record is not None:
            with contextlib.suppress(OSError):  # whoever goes on will find this anew
                self._record.write(f"{digest}  {len(data)} {name}\n".encode("ascii"))
        if self._folder is not None:
            self._folder.touch()

    def load(self, name: str) -> bytes | None:
        """Return what was kept in a file; None if nothing was, or it is not that any more.

        Raises:
            StorageError: It cannot be read.
        """
        if name not in self._kept:
            return None
        return load_kept(self.path / name, *self._kept[name])

    def proof(self, name: str) -> tuple[str, int]:
        """Return digest and length of what was kept in a file, for :func:`load_kept`."""
        return self._kept[name]

    def _recall(self, record: FileIO) -> None:
        # What was cut off, or is no line of ours, says nothing; what is said later counts.
        with contextlib.suppress(OSError):
            data = record.read(_MAX_RECORD_BYTES)
            for line in data.split(b"\n")[:-1]:
                if found := _LINE.fullmatch(line):
                    digest, size, name = (one.decode("ascii") for one in found.groups())
                    self._kept[name] = digest, int(size)
            record.write(b"" if not data or data.endswith(b"\n") else b"\n")


def load_kept(file: Path, digest: str, size: int) -> bytes | None:
    """Return a file of that digest and length, in hex and bytes; None if it is gone or another.

    Raises:
        StorageError: It cannot be read.
    """
    with storing(f"reading work in {file.parent}"):
        try:
            with open_regular(file) as stream:
                data = stream.read(size + 1)
        except FileNotFoundError:
            return None
    # ATTACK A78: whoever holds the store put there what they want to have signed.
    return data if blake3(data).hexdigest() == digest else None


class ChangedDocuments:
    """The changed documents, in a file on disk until the store takes them; a context manager.

    Args:
        path: A file to make.
    """

    def __init__(self, path: Path) -> None:
        with storing("keeping changed documents"):
            self._file = open_nameless(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # what counts was read back before
            self._file.close()

    def put(self, data: bytes) -> Digest:
        """Keep a document and return its digest.

        Raises:
            StorageError: The disk is full.
        """
        with storing("keeping a changed document"):
            self._file.write(len(data).to_bytes(8, "little"))
            self._file.write(data)
        return Digest.of(data)

    def store(self, put: Callable[[bytes], Digest]) -> None:
        """Give all of them to ``put``, in their order.

        Raises:
            StorageError: The disk is full, or failed.
        """
        with storing("reading changed documents"):
            self._file.seek(0)
            while size := self._file.read(8):
                put(self._file.read(int.from_bytes(size, "little")))


@contextlib.contextmanager
def work_folder(cache_dir: Path | None) -> Iterator[WorkFolder]:
    """Give a private folder outside the store, and remove it when the work is done.

    Args:
        cache_dir: The user's cache; None: where the system has its temporary files.

    Raises:
        StorageError: It cannot be made.
    """
    with contextlib.ExitStack() as held:
        try:
            if cache_dir is None:
                path = Path(held.enter_context(TemporaryDirectory(prefix="lyrikstore-")))
                work = WorkFolder(path)
            else:
                cache_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
                folder = held.enter_context(private_folder(cache_dir))
                work = WorkFolder(folder.path, folder)
        except OSError as error:
            if isinstance(error, LyrikstoreError):
                raise
            raise storage_error(error, "making a working folder") from error
        yield work


@contextlib.contextmanager
def kept_work(store: Path, cache_dir: Path | None, key: str) -> Iterator[WorkFolder]:
    """Give a private folder in a store's staging, for work that can be gone on with.

    It is that of the process before that did this very work and was cut short, and is removed
    when the work is done, or fails. A store that takes none gets :func:`work_folder`.

    Args:
        store: The store's folder.
        cache_dir: The user's cache for it, where the digests of what is kept lie; None: nothing
            is gone on with.
        key: Names the work, in hex.

    Raises:
        StorageError: It cannot be made.
    """
    place = None if cache_dir is None else cache_dir / f"{_RECORD}{key}"
    with contextlib.ExitStack() as held:
        record = None
        if cache_dir is not None and place is not None:
            forget_kept(cache_dir)
            record = held.enter_context(_opened(place))
        # A folder of which nothing is known here came with the store.
        known = record is not None and os.fstat(record.fileno()).st_size > 0
        try:
            named = key if record is not None else ""
            folder = held.enter_context(private_folder(store, named, _was_cut_short, goes_on=known))
        except StorageError as error:
            if place is not None and not known:
                _forget(place)
            if error.kind not in _DENIED:
                raise
            yield held.enter_context(work_folder(cache_dir))
            return
        if place is None or not folder.is_kept:
            yield WorkFolder(folder.path, folder)
            return
        try:
            yield WorkFolder(folder.path, folder, record)
        except BaseException as error:
            if not _was_cut_short(error):
                _forget(place)
            raise
        _forget(place)


def forget_kept(cache_dir: Path) -> None:
    """Forget the digests of work that is too old to be gone on with, in a user's cache."""
    with contextlib.suppress(OSError):
        for record in cache_dir.glob(f"{_RECORD}*"):
            if abs(time.time() - record.lstat().st_mtime) > KEPT_SECONDS:
                _forget(record)


@contextlib.contextmanager
def storing(doing: str) -> Iterator[None]:
    """Raise as our own what the operating system says within.

    Args:
        doing: A phrase that names the file or folder.

    Raises:
        StorageError: The disk is full, or failed.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, LyrikstoreError):
            raise
        raise storage_error(error, doing) from error


def _was_cut_short(error: BaseException) -> bool:
    """Return whether work may be gone on with: it was stopped, or the disk was full."""
    return not isinstance(error, LyrikstoreError) or error.kind == "disk-full"


@contextlib.contextmanager
def _opened(record: Path) -> Iterator[FileIO | None]:
    """Give the list of digests of some work, to read and to append to; None if it is not ours."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with contextlib.ExitStack() as held:
        file = None
        with contextlib.suppress(OSError):
            record.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = held.enter_context(FileIO(os.open(record, flags, 0o600), "r+"))
            status = os.fstat(file.fileno())
            # ATTACK: others may have put it there, or may add to it, to choose what is signed.
            ours = status.st_uid == os.geteuid() and not status.st_mode & 0o077
            file = file if ours and stat.S_ISREG(status.st_mode) else None
        yield file


def _forget(record: Path) -> None:
    with contextlib.suppress(OSError):
        record.unlink()
