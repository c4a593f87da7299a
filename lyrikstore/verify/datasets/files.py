"""Suffixes and columns of the files of a dataset, with their counts (spec §12.4)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def formats(paths: Sequence[str]) -> dict[str, int]:
    """Return suffix, in lower case → number of paths; ``none`` for paths without a suffix."""
    text = "\n".join(["", *paths])
    if "/." in text or "\n." in text:  # what a name starts with is no suffix
        paths = [path.replace("/.", "/").removeprefix(".") for path in paths]
    counts: Counter[str] = Counter()
    for suffix, count in Counter([path[path.rfind(".") :] for path in paths]).items():
        named = suffix.startswith(".") and "/" not in suffix
        counts[suffix.lower() if named else "none"] += count
    return dict(counts)


def files_by(what: str, counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return each name with its number of files, sorted by name.

    It is a list, because column headings and suffixes can be any text, and member names in a
    credential must be ASCII (spec §10.2).
    """
    return [{what: name, "files": counts[name]} for name in sorted(counts)]


def columns_of(metas: Iterable[Mapping[str, str]], named: Iterable[str]) -> list[dict[str, Any]]:
    """Return each of these columns with the number of files that have a value in it."""
    filled = Counter(column for meta in metas for column in meta)
    return files_by("column", {column: filled[column] for column in named})
