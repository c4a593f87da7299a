"""The files of an export, each hashed before it is written, so that the parent knows them again."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blake3 import blake3

FOLDER = "out/export"
"""Where the files of an export are staged."""


class Output:
    """Files that are written once.

    Args:
        folder: Where; it is made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.digests: dict[str, str] = {}

    def write(self, name: str, data: bytes) -> None:
        """Write a file; folders in its name are made."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("xb") as file:
            file.write(data)
        self.digests[name] = blake3(data).hexdigest()

    def place(self, name: str) -> Path:
        """Return where a file has to be written that is too large for :meth:`write`."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path

    def was_written(self, name: str) -> None:
        """Take the digest of a file that was written at its :meth:`place`."""
        hasher = blake3()
        with (self._folder / name).open("rb") as file:
            while part := file.read(1 << 20):
                hasher.update(part)
        self.digests[name] = hasher.hexdigest()

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Write a JSON file that people can read too."""
        text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
        self.write(name, text.encode() + b"\n")
