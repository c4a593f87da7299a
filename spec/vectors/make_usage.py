"""Makes ``terms/used.json``: which partitions of a source are used with what was filtered.

``source`` is the source's files: path → content; the partitions select folders. Each of
``datasets`` is a chain of filtered datasets, from the first that was made of the source to the one
in use; an empty chain is the source itself. ``compared`` is another dataset, with which each of
them was compared. In ``rows`` the datasets are of ``jsonl/1``. The expected answers are written by
hand.
"""

from typing import Any

SOURCE = {"client/1": "secret", "client/2": "shared", "open/1": "poem", "open/2": "shared", "x": ""}
PARTITIONS = ["client", "open", "rest"]
ONE, TWO, THREE, BOTH = '{"n":1}\n', '{"n":2}\n', '{"n":3}\n', '{"n":0}\n'
ROWS = {
    "client/a.jsonl": ONE + BOTH,
    "open/a.jsonl": TWO + THREE + BOTH,
    "open/b.jsonl": TWO + TWO + "[] is a record too\n",
    "README.md": "About.\n",
}


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
    client, opened = "client/a.jsonl", "open/a.jsonl"
    about = {"README.md": ROWS["README.md"]}
    of_rows: list[tuple[str, list[list[dict[str, str]]], list[str], str]] = [
        ("fewer", [[{opened: TWO}]], ["open"], "a filter dropped rows, and kept the others"),
        ("fewer-and-others-kept", [[{opened: TWO, client: ROWS[client]}]], ["client", "open"], ""),
        ("another-order", [[{opened: THREE + TWO}]], ["open"], "the records are the same"),
        ("other-line-ends", [[{opened: '{"n":2}\r\n{"n":3}'}]], ["open"],
         "the end of a line is no part of the record"),
        ("at-another-path", [[{"n=2/part-00000.jsonl": TWO}]], ["open"],
         "partition/1 makes new paths"),
        ("under-the-path-of-another", [[{opened: ONE}]], ["client"],
         "what it holds counts, not what it is called"),
        ("in-two", [[{opened: BOTH}]], ["client", "open"], "both may be where it comes from"),
        ("of-two", [[{opened: ONE + TWO}]], every, "no file of the source holds both"),
        ("twice", [[{opened: THREE + THREE}]], every, "no file of the source holds it twice"),
        ("twice-in-the-source", [[{opened: TWO + TWO}]], ["open"], "one file holds it twice"),
        ("changed", [[{opened: TWO + '{"n":4}\n'}]], every, "a changed row is in no file"),
        ("written-otherwise", [[{opened: '{"n": 2}\n'}]], every, "other bytes, another record"),
        ("empty", [[{opened: ""}]], ["client", "open"], "every file of rows holds no record"),
        ("twice-filtered", [[{opened: TWO + BOTH}, {opened: BOTH}]], ["open"],
         "the second filter read nothing else"),
        ("at-another-path-later", [[{opened: TWO + THREE}, {"n=2/part-00000.jsonl": TWO}]],
         ["open"], ""),
        ("new-path-and-changed", [[{opened: TWO}, {"n=4/part-00000.jsonl": '{"n":4}\\n'}]], every,
         "nothing shows where it comes from"),
        ("changed-then-fewer", [[{opened: TWO + '{"n":4}\n', client: ONE}, {client: ONE}]],
         ["client"], "the changed file is not in use"),
        ("companion-kept", [[{opened: TWO} | about]], ["open", "rest"], "same bytes, same path"),
        ("companion-changed", [[{opened: TWO, "README.md": "Other.\n"}]], every,
         "a companion holds no records"),
        ("no-record", [[{opened: "{}\n\n"}]], every, "an empty line is no record"),
    ]  # fmt: skip
    return {
        "terms/used.json": {
            "source": SOURCE,
            "rows": {
                "source": ROWS,
                "companions": ["README.md"],
                "cases": _cases(of_rows),
            },
            "partitions": [
                {"name": "client", "path": "client"},
                {"name": "open", "path": "open"},
                {"name": "rest"},
            ],
            "cases": [
                *_cases(rows),
                {
                    "id": "compared",
                    "datasets": [[kept("open/1"), kept("open/1")]],
                    "compared": {"test/1": "question"},
                    "used": ["open"],
                    "why": "of what a dataset was compared with it holds nothing",
                },
            ],
        }
    }


def _cases(rows: list[tuple[str, list[list[dict[str, str]]], list[str], str]]) -> list[Any]:
    return [
        {"id": name, "datasets": datasets, "used": used, **({"why": why} if why else {})}
        for name, datasets, used, why in rows
    ]
