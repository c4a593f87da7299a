"""Makes ``consistency/``: files that show which log checkpoints are of one log.

There are two histories: ``true`` has 40 entries, ``fork`` has the first 12 of them and 25 others.
"""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import Leaf
from lyrikstore.history.log.consistency_file import consistency_file

ORIGIN = "example.org/archive"
EMPTY = {"size": 0, "root": b64encode(merkle.EMPTY_ROOT).decode(), "proof": []}


def _log(name: str, count: int) -> list[bytes]:
    return [
        Leaf("manifest", Digest.of(f"{name} {number}".encode())).hash for number in range(count)
    ]


TRUE = _log("true", 40)
LOGS = {"true": TRUE, "fork": TRUE[:12] + _log("fork", 25)}


def make() -> dict[str, Any]:
    """Return file name → content."""
    return {"consistency/files.json": _files(), "consistency/relations.json": _relations()}


def _file(log: str, size: int, sizes: list[int], leaves: int = 0, origin: str = ORIGIN) -> bytes:
    made, _ = consistency_file(origin, LOGS[log][:size], sizes, leaves=leaves)
    return made.encode()


def _changed(data: bytes, change: Callable[[Any], None]) -> str:
    document = json.loads(data)
    change(document)
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def _files() -> dict[str, Any]:
    plain, leaved = _file("true", 40, [8, 20, 33]), _file("true", 40, [20], leaves=16)

    def bad(name: str, change: Callable[[Any], None], data: bytes = plain) -> dict[str, str]:
        return {"id": name, "file": _changed(data, change), "kind": "bad-consistency"}

    def swap(document: Any) -> None:
        document["from"].reverse()

    def other_root(document: Any) -> None:
        document["from"][0]["root"] = document["from"][1]["root"]

    def many(document: Any) -> None:
        document["from"] = document["from"][-1:] * 33

    return {
        "origin": ORIGIN,
        "good": [
            {"id": "three-steps", "file": plain.decode(), "sizes": [8, 20, 33, 40]},
            {"id": "no-step", "file": _file("true", 1, []).decode(), "sizes": [1]},
            {"id": "a-perfect-tree-in-it", "file": _file("true", 33, [32, 16]).decode(),
             "sizes": [16, 32, 33]},
            {"id": "with-leaves", "file": leaved.decode(), "sizes": [16, 20, 40], "leaves": 16},
            {"id": "leaves-of-all", "file": _file("true", 16, [4], leaves=16).decode(),
             "sizes": [4, 16], "leaves": 16},
        ],
        "bad": [
            bad("root-of-another-size", other_root),
            bad("smallest-first", swap),
            bad("not-smaller", lambda d: d["from"][0].update(size=40)),
            bad("nothing-leads-there", lambda d: d["from"].append(EMPTY)),
            bad("no-proof", lambda d: d["from"][0].update(proof=[])),
            bad("proof-too-long", lambda d: d["from"][0]["proof"].append(d["to"]["root"])),
            bad("to-another-root", lambda d: d["to"].update(root=d["from"][0]["root"])),
            bad("too-many-steps", many),
            bad("another-type", lambda d: d.update(type="log-consistence")),
            bad("a-later-version", lambda d: d.update(v=2)),
            bad("another-member", lambda d: d.update(more=1)),
            bad("another-member-in-a-step", lambda d: d["from"][0].update(more=1)),
            bad("size-in-words", lambda d: d["to"].update(size="40")),
            bad("a-short-root", lambda d: d["to"].update(root="AAAA")),
            bad("a-name-in-numbers", lambda d: d.update(origin=5)),
            {**bad("no-leaves-stated", lambda d: d.update(leaves=None)), "kind": "bad-json"},
            bad("a-name-that-is-none", lambda d: d.update(origin="a b")),
            bad("leaves-of-no-size-named", lambda d: d["leaves"].update(size=17), leaved),
            bad("leaves-of-a-bad-digest", lambda d: d["leaves"].update(blake3="blake3:00"), leaved),
            {"id": "not-canonical", "file": plain.decode().replace(",", ", "),
             "kind": "not-canonical"},
            {"id": "no-json", "file": plain.decode()[:-1], "kind": "bad-json"},
        ],
    }  # fmt: skip


