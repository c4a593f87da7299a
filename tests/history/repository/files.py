"""The files of a store, as tests look at them and change them."""

from pathlib import Path

NAME = "datasets/acme/texts"


def snapshot(root: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(root)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(root.rglob("*"))
    }
