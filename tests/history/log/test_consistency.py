"""Log checkpoints of one log and of two: what files at hand show, and never more than they do."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, LyrikstoreError
from lyrikstore.canon.limits import MAX_CONSISTENCY_FILES
from lyrikstore.history.log import consistency_file as consistency_files
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import LogCheckpoint, Place, SignedCheckpoint
from lyrikstore.history.log.consistency import Consistency, Relation
from lyrikstore.history.log.consistency_file import (
    ConsistencyFile,
    ConsistencyFiles,
    consistency_file,
    is_consistency_file,
)
from tests.kinds import refused

VECTORS = Path(__file__).parents[3] / "spec" / "vectors" / "consistency"
FILES = json.loads((VECTORS / "files.json").read_text())
RELATIONS = json.loads((VECTORS / "relations.json").read_text())
ORIGIN = RELATIONS["origin"]


def named(case) -> str:
    return case["id"]


def head(given: dict) -> LogCheckpoint:
    return LogCheckpoint(ORIGIN, given["size"], bytes.fromhex(given["root"]))


def at_hand(case) -> Consistency:
    files = [RELATIONS["files"][name].encode() for name in case["files"]]
    return Consistency(ORIGIN, ConsistencyFiles([*files, bytes.fromhex(RELATIONS["leaves"])]))


@pytest.mark.parametrize("case", FILES["good"], ids=named)
def test_good_files(case) -> None:
    data = case["file"].encode()
    assert is_consistency_file(data)
    found = ConsistencyFile.parse(data)
    assert found.encode() == data
    assert sorted([found.size, *(size for size, _, _ in found.steps)]) == case["sizes"]
    assert (0 if found.leaves is None else found.leaves[1]) == case.get("leaves", 0)


@pytest.mark.parametrize("case", FILES["bad"], ids=named)
def test_bad_files(case) -> None:
    with pytest.raises(LyrikstoreError) as refused:
        ConsistencyFile.parse(case["file"].encode())
    assert refused.value.kind == case["kind"]


@pytest.mark.parametrize("case", RELATIONS["cases"], ids=named)
def test_relations(case) -> None:
    left, right = head(case["left"]), head(case["right"])
    assert at_hand(case).relation(left, right).value == case["relation"]
    assert at_hand(case).relation(right, left).value == case["relation"]


@pytest.mark.parametrize("case", RELATIONS["places"], ids=named)
def test_places(case) -> None:
    places = [Place(one["index"], SignedCheckpoint(head(one), b"", ())) for one in case["places"]]
    anchors = [head(one) for one in case["anchors"]]
    index, shown = at_hand(case).place(bytes.fromhex(case["leaf"]), places, anchors)
    assert (index, shown.value) == (case["index"], case["shown"])


def test_any_flipped_byte_of_a_file_is_noticed() -> None:
    data = FILES["good"][0]["file"].encode()
    whole = ConsistencyFile.parse(data)
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        try:
            found = ConsistencyFile.parse(changed)
        except LyrikstoreError:
            continue
        assert found.origin != whole.origin  # no proof is of the log's name


def ways_in(value, way=()):
    """Yield the way to every member and item of a document."""
    if way:
        yield way
    members = value.items() if isinstance(value, dict) else []
    for key, inner in enumerate(value) if isinstance(value, list) else members:
        yield from ways_in(inner, (*way, key))


@pytest.mark.parametrize("wrong", [None, True, 0, -1, 1 << 60, "", "x y", [], {}, [[]], ["x"]])
def test_a_member_of_any_other_type_is_refused(wrong) -> None:
    whole = next(one for one in FILES["good"] if one.get("leaves"))["file"]
    for way in ways_in(json.loads(whole)):
        document = inner = json.loads(whole)
        for key in way[:-1]:
            inner = inner[key]
        inner[way[-1]] = wrong
        data = json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
        with pytest.raises(LyrikstoreError):
            ConsistencyFile.parse(data)
        assert not ConsistencyFiles([data]).of(ORIGIN)


def test_a_crowd_of_files_is_refused() -> None:
    hashes = [merkle.leaf_hash(bytes([n])) for n in range(MAX_CONSISTENCY_FILES + 3)]
    files = [consistency_file(ORIGIN, hashes[: n + 2], [1])[0].encode() for n in range(len(hashes))]
    Consistency(ORIGIN, ConsistencyFiles(files[:MAX_CONSISTENCY_FILES]))
    Consistency("else", ConsistencyFiles(files))
    with pytest.raises(IncompleteError):
        Consistency(ORIGIN, ConsistencyFiles(files))


@pytest.mark.parametrize("count", [0, 2, 5])
def test_a_file_names_the_leaf_hashes_that_go_with_it(count: int) -> None:
    hashes = [merkle.leaf_hash(bytes([n])) for n in range(5)]
    file, data = consistency_file(ORIGIN, hashes, [1], leaves=count)
    assert data == b"".join(hashes[:count])
    assert file.leaves == ((Digest.of(data), count) if count else None)
    ((_, leaves),) = ConsistencyFiles([file.encode(), data]).of(ORIGIN)
    assert leaves.hashes == hashes[:count]


sizes = st.integers(1, 24)


@given(st.data())
def test_nothing_is_shown_that_is_not_so(data) -> None:
    """Two histories with a common start, files of both by anybody, any two log checkpoints."""
    common = data.draw(st.integers(0, 20), "common")
    logs = {
        name: [merkle.leaf_hash(bytes([n])) for n in range(common)]
        + [merkle.leaf_hash(name.encode() + bytes([n])) for n in range(24 - common)]
        for name in ("a", "b")
    }
    files: list[bytes] = []
    for _ in range(data.draw(st.integers(0, 4), "files")):
        log, size = logs[data.draw(st.sampled_from("ab"))], data.draw(sizes)
        steps = data.draw(st.lists(st.integers(1, size), max_size=3))
        made, leaves = consistency_file(
            ORIGIN, log[:size], steps, leaves=data.draw(st.integers(0, size))
        )
        files += [made.encode(), leaves]
    known = Consistency(ORIGIN, ConsistencyFiles(files))
    seen = sorted(data.draw(st.sets(sizes, max_size=3), "seen"))
    known = known.with_line(LogCheckpoint(ORIGIN, n, merkle.root(logs["a"][:n])) for n in seen)

    def drawn() -> tuple[str, int, LogCheckpoint]:
        name, size = data.draw(st.sampled_from("ab")), data.draw(sizes)
        return name, size, LogCheckpoint(ORIGIN, size, merkle.root(logs[name][:size]))

    (one, size, left), (other, more, right) = drawn(), drawn()
    together = one == other or min(size, more) <= common
    answer = known.relation(left, right)
    assert answer in (
        {Relation.SAME, Relation.UNKNOWN} if together else {Relation.FORK, Relation.UNKNOWN}
    )
    assert answer is known.relation(right, left)
    index = data.draw(st.integers(0, more - 1))
    assert known.holds(logs[other][index], index, right) in {True, None}
    where, shown = known.place(
        logs[one][index] if index < size else b"\0" * 32,
        [Place(index, SignedCheckpoint(left, b"", ()))] if index < size else [],
        [right],
    )
    if shown is Relation.SAME:
        assert logs[other][where] == logs[one][index]
    if shown is Relation.FORK:
        assert not together
    for smaller in known.leading_to(left):
        assert smaller.size <= size
        assert smaller.root == merkle.root(logs[one][: smaller.size])


def test_more_files_of_a_log_than_are_read(monkeypatch) -> None:
    monkeypatch.setattr(consistency_files, "MAX_CONSISTENCY_FILES", 0)
    found = ConsistencyFiles(case["file"].encode() for case in FILES["good"])
    with refused("too-many-consistency-files"):
        for case in FILES["good"]:
            found.of(ConsistencyFile.parse(case["file"].encode()).origin)
