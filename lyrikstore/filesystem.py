"""Versions as files: the read-only fsspec filesystem ``lyrik://`` (docs/filesystem.md).

``lyrik://KIND/NAMESPACE/NAME@VERSION/path``: pandas, pyarrow, DuckDB and ``datasets`` read a
version without a checkout, and every byte they get has been hashed.

Example:
    >>> import pandas                                                      # doctest: +SKIP
    >>> pandas.read_csv("lyrik://datasets/acme/contracts@~1/rows.csv",      # doctest: +SKIP
    ...                 storage_options={"store": "corpus"})
"""

import io
import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, cast

from fsspec import AbstractFileSystem

from lyrikstore.canon.errors import NotFoundError, StorageError
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.history.log.entries import read_checkpoint
from lyrikstore.history.manifests.kinds import KINDS
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.locate import nearest_store, store_folder
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree
from lyrikstore.history.trees.tree import TreeEntry

_TREES = 8


class MissingPathError(NotFoundError, FileNotFoundError):
    """There is nothing at a ``lyrik://`` path; both ours and what fsspec's callers expect."""


class LyrikFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """The versions of one store, read-only.

    A path is ``KIND/NAMESPACE/NAME[@VERSION][/path]``. VERSION is the id of a version, its first
    8 or more hex digits, or ``~N``; without it, the version that is current when the path is
    looked at. Safe to use from several threads; picklable.

    Args:
        store: The store: its ``.lyrikstore`` folder or the one that holds it, or the URL of a
            remote; by default the nearest folder upwards from the current one.
        remote_options: What this kind of remote lets one set, as for ``lyrikstore remote add``.
        options: Options that fsspec itself defines.

    Raises:
        NotFoundError: (``no-store``, at first use) there is no store.
        RemoteError: (while reading) the remote cannot be reached, or refuses the request.

    Cost: opening a store reads one small file per transaction; a version's first file, its tree.
        Files are streamed: of a large file only the chunks that are asked for are read.
    """

    protocol = "lyrik"

    def __init__(
        self,
        store: str | Path | None = None,
        remote_options: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._store = store
        self._remote_options = dict(remote_options or {})
        self._lock = threading.RLock()
        self._opened: Repository | None = None
        self._trees: OrderedDict[Any, _Folders] = OrderedDict()

    # ---- what fsspec asks for

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """Return the entries of the folder at ``path``, or the file itself.

        Args:
            path: Also ``KIND`` or ``KIND/NAMESPACE``, or nothing for the whole store.
            detail: Whether to return :meth:`info` of each, or names only.

        Raises:
            MissingPathError: (``no-path``) there is no such thing.
            LyrikstoreError: The store or the version cannot be read.
            LyrikstoreError: As :func:`present_tree`.
        """
        path = self._strip_protocol(path)
        with self._lock:
            parts = path.split("/") if path else []
            if len(parts) < 3:
                rows = [_folder(name) for name in self._names(parts)]
            else:
                head, inner, version = self._version(path)
                if inner not in version.files and inner not in version.folders:
                    raise _missing(path)
                rows = version.list(head, inner)
        return rows if detail else [row["name"] for row in rows]

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Return ``name``, ``type``, ``size``; of a file also ``blake3``, ``ETag`` and ``meta``.

        ``meta`` is what the sheet says of it: column to text.

        Raises:
            MissingPathError, LyrikstoreError: As :meth:`ls`.
        """
        path = self._strip_protocol(path)
        with self._lock:
            parts = path.split("/") if path else []
            if len(parts) < 3:
                if parts:
                    self._names(parts)
                return _folder(path)
            inner, version = self._version(path)[1:]
            if inner in version.files:
                return _file(path, version.files[inner], version.created)
            if inner in version.folders:
                return _folder(path)
        raise _missing(path)

    def exists(self, path: str, **_: Any) -> bool:
        """Return whether a file or folder exists at ``path``; damage raises an error."""
        return self._type(path) != ""

    def isfile(self, path: str) -> bool:
        """Return whether ``path`` is a file."""
        return self._type(path) == "file"

    def isdir(self, path: str) -> bool:
        """Return whether ``path`` is a folder."""
        return self._type(path) == "directory"

    def ukey(self, path: str) -> str:
        """Return the BLAKE3 of a file."""
        found = self.info(path)
        return str(found.get("blake3") or found["name"])

    checksum = ukey

    def created(self, path: str) -> datetime:
        """Return when the signer of the version claims to have signed it."""
        return self._version(self._strip_protocol(path))[2].created

    modified = created

    def _open(self, path: str, mode: str = "rb", **_: Any) -> BinaryIO:
        # fsspec's `open` adds text mode and decompression.
        if mode != "rb":
            self._refuse(path)
        with self._lock:
            self._current()  # an id means the same for ever, but what it means may be retired
            inner, version = self._version(path)[1:]
            if inner not in version.files:
                kind = "is a folder" if inner in version.folders else "no such file"
                raise _missing(path, kind)
            blobs = self._repository().blobs
        # The stream keeps the packs it began with, whatever the store becomes meanwhile.
        return cast("BinaryIO", _Shared(blobs.open(version.files[inner].blake3)))

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise StorageError(
            "read-only", "lyrik:// is read-only", hint="make a new version: lyrikstore commit"
        )

    mkdir = makedirs = rmdir = rm = rm_file = cp_file = mv = touch = put_file = pipe_file = _refuse

    # ---- the store

    def _type(self, path: str) -> str:
        try:
            return str(self.info(path)["type"])
        except FileNotFoundError:
            return ""

    def _repository(self) -> Repository:
        place = _place(self._store)  # the nearest one may have changed: fsspec keeps us
        if self._opened is None or self._opened.location != place:
            self._opened = self._open_at(place)
            self._trees.clear()
        return self._opened

    def _open_at(self, place: Path | str) -> Repository:
        if isinstance(place, Path):
            return Repository.open(place)
        from lyrikstore.objects.backends.open import open_backend

        # Reading builds no files, so the scratch folder stays unused.
        backend = open_backend(place, options=self._remote_options)
        return Repository.over(backend, location=place)

    def _current(self) -> Repository:
        # Looking whether the log has grown costs one small read.
        repository = self._repository()
        if read_checkpoint(repository.backend) != repository.checkpoint.note:
            repository.refresh()
            self._trees.clear()  # one of them may be retired by now
        return repository

    def _names(self, parts: list[str]) -> list[str]:
        names = {
            "/".join(name.split("/")[: len(parts) + 1])
            for name in self._current().refs
            if name.split("/")[0] in _PREFIXES and name.split("/")[: len(parts)] == parts
        }
        if parts and not names:
            raise _missing("/".join(parts))
        return sorted(names)

    def _version(self, path: str) -> "tuple[str, str, _Folders]":
        parts = path.split("/", 3)
        if len(parts) < 3:
            raise _missing(path, "is a folder of versions")
        head = "/".join(parts[:3])
        inner = parts[3] if len(parts) == 4 else ""
        with self._lock:
            manifest = self._manifest(head)
            key = manifest.id
            if key in self._trees:
                self._trees.move_to_end(key)
            else:
                tree = present_tree(self._repository(), manifest)
                self._trees[key] = _Folders(tree.entries, parse_timestamp(manifest.created))
                while len(self._trees) > _TREES:
                    self._trees.popitem(last=False)
            return head, inner, self._trees[key]

    def _manifest(self, head: str) -> Manifest:
        name, at, version = head.partition("@")
        # An id means the same for ever, so only one that is unknown asks whether the log has grown.
        fixed = bool(at) and not version.startswith("~")
        repository = self._repository() if fixed else self._current()
        text = version if fixed else name + version
        try:
            try:
                found = repository.resolve(text)
            except NotFoundError:
                found = self._current().resolve(text)
        except NotFoundError:
            raise _missing(head) from None
        if fixed and found.name != name:
            raise _missing(head, f"that is a version of {found.name}")
        return found


class _Shared(io.BufferedIOBase):
    # DuckDB's threads share one open file: each seeks, then reads. A seek therefore holds for the
    # next read of its own thread, whatever others do in between; without a seek of one's own,
    # reading goes on where the last read ended.
    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self._lock = threading.Lock()
        self._at = 0
        self._sought: dict[int, int] = {}

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        with self._lock:
            return self._sought.get(threading.get_ident(), self._at)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        me = threading.get_ident()
        with self._lock:
            self._stream.seek(self._sought.get(me, self._at))
            self._at = self._sought[me] = self._stream.seek(offset, whence)
            return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        with self._lock:
            at = self._sought.pop(threading.get_ident(), self._at)
            self._stream.seek(at)
            data = self._stream.read(-1 if size is None else size)
            self._at = at + len(data)
            return data

    read1 = read

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Folders:
    # A tree as folders: what `ls` needs at once, in one pass over the entries.
    def __init__(self, entries: tuple[TreeEntry, ...], created: datetime) -> None:
        self.created = created
        self.files = {entry.path: entry for entry in entries}
        self.folders: dict[str, list[str]] = {"": []}
        for entry in entries:
            self._add(entry.path)

    def _add(self, path: str) -> None:
        folder = path.rpartition("/")[0]
        if folder not in self.folders:
            self.folders[folder] = []
            self._add(folder)
        self.folders[folder].append(path)

    def list(self, head: str, inner: str) -> "list[dict[str, Any]]":
        if inner in self.files:
            return [_file(f"{head}/{inner}", self.files[inner], self.created)]
        return [
            _file(f"{head}/{path}", self.files[path], self.created)
            if path in self.files
            else _folder(f"{head}/{path}")
            for path in self.folders[inner]
        ]


_PREFIXES = frozenset(kind.prefix for kind in KINDS.values() if kind.has_tree)


def _place(store: str | Path | None) -> Path | str:
    if store is not None:
        if "://" in str(store):
            return str(store)
        return store_folder(Path(store))
    return nearest_store(Path.cwd(), hint='give storage_options={"store": PATH}')


def _file(path: str, entry: TreeEntry, created: datetime) -> dict[str, Any]:
    digest = entry.blake3.hex
    # ETag is what caches above fsspec look for: here it is the content itself.
    return {
        "name": path,
        "type": "file",
        "size": entry.bytes,
        "blake3": digest,
        "ETag": digest,
        "created": created,
        "meta": dict(entry.meta or {}),
    }


def _folder(path: str) -> dict[str, Any]:
    return {"name": path, "type": "directory", "size": 0}


def _missing(path: str, why: str = "no such file or folder") -> MissingPathError:
    return MissingPathError("no-path", f"lyrik://{path}: {why}", hint="list what is there with ls")
