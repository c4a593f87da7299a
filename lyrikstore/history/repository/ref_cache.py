"""The user's cache of a store's verified refs (spec/adr/0003).

Refs depend on every manifest that was ever logged. This cache has the members that refs depend on
of each manifest, for a log of one size and root: a store with a long history then opens in the time
that its new entries need. A log that is shorter or differs is read from its start, and so is every
store that is verified. The file is in the user's cache folder, because the holder of the store is
not trusted with it.
"""

import contextlib
import json
from collections.abc import Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from blake3 import blake3
from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.files import open_regular, remember
from lyrikstore.history.log import merkle
from lyrikstore.history.repository.refs import Flagged, Mover, Step
from lyrikstore.version import __version__

MAX_BYTES = 1 << 28
"""Maximum size of the file; a larger one is neither read nor written."""

WORTH = 64
"""Number of newly read log entries after which the file is written."""

_KINDS_WITH_BODY = ("genesis", "policy")
_SUM = 32


class Recalled(Struct, frozen=True):
    """The members of a manifest that refs depend on, named as in a manifest."""

    id: Digest
    kind: str
    name: str
    store: Digest | None
    author: str
    parents: tuple[Digest, ...]
    body: dict[str, Any]


class RefCache:
    """The cache file of one store.

    Args:
        directory: Cache folder of this user for this store; created at the first write.

    Cost: less than 600 bytes a manifest, on disk.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / "refs"

    def load(self, hashes: Sequence[bytes]) -> tuple[int, list[Step]]:
        """Return the number of cached log entries, and the steps of the refs in them.

        Args:
            hashes: Leaf hashes of the log, verified against its signed root. A cache of another
                log, of another version of this program, or a damaged one counts as empty.
        """
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, IndexError):
            with open_regular(self._path) as file:
                data = file.read(MAX_BYTES + 1)
            found = json.loads(data[_SUM:]) if _sum(data[_SUM:]) == data[:_SUM] else {}
            size = found["size"]
            if (
                found["version"] == __version__
                and 0 < size <= len(hashes)
                and merkle.root(hashes[:size]).hex() == found["root"]
            ):
                return size, _steps(found)
        return 0, []

    def save(self, hashes: Sequence[bytes], steps: Sequence[Step]) -> None:
        """Cache the steps of all entries. A failure to write is ignored.

        Args:
            hashes: Leaf hashes of the log, of exactly those entries.
            steps: The steps from :attr:`RefTable.steps`.
        """
        header = {"version": __version__, "size": len(hashes), "root": merkle.root(hashes).hex()}
        text = json.dumps(header | _columns(steps)).encode()
        if len(text) + _SUM <= MAX_BYTES:
            remember(self._path, _sum(text) + text)  # what is torn fails its checksum


def _sum(text: bytes) -> bytes:
    return blake3(text).digest()


def _columns(steps: Sequence[Step]) -> dict[str, Any]:
    moves = [(at, *step) for at, step in enumerate(steps) if not isinstance(step, Flagged)]
    movers = [mover for _, _, mover in moves]
    return {
        "steps": len(steps),
        "at": [at for at, _, _ in moves],
        "index": [index for _, index, _ in moves],
        "id": b"".join(one.id.raw for one in movers).hex(),
        "kind": [one.kind for one in movers],
        "name": [one.name for one in movers],
        "store": [one.store.hex if one.store else "" for one in movers],
        "author": [one.author for one in movers],
        "counts": [len(one.parents) for one in movers],
        "parents": b"".join(parent.raw for one in movers for parent in one.parents).hex(),
        "body": [one.body if one.kind in _KINDS_WITH_BODY else {} for one in movers],
        "flagged": [
            (at, step.index, step.id.hex, step.reason)
            for at, step in enumerate(steps)
            if isinstance(step, Flagged)
        ],
    }


def _steps(found: dict[str, Any]) -> list[Step]:
    steps: list[Step | None] = [None] * found["steps"]
    parents = _digests(found["parents"])
    bounds = pairwise(accumulate(found["counts"], initial=0))
    stores = {text: Digest.parse_hex(text) if text else None for text in set(found["store"])}
    for at, index, identity, kind, name, store, author, (start, end), body in zip(
        found["at"],
        found["index"],
        _digests(found["id"]),
        found["kind"],
        found["name"],
        found["store"],
        found["author"],
        bounds,
        found["body"],
        strict=True,
    ):
        mover: Mover = Recalled(
            identity, kind, name, stores[store], author, tuple(parents[start:end]), body
        )
        steps[at] = (index, mover)
    for at, index, identity, reason in found["flagged"]:
        steps[at] = Flagged(index, Digest.parse_hex(identity), reason)
    whole = [step for step in steps if step is not None]
    if len(whole) != len(steps):
        raise ValueError("a step is missing")
    return whole


def _digests(joined: str) -> list[Digest]:
    raw = bytes.fromhex(joined)
    return [Digest(raw[at : at + 32]) for at in range(0, len(raw), 32)]
