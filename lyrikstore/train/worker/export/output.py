"""The files of an export, hashed before they are written, so that the parent can compare them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blake3 import blake3

FOLDER = "out/export"
"""The folder in which the files of an export are staged."""


class Output:
    """The output folder of an export; each file is written once.

    Args:
        folder: The folder; it is created.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.digests: dict[str, str] = {}

    def write(self, name: str, data: bytes) -> None:
        """Write a file; missing folders of its path are created."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("xb") as file:
            file.write(data)
        self.digests[name] = blake3(data).hexdigest()

    def place(self, name: str) -> Path:
        """Return the path at which the caller writes a file that is too large for :meth:`write`."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path

    def was_written(self, name: str) -> None:
        """Record the digest of a file that the caller wrote at its :meth:`place`."""
        hasher = blake3()
        with (self._folder / name).open("rb") as file:
            while part := file.read(1 << 20):
                hasher.update(part)
        self.digests[name] = hasher.hexdigest()

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Write an indented JSON file."""
        text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
        self.write(name, text.encode() + b"\n")
