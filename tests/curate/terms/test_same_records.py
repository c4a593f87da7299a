"""Rows that somebody else's terms prohibit, committed anew in other files: a warning (A120)."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.credentials.terms.model import Partition, Selector, Terms
from lyrikstore.curate.commit.inputs import CommitMetadata
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.reading.datasets import StoredDatasets
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.rights import contents
from lyrikstore.verify.rights.contents import forget_contents
from lyrikstore.verify.rights.same_bytes import ProhibitingTerms
from tests.credentialed import log_credential

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
NO = Terms((Partition("all", ("evaluate",), ("train",)),))
ROWS = [
    {"text": f"Clause {n} of the lease: the tenant pays", "label": ["lease", "loan"][n % 2]}
    for n in range(6)
]


class Reading(StoredDatasets):
    """Counts what is read."""

    def __init__(self) -> None:
        super().__init__()
        self.datasets = 0

    def contents(self, *asked: Any) -> Any:
        self.datasets += 1
        return super().contents(*asked)


class Desk:
    def __init__(self, bench: Any) -> None:
        self.bench, self.repo = bench, bench.repo

    def put(self, name: str, files: dict[str, str | bytes], *text: str) -> Manifest:
        for path in sorted(self.bench.data.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        self.bench.write(files)
        self.bench.commit(name, stated=CommitMetadata(roles=FieldRoles(text)))
        found: Manifest = self.repo.resolve(name)
        return found

    def prohibit(self, dataset: Manifest, terms: Terms = NO, *records: int) -> None:
        valid, by = (AT, AT + timedelta(days=9)), signer_for("a publisher")
        counts = {"partition_records": records} if records else {}
        log_credential(self.repo, dataset, by, terms, valid, **counts)

    def terms(self, reading: Any = None, repo: Any = None) -> ProhibitingTerms:
        return ProhibitingTerms(repo or self.repo, reading=reading or StoredDatasets())

    def shared(self, mine: Manifest, terms: ProhibitingTerms | None = None) -> list[Any]:
        right = {"dataset": str(mine.id), "issuer": "did:example:me", "permits": ["train"]}
        found = (terms or self.terms()).shared([right], [mine])
        return [(one.files, one.records, one.words) for one in found]


@pytest.fixture
def desk(bench: Any) -> Desk:
    made = Desk(bench)
    made.prohibit(made.put("press/rows", {"rows.jsonl": lines(ROWS)}))
    return made


def lines(rows: list[dict[str, str]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def table(rows: list[dict[str, str]], text: str, label: str) -> str:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["number", label, text])
    writer.writerows([n, row["label"].upper(), row["text"]] for n, row in enumerate(rows))
    return file.getvalue()


def renamed(desk: Desk) -> Manifest:
    rows = [{"satz": row["text"], "n": str(n)} for n, row in enumerate(ROWS)]
    return desk.put("me/rows", {"b.jsonl": lines(rows)}, "satz")


def no_role(desk: Desk) -> Manifest:
    rows = [{"b": row["text"], "a": row["label"]} for row in ROWS]
    return desk.put("me/rows", {"b.jsonl": lines(rows)})


def reordered(desk: Desk) -> Manifest:
    rows = [{"label": row["label"], "text": f" {row['text'].upper()} \n"} for row in ROWS]
    return desk.put("me/rows", {"x/1.jsonl": lines(rows[3:]), "x/2.jsonl": lines(rows[2::-1])})


def as_table(desk: Desk) -> Manifest:
    return desk.put("me/rows", {"t.csv": table(ROWS[::-1], "text", "label")})


def packed(desk: Desk) -> Manifest:
    data = gzip.compress(table(ROWS, "body", "class").encode())
    return desk.put("me/rows", {"t.csv.gz": data}, "body")


def documents(desk: Desk) -> Manifest:
    return desk.put("me/rows", {f"{n}.txt": row["text"] for n, row in enumerate(ROWS)})


@pytest.mark.parametrize(
    "repacked",
    [renamed, no_role, reordered, as_table, packed, documents],
    ids=lambda one: one.__name__,
)
def test_repacked_rows_are_found(desk: Desk, repacked: Callable[[Desk], Manifest]) -> None:
    assert desk.shared(repacked(desk)) == [(0, 6, ("train",))]


def test_files_are_not_counted_twice(desk: Desk) -> None:
    more = {"own.jsonl": lines([*ROWS[:2], {"text": "nobody else's text at all", "label": "x"}])}
    mine = desk.put("me/rows", {"rows.jsonl": lines(ROWS), **more})
    assert desk.shared(mine) == [(1, 2, ("train",))]
    (one,) = desk.terms().shared(
        [{"dataset": str(mine.id), "issuer": "me", "permits": ["train"]}], [mine]
    )
    assert one.to_json()["records"] == 2
    assert "1 file and 2 records" in str(one)


def test_short_texts_are_compared_with_their_labels(desk: Desk) -> None:
    short = [{"text": "pay the rent", "label": "payment duty"}, {"text": "yes", "label": "no"}]
    desk.prohibit(desk.put("press/short", {"a.jsonl": lines(short)}))
    mine = desk.put("me/short", {"b.jsonl": lines(short[::-1])})
    assert desk.shared(mine) == [(0, 1, ("train",))]
    other = [{**short[0], "label": "something else"}, short[1]]
    assert desk.shared(desk.put("me/short", {"b.jsonl": lines(other)})) == []


def test_a_partition_that_prohibits_nothing_is_another_matter(desk: Desk) -> None:
    parts = (
        Partition("free", ("train",), select=(Selector(path="free"),)),
        Partition("rest", (), ("train",)),
    )
    free, rest = (
        [{"text": f"{n} bottles of beer on the {side} wall", "label": "x"} for n in range(3)]
        for side in ("free", "other")
    )
    both = {"free/a.jsonl": lines(free), "b.jsonl": lines(rest)}
    desk.prohibit(desk.put("press/parts", both), Terms(parts), 3, 3)
    assert desk.shared(desk.put("me/free", {"z.jsonl": lines(free[::-1])})) == []
    mixed = desk.put("me/mixed", {"z.jsonl": lines(free + rest[:1])})
    assert desk.shared(mixed) == [(0, 1, ("train",))]


@pytest.mark.parametrize("lost", ["press/rows", "me/rows"])
def test_without_the_data_it_is_not_compared_and_that_is_said(desk: Desk, lost: str) -> None:
    mine, gone = renamed(desk), desk.repo.tree(desk.repo.resolve(lost)).entries[0].blake3
    blobs, opened = desk.repo.blobs, desk.repo.blobs.open
    blobs.open = lambda one: opened(Digest.of(b"no such") if one == gone else one)
    terms = desk.terms()
    assert desk.shared(mine, terms) == []
    (text,) = terms.not_compared
    assert f"records of datasets/{lost} cannot be compared" in text


def test_too_many_records_are_not_compared(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, terms = renamed(desk), desk.terms()
    monkeypatch.setattr(contents, "MAX_CONTENTS", 5)
    assert desk.shared(mine, terms) == []
    assert "more than 5 records" in next(iter(terms.not_compared))


def test_what_was_found_is_kept_for_the_user_and_is_no_evidence(desk: Desk, tmp_path: Path) -> None:
    mine, reading = renamed(desk), Reading()
    repo = Repository.open(desk.repo.root, cache_dir=tmp_path / "cache")
    for _ in range(2):
        assert desk.shared(mine, desk.terms(reading, repo)) == [(0, 6, ("train",))]
        assert reading.datasets == 2
    # Who verifies does not look there.
    assert desk.shared(mine, desk.terms(reading, repo.afresh())) == [(0, 6, ("train",))]
    assert reading.datasets == 4
    assert repo.own_cache is not None
    kept = repo.own_cache / "contents" / mine.id.hex
    for damaged in (b"", kept.read_bytes()[:-1], bytes(40)):
        kept.chmod(0o600)
        kept.write_bytes(damaged)
        assert desk.shared(mine, desk.terms(reading, repo)) == [(0, 6, ("train",))]
    assert reading.datasets == 4 + 3
    assert forget_contents(repo.own_cache, [mine.id]) > 6 * 16
    assert not kept.exists()
    assert forget_contents(repo.own_cache, [mine.id]) == 0


def test_data_of_which_nothing_is_prohibited_is_not_read(desk: Desk) -> None:
    mine, reading = renamed(desk), Reading()
    terms, right = desk.terms(reading), {"dataset": str(mine.id), "issuer": "me"}
    assert terms.shared([{**right, "permits": ["evaluate"]}], [mine]) == []
    assert reading.datasets == 0
