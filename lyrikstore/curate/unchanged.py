"""Knowing from a listing alone that a folder is what it was at its last commit.

One small file per folder and name, in the user's cache folder. Like the stat cache it lies outside
the store: whoever holds the store must not be able to choose what its owner signs, or skips.
"""

import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.curate.snapshot import Scan
from lyrikstore.history.manifest import Manifest
from lyrikstore.objects.statcache import RACY_NS

MAX_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Recalled:
    """What the last commit of this very state gave.

    Attributes:
        manifest: Id of the version it made or found.
        orphan_files: Files without a row.
        orphan_rows: ``(number, key)`` of rows without a file.
    """

    manifest: str
    orphan_files: tuple[str, ...]
    orphan_rows: tuple[tuple[int, str], ...]


class LastCommit:
    """The memory of one folder under one name. Make it before the folder is listed.

    Args:
        directory: The user's cache folder for this store.
        folder: The folder that is committed.
        name: The full name it is committed as.
    """

    def __init__(self, directory: Path, folder: Path, name: str) -> None:
        key = Digest.of(f"{folder.resolve()}\0{name}".encode("utf-8", "surrogateescape"))
        self._path = directory / f"commit-{key.short}"
        self._safe_before = time.time_ns() - RACY_NS

    def state(
        self, snapshot: Scan, others: Sequence[Path | None], options: Mapping[str, Any]
    ) -> Digest | None:
        """Return the digest of everything a commit depends on, or None if it cannot be relied on.

        Args:
            snapshot: The listing.
            others: Further files that are read, such as the sheet.
            options: JSON-compatible options that change the result.

        A file touched so recently that a later change could carry the same time stamp makes the
        whole state unreliable: Git's racy rule, as in the stat cache.
        """
        lines = [json.dumps(options, sort_keys=True)]
        lines += [f"{item.path}\0{item.reason}" for item in snapshot.ignored]
        stats: list[tuple[str, os.stat_result]] = [(f.path, f.stat) for f in snapshot.files]
        for path in others:
            if path is not None:
                with suppress(OSError):
                    stats.append((str(path), path.stat()))
        for name, stat in stats:
            if max(stat.st_mtime_ns, stat.st_ctime_ns) >= self._safe_before:
                return None
            lines.append(
                f"{name}\0{stat.st_dev} {stat.st_ino} {stat.st_size} {stat.st_mtime_ns} "
                f"{stat.st_ctime_ns}"
            )
        return Digest.of("\n".join(lines).encode("utf-8", "surrogateescape"))

    def recall(self, state: Digest | None, current: Manifest | None) -> Recalled | None:
        """Return what the last commit gave, if it was of this state and is still current."""
        if state is None or current is None:
            return None
        with suppress(OSError, ValueError, KeyError, TypeError):
            if self._path.stat().st_size > MAX_BYTES:
                return None
            found = json.loads(self._path.read_bytes())
            if found.pop("state") == str(state) and found["manifest"] == str(current.id):
                return Recalled(
                    found["manifest"],
                    tuple(found["orphan_files"]),
                    tuple((int(number), str(key)) for number, key in found["orphan_rows"]),
                )
        return None

    def remember(self, state: Digest | None, recalled: Recalled) -> None:
        """Keep ``recalled`` for ``state``. A failure to write is no failure of the commit."""
        if state is None:
            return
        new = self._path.with_name(f"{self._path.name}.new")
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            new.write_bytes(json.dumps({"state": str(state), **asdict(recalled)}).encode())
            new.replace(self._path)
