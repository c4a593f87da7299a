"""Makes ``terms/used.json``: which partitions of a source are used with what was filtered.

``source`` is the source's files: path → content; the partitions select folders. Each of
``datasets`` is a chain of filtered datasets, from the first that was made of the source to the one
in use; an empty chain is the source itself. ``compared`` is another dataset, with which each of
them was compared. The expected answers are written by hand.
"""

from typing import Any

SOURCE = {"client/1": "secret", "client/2": "shared", "open/1": "poem", "open/2": "shared", "x": ""}
PARTITIONS = ["client", "open", "rest"]


def make() -> dict[str, Any]:
    """Return file name → content."""

    def kept(*paths: str, **changed: str) -> dict[str, str]:
        files = {path: SOURCE[path] for path in paths}
        return {**files, **{path.replace("_", "/"): text for path, text in changed.items()}}

    every = list(PARTITIONS)
    rows: list[tuple[str, list[list[dict[str, str]]], list[str], str]] = [
        ("the-source", [[]], every, "all of it is used"),
        ("kept", [[kept("open/1", "open/2")]], ["open"], "same bytes under the same paths"),
        ("kept-of-two", [[kept("open/1", "x")]], ["open", "rest"], ""),
        ("twice", [[kept("open/1")], [kept("client/1")]], ["client", "open"],
         "two datasets in use, of one source"),
        ("swapped", [[kept("open/1", open_2="secret")]], every,
         "the bytes of a client's file under the path of an open one"),
        ("changed", [[kept(open_1="p***")]], every,
         "a filter changed the file; from what it made it, no digest shows"),
        ("changed-by-a-second-filter", [[kept("open/1"), kept(open_1="p***")]], ["open"],
         "all that the second filter read was open"),
        ("changed-then-kept", [[kept(open_1="p***"), kept(open_1="p***")]], every,
         "unchanged since, but not since the source"),
        ("one-of-two-changed-then-dropped", [[kept("open/1", client_1="s***"), kept("open/1")]],
         ["open"], "what was changed is not in use any more"),
        ("changed-back", [[kept(open_1="p***"), kept("open/1")]], every,
         "made from all that its filter read, whatever it looks like"),
        ("empty", [[kept()]], [], "no file is in use"),
        ("empty-file", [[kept("x")]], ["rest"], ""),
        ("new-path", [[kept("open/1", open_9="poem")]], every, "no filter makes new paths"),
        ("same-bytes-at-another-path", [[kept(open_1="shared")]], every,
         "open/1 has other bytes in the source"),
        ("same-bytes-in-two-partitions", [[kept("open/2")]], ["open"],
         "who published them under both terms lets them be used under either"),
    ]  # fmt: skip
    return {
        "terms/used.json": {
            "source": SOURCE,
            "partitions": [
                {"name": "client", "path": "client"},
                {"name": "open", "path": "open"},
                {"name": "rest"},
            ],
            "cases": [
                {"id": name, "datasets": datasets, "used": used, **({"why": why} if why else {})}
                for name, datasets, used, why in rows
            ]
            + [
                {
                    "id": "compared",
                    "datasets": [[kept("open/1"), kept("open/1")]],
                    "compared": {"test/1": "question"},
                    "used": ["open"],
                    "why": "of what a dataset was compared with it holds nothing",
                }
            ],
        }
    }
