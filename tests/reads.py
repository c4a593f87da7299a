"""A command of which every read of a blob and every signature check is counted.

    python -m tests.reads FILE COMMAND…     runs it; FILE gets the counts, as JSON

What the workers that it starts do is not counted.
"""

import json
import os
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.objects.pack.reader import PackedBlobs
from lyrikstore_cli.main import main as command

WHERE = "LYRIKSTORE_TESTS_WHERE"
"""In the environment: who read what is written beside the counts."""


class Calls:
    """Counts calls, and how many of them differ."""

    def __init__(self) -> None:
        self.found: Counter[object] = Counter()
        self.callers: dict[object, list[str]] = {}

    def note(self, what: object) -> None:
        """Count one."""
        self.found[what] += 1
        if WHERE in os.environ:
            frames = traceback.extract_stack()[:-2]
            shown = [f"{Path(f.filename).stem}.{f.name}" for f in frames if "store" in f.filename]
            self.callers.setdefault(what, []).append(" > ".join(shown[-9:]))

    def to_json(self) -> dict[str, Any]:
        """Return the counts."""
        again = {str(one): self.callers[one] for one in self.callers if self.found[one] > 1}
        return {"calls": self.found.total(), "distinct": len(self.found), "again": again}


def counted(calls: Calls, function: Callable[..., Any], key: Callable[..., object]) -> Any:
    """Return a function that notes what it is called with."""

    def call(*args: Any, **kwargs: Any) -> Any:
        calls.note(key(*args))
        return function(*args, **kwargs)

    return call


def main(place: Path) -> None:
    """Run the command of the other arguments."""
    reads, signatures = Calls(), Calls()
    PackedBlobs._read = counted(  # type: ignore[method-assign]
        reads, PackedBlobs._read, lambda blobs, table, raw: raw.hex()
    )
    PublicKey.verify = counted(  # type: ignore[method-assign]
        signatures, PublicKey.verify, lambda key, signature, message: (key.raw, signature, message)
    )
    code = command(sys.argv[2:])
    found = {"reads": reads.to_json(), "signatures": signatures.to_json()}
    place.write_text(json.dumps(found, indent=1))
    sys.exit(code)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
