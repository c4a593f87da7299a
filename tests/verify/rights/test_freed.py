"""A source of which a dataset holds no record: what records show, and what they do not."""

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, field

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError
from lyrikstore.history.records import held
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.verify.rights.freed import Held, SourceRecords, SourcesHeld
from tests.lineages import lineage_of

VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors"
FREED = json.loads((VECTORS / "terms" / "freed.json").read_text("ascii"))["cases"]
NONE, SOME, NOT_CHECKED = Held.NONE, Held.SOME, Held.NOT_CHECKED
ONE, TWO, THREE = '{"n":1}\n', '{"n":2}\n', '{"n":3}\n'


class Made(Struct, frozen=True):
    """As much of a dataset's manifest as is looked at."""

    id: Digest
    name: str
    body: dict[str, Any]
    made_from: list[Digest] = field(default_factory=list)
    kind: str = "dataset"


class History:
    """Datasets as a store would have logged them, without a store."""

    def __init__(self, reader: str = "jsonl/1") -> None:
        self.reader = reader
        self.made: dict[Digest, Made] = {}
        self.trees: dict[Digest, Tree] = {}
        self.blobs: dict[Digest, bytes] = {}
        self.opened = 0

    def put(
        self,
        files: dict[str, str],
        *sources: Made,
        meta: dict[Digest, dict[str, str]] | None = None,
        **body: Any,
    ) -> Made:
        name = f"datasets/x/{len(self.made)}"
        origin = "filtered" if sources else "committed"
        stated = {"reader": self.reader, "origin": origin} | body
        one = Made(Digest.of(name.encode()), name, stated, [source.id for source in sources])
        self.blobs |= {Digest.of(text.encode()): text.encode() for text in files.values()}
        self.trees[one.id] = Tree.of(
            TreeEntry(path, len(text.encode()), digest, (meta or {}).get(digest))
            for path, text in files.items()
            for digest in (Digest.of(text.encode()),)
        )
        self.made[one.id] = one
        return one

    def rows(self, *lines: str) -> Made:
        return self.put({"a.jsonl": "".join(lines)})

    def of(self, dataset: Made, source: Made) -> SourceRecords:
        return self.looking().of([dataset], source.id)  # type: ignore[list-item]

    def looking(self) -> SourcesHeld:
        def tree_of(dataset: Any) -> Tree:
            return self.trees[dataset.id]

        return SourcesHeld(lineage_of(*self.made.values()), tree_of, self._open)

    def _open(self, digest: Digest) -> io.BytesIO:
        self.opened += 1
        if digest not in self.blobs:
            raise IncompleteError("not-fetched", "it is not here")
        return io.BytesIO(self.blobs[digest])


def test_a_union_that_holds_no_record_of_a_source() -> None:
    history = History()
    bought, own = history.rows(ONE, TWO), history.rows(THREE, THREE)
    union = history.put({"x/0/a.jsonl": ONE + TWO, "x/1/a.jsonl": THREE + THREE}, bought, own)
    kept = history.put({"x/1/a.jsonl": '{"n":3}\r\n'}, union)
    assert history.of(kept, bought).held is NONE
    assert history.of(kept, own).held is SOME
    assert history.of(union, bought).held is SOME
    # Of two datasets in use one is enough.
    both = history.looking().of([kept, union], bought.id)  # type: ignore[list-item]
    assert both.held is SOME


@pytest.mark.parametrize("case", FREED, ids=lambda case: case["id"])
def test_freed(case: dict[str, Any]) -> None:
    history = History(case["reader"])
    meta = {Digest.of(text.encode()): found for text, found in case.get("meta", {}).items()}
    sources = [history.put(files, meta=meta) for files in case["sources"]]
    meta = {Digest.of(text.encode()): found for text, found in case.get("madeMeta", {}).items()}
    made = history.put(case["made"], *sources, meta=meta)
    found = [history.of(made, source).held for source in sources]
    assert [at for at, one in enumerate(found) if one is NONE] == case["none"]
    assert set(found) <= {NONE, SOME}


def test_a_filter_of_one_dataset_stays_with_it_and_nothing_is_read() -> None:
    history = History()
    bought = history.rows(ONE, TWO)
    made = history.put({"a.jsonl": '{"other":1}\n'}, history.put({"a.jsonl": ONE}, bought))
    assert history.of(made, bought).held is SOME
    assert history.opened == 0


def test_what_a_manifest_says_frees_nothing() -> None:
    history = History()
    bought, own = history.rows(ONE, TWO), history.rows(THREE)
    union = history.put({"a.jsonl": THREE}, bought, own)
    # ATTACK: rows in a file that is said to hold none.
    beside = history.put(
        {"a.jsonl": THREE, "notes.txt": ONE}, bought, own, companions=["notes.txt"]
    )
    assert history.of(beside, bought).held is SOME
    # ATTACK: what they say, in the metadata of the file.
    said = {Digest.of(THREE.encode()): {"said": ONE}}
    noted = history.put({"a.jsonl": THREE}, bought, own, meta=said)
    assert history.of(noted, bought).held is SOME
    # What a model wrote of a source, is in no record of it.
    written = history.put({"a.jsonl": THREE}, bought, own, origin="generated")
    assert history.of(history.put({"a.jsonl": THREE}, written), bought).held is SOME
    # Other readers give other ids.
    assert history.of(history.put({"a.jsonl": THREE}, union, reader="csv/2"), bought).held is SOME
    history.reader = "csv/2"
    table = history.put({"a.csv": "n\n1\n"})
    history.reader = "jsonl/1"
    assert history.of(history.put({"a.jsonl": THREE}, table, own), table).held is SOME