def _relations() -> dict[str, Any]:
    def head(log: str, size: int) -> dict[str, Any]:
        return {"size": size, "root": merkle.root(LOGS[log][:size]).hex()}

    true = {
        "t": _file("true", 40, [8, 20, 33]), "early": _file("true", 20, [12, 8]),
        "leaves": _file("true", 40, [20], leaves=16),
    }  # fmt: skip
    fork = {
        "f": _file("fork", 37, [12, 20, 30]), "elsewhere": _file("fork", 37, [20], origin="else"),
    }  # fmt: skip
    files = {name: data.decode() for name, data in (true | fork).items()}
    cases: list[dict[str, Any]] = []

    def case(
        name: str, relation: str, left: tuple[str, int], right: tuple[str, int], *beside: str
    ) -> None:
        cases.append(
            {
                "id": name,
                "files": list(beside),
                "left": head(*left),
                "right": head(*right),
                "relation": relation,
            }
        )

    case("equal", "same", ("true", 20), ("true", 20))
    case("one-size", "fork", ("true", 20), ("fork", 20))
    case("nothing-at-hand", "unknown", ("true", 20), ("true", 40))
    case("a-step", "same", ("true", 20), ("true", 40), "t")
    case("two-steps", "same", ("true", 8), ("true", 33), "t")
    case("no-step-of-that-size", "unknown", ("true", 9), ("true", 40), "t")
    case("by-two-files", "same", ("true", 12), ("true", 40), "t", "early")
    case("of-another-log", "unknown", ("fork", 20), ("fork", 37), "elsewhere")
    case("a-step-to-another-root", "fork", ("fork", 20), ("true", 40), "t")
    case("a-size-in-both", "fork", ("fork", 37), ("true", 40), "t", "f")
    # What both lead from says nothing of what comes after it.
    case("both-from-one", "unknown", ("fork", 37), ("true", 40), "early", "leaves", "f2")
    files["f2"] = _file("fork", 37, [12]).decode()
    # What leads to both, unsigned, says nothing against the smaller of them.
    case("before-the-fork", "same", ("true", 12), ("fork", 37), "f", "t")
    case("before-the-fork-by-another-file", "unknown", ("true", 8), ("fork", 37), "f", "t")
    case("leaves-give-a-root", "same", ("true", 11), ("true", 40), "leaves")
    case("leaves-give-another-root", "fork", ("fork", 14), ("true", 40), "leaves")
    case("leaves-end-before", "unknown", ("true", 17), ("true", 40), "leaves")
    places = []

    def place(
        name: str,
        answer: list[Any],
        log: str,
        index: int,
        size: int | None,
        anchor: Any,
        *beside: str,
    ) -> None:
        shown = [] if size is None else [{"index": index, **head(log, size)}]
        places.append({
            "id": name, "files": list(beside), "leaf": LOGS[log][index].hex(), "places": shown,
            "anchors": [head(*one) for one in anchor], "index": answer[0], "shown": answer[1],
        })  # fmt: skip

    at = [("true", 40)]
    place("under-the-anchor", [5, "same"], "true", 5, 40, at)
    place("not-connected", [5, "unknown"], "true", 5, 20, at)
    place("connected", [5, "same"], "true", 5, 20, at, "t")
    place("in-the-leaves", [5, "same"], "true", 5, 9, at, "leaves")
    place("in-the-leaves-alone", [5, "same"], "true", 5, None, at, "leaves")
    place("nowhere", [None, "unknown"], "true", 5, None, at, "t")
    place("beyond-the-leaves", [18, "unknown"], "true", 18, 19, at, "leaves")
    place("other-leaf-there", [13, "fork"], "fork", 13, 30, at, "leaves")
    place("of-a-fork", [13, "fork"], "fork", 13, 20, at, "t")
    place("leaves-of-another-history", [13, "unknown"], "fork", 13, 30, [("fork", 37)], "leaves")
    place("fork-not-connected", [13, "unknown"], "fork", 13, 30, at)
    place("one-of-two-anchors", [5, "unknown"], "true", 5, 40, [("true", 40), ("fork", 30)])
    place(
        "of-both-anchors",
        [5, "same"],
        "true",
        5,
        12,
        [("true", 40), ("fork", 30)],
        "t",
        "f",
        "early",
    )
    return {
        "origin": ORIGIN,
        "leaves": b"".join(TRUE[:16]).hex(),
        "files": files,
        "cases": cases,
        "places": places,
    }
