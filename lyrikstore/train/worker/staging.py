"""Staging folders: what workers read and write, each byte of it known by its digest (spec §13.2).

Nothing in one is ever read as truth: what succeeds is moved into the store as blobs and manifests,
the rest is removed, now or by whoever starts work next.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from blake3 import blake3
from msgspec import Struct, field

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import StorageError, storage_error
from lyrikstore.objects.io.private_folder import private_folder

BASE, CHECKPOINT = "base", "checkpoint"
"""Folders of the base model and of a trained checkpoint."""

UNLIKE_FILE = "unlike.safetensors"
"""What a checkpoint tells texts by that are unlike its training data."""

TOKENIZING = "tmp/tokenizing"
"""Is there while a worker has a base model's tokenizer at work, which may be the end of it."""

TRAIN, VALIDATION, TEST = "train.jsonl", "validation.jsonl", "test.jsonl"
"""Datasets, one JSON object per record: ``id``, ``label``, ``text``."""


TEST_PART = "test-part.jsonl"
"""Records of a test part that a deployed folder is asked as well, where they are prompts."""


class Staging(Struct, frozen=True):
    """One private folder, mode 0700.

    Attributes:
        path: The folder.
        lock: Descriptor of its lock file. The lock lasts until this process and every child
            that inherited the descriptor are gone, however they end.
        written: Name → digest of what this process wrote there, by which it knows whether a worker
            read that.
    """

    path: Path
    lock: int
    written: dict[str, Digest] = field(default_factory=dict)

    def write(self, name: str, data: bytes) -> None:
        """Write a new file that only this user can read.

        Args:
            name: Its path in the folder; folders in it are made.
            data: Its bytes.

        Raises:
            StorageError: It exists, or the storage backend failed.
        """
        with self.create(name) as write:
            write(data)

    @contextlib.contextmanager
    def create(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """Give a function that appends to a new file that only this user can read.

        Args, Raises: As :meth:`write`.
        """
        path, hasher = self.path / name, blake3()

        def write(data: bytes) -> None:
            hasher.update(data)
            file.write(data)

        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                yield write
        except StorageError:  # of what is read in between
            raise
        except OSError as error:
            raise storage_error(error, f"writing {path.name}") from error
        self.written[name] = Digest(hasher.digest())


@contextlib.contextmanager
def open_staging(store_root: Path) -> Iterator[Staging]:
    """Give a new staging folder in a store, and remove it at the end, whatever happened.

    Args:
        store_root: The store's own folder (``.lyrikstore``), or what a user has in its place.

    Raises:
        StorageError: As :func:`lyrikstore.objects.io.private_folder.private_folder`.
    """
    with private_folder(store_root) as folder:
        yield Staging(folder.path, folder.lock)