def test_of_documents_no_data_is_read() -> None:
    history = History("document/1")
    bought, own = history.put({"a": "one"}), history.put({"b": "two"})
    history.blobs.clear()
    assert history.of(history.put({"z": "two"}, bought, own), bought).held is NONE
    assert history.opened == 0


@pytest.mark.parametrize("lost", ["bought", "own", "made"])
def test_data_that_is_not_here_is_not_checked(lost: str) -> None:
    history = History()
    made = {"bought": history.rows(ONE, TWO), "own": history.rows(THREE, TWO)}
    made["made"] = history.put({"a.jsonl": THREE}, *made.values())
    for entry in history.trees[made[lost].id].entries:
        del history.blobs[entry.blake3]
    found = history.of(made["made"], made["bought"])
    assert found.held is NOT_CHECKED
    assert "not here" in found.why


def test_a_record_that_is_there_needs_no_other_data() -> None:
    history = History()
    bought, own = history.rows(ONE, TWO), history.rows(THREE)
    made = history.put({"a.jsonl": THREE + ONE}, bought, own)
    history.blobs.pop(history.trees[own.id].entries[0].blake3)
    assert history.of(made, bought).held is SOME


def test_what_cannot_be_followed_is_not_checked() -> None:
    history = History()
    bought, own = history.rows(ONE), history.rows(THREE)
    gone = history.put({"a.jsonl": TWO}, own)
    made = history.put({"a.jsonl": THREE}, bought, own, gone)
    del history.made[gone.id]
    assert history.of(made, bought).held is NOT_CHECKED


def test_more_records_than_are_kept_are_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "MAX_HELD_RECORDS", 2)
    history = History()
    bought, own = history.rows(ONE, ONE, TWO), history.rows(THREE)
    assert history.of(history.put({"a.jsonl": THREE * 2}, bought, own), bought).held is NONE
    assert history.of(history.put({"a.jsonl": THREE * 3}, bought, own), bought).held is NOT_CHECKED


def test_each_dataset_is_read_once() -> None:
    history = History()
    bought, own = history.rows(ONE), history.rows(THREE)
    made, looking = history.put({"a.jsonl": THREE}, bought, own), history.looking()
    for source in (bought, own, bought):
        looking.of([made], source.id)  # type: ignore[list-item]
    assert history.opened == 3


class Line(Struct, frozen=True):
    """A record, and the datasets of which it was in truth made."""

    line: str
    origins: frozenset[int]


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[list[Line]], list[tuple[list[int], list[Line]]]]:
    """Sources, then what filters and unions made: from which, and the records."""
    number = st.integers(0, 5)
    sources = [
        [Line(json.dumps({"n": n}), frozenset({at})) for n in draw(st.lists(number, max_size=5))]
        for at in range(draw(st.integers(1, 3)))
    ]
    everything = list(sources)
    made = []
    for _ in range(draw(st.integers(1, 4))):
        above = draw(st.sets(st.integers(0, len(everything) - 1), min_size=1, max_size=3))
        read = [one for at in sorted(above) for one in everything[at]]
        kept = [one for one in read if draw(st.booleans())]
        if draw(st.integers(0, 3)) == 0:
            kept = [Line(one.line.replace("n", "m"), one.origins) for one in kept]
        everything.append(draw(st.permutations(kept)))
        made.append((sorted(above), everything[-1]))
    return sources, made


def lines(records: Iterable[Line]) -> str:
    return "".join(one.line + "\n" for one in records)


@given(lives())
def test_it_is_free_of_a_source_exactly_if_records_show_it(life: Any) -> None:
    sources, steps = life
    history = History()
    every = [history.rows(lines(records)) for records in sources]
    reached = [frozenset({at}) for at in range(len(sources))]
    for above, records in steps:
        every.append(history.put({"a.jsonl": lines(records)}, *(every[at] for at in above)))
        reached.append(frozenset().union(*(reached[at] for at in above)))
        here = {one.line for one in records}
        for at in reached[-1]:
            theirs = {one.line for one in sources[at]}
            others = {one.line for of in reached[-1] - {at} for one in sources[of]}
            free = bool(here) and here <= others and here.isdisjoint(theirs)
            assert history.of(every[-1], every[at]).held is (NONE if free else SOME)
            if free:
                # A record that was changed may look like one of another source; else none is left.
                assert all(at not in one.origins for one in records)


def test_ids_are_found_however_often_they_stand() -> None:
    one, two, three = (Digest.of(bytes([n])).raw for n in range(3))
    ids = held.HeldIds([two, one, two, one])
    assert not ids.find([three])
    assert not ids.find([])
    assert ids.find([three, two])
    assert not ids.all_found
    assert ids.find([one])
    assert ids.all_found
    assert len(ids) == 4
    assert not held.HeldIds([]).find([one])
