"""Staging folders: the private folders of workers, with a digest of each file (spec §13.2).

The store never trusts a file in one: results are moved into the store as blobs and manifests, and
the rest is removed, at the end or by the next command that opens a staging folder.
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
"""File of a checkpoint with the statistics that recognise texts unlike its training data."""

TOKENIZING = "tmp/tokenizing"
"""A file that exists while a worker runs a base model's tokenizer, which may kill the worker."""

TRAIN, VALIDATION, TEST = "train.jsonl", "validation.jsonl", "test.jsonl"
"""Datasets, one JSON object per record: ``id``, ``label``, ``text``."""


TEST_PART = "test-part.jsonl"
"""Prompts of a test part that a deployed generative model answers after the probe texts."""


class Staging(Struct, frozen=True):
    """One private folder, mode 0700.

    Attributes:
        path: The folder.
        lock: Descriptor of its lock file. The lock lasts until this process and every child
            that inherited the descriptor are gone, however they end.
        written: Name → digest of each file that this process wrote there. A worker's reads are
        compared with these.
    """

    path: Path
    lock: int
    written: dict[str, Digest] = field(default_factory=dict)

    def write(self, name: str, data: bytes) -> None:
        """Write a new file that only this user can read.

        Args:
            name: Path of the file in the folder; missing folders are created.
            data: Bytes of the file.

        Raises:
            StorageError: The file exists, or cannot be written.
        """
        with self.create(name) as write:
            write(data)

    @contextlib.contextmanager
    def create(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """Create a file that only this user can read, and yield a function that appends to it.

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
    """Yield a new staging folder in a store, and remove it at the end, also after an error.

    Args:
        store_root: The store's own folder (``.lyrikstore``), or the folder used in its place.

    Raises:
        StorageError: As :func:`lyrikstore.objects.io.private_folder.private_folder`.
    """
    with private_folder(store_root) as folder:
        yield Staging(folder.path, folder.lock)
