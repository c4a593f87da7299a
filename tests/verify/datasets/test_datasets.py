"""What datasets say of themselves is held against their bytes (spec 11.7.4)."""

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from lyrikstore.canon.errors import IncompleteError
from lyrikstore.curate.commit.inputs import CommitOptions
from lyrikstore.curate.reading.datasets import StoredDatasets
from lyrikstore.curate.recipes.decisions import (
    Decision,
    decision_schema,
    decision_version,
    read_decisions,
)
from lyrikstore.history.gc.gc import collect
from lyrikstore.history.trees.tree import Tree
from lyrikstore.verify.datasets.check import DatasetChecks
from lyrikstore.verify.report import Verdict
from lyrikstore.verify.store.readers import NO_READERS, Readers
from tests.decisions import encode_decisions
from tests.verify.datasets.conftest import make_stage
from tests.verify.datasets.forging import NOW, OWNER, Change


def put(*path: Any) -> Change:
    """Return a change that puts the last argument where the others lead."""
    *names, last, value = path

    def change(body: Any) -> None:
        for name in names:
            body = body[name]
        body[last] = value

    return change


def stats(*path: Any) -> Change:
    return put("descriptor", "stats", "value", *path)


def counts(**given: int) -> Change:
    """Return a change of counts; those that are not given stay, and a manifest may refuse them."""

    def change(body: Any) -> None:
        found = body["derivation"]["counts"] | given
        came = found["in"] + found.get("made", 0)
        rest = found["kept"] + found["elsewhere"]
        found["dropped"] = came - rest
        body["derivation"]["counts"] = found
        body["derivation"]["dropped"] = {"duplicate": found["dropped"]}

    return change


def bare(body: Any) -> None:
    """Take out what rows are measured for, but for the labels."""
    body["descriptor"]["stats"]["value"].pop("fields")


def drop(name: str) -> Change:
    return lambda body: body.pop(name)


def test_honest_ones_pass_in_store_and_object(stage: Any) -> None:
    for name, manifest in stage.made.items():
        report = stage.forger.verify(manifest)
        assert report.check("datasets").state == "pass", name
        assert report.verdict is Verdict.TRUSTED
        assert report.check("records").state == ("pass" if name == "roots" else "n/a")


FALSE: list[tuple[str, Change]] = [
    ("rows", put("records", 19)),
    ("rows", put("bytes", 1)),
    ("rows", put("fileCount", 99)),
    ("rows", put("ignored", 3)),
    ("rows", put("companions", ["README.md", "none.txt"])),
    ("rows", put("fields", "label", "text")),
    ("rows", put("fields", "labelSeparator", "e")),
    ("rows", put("fields", "id", "text")),
    ("rows", stats("labels", 0, "records", 900)),
    ("rows", stats("labels", 0, "label", "invented")),
    ("rows", lambda body: (stats("labels", 0, "records", 900)(body), bare(body))),
    ("rows", stats("severalLabels", 5)),
    ("rows", stats("fields", 1, "missing", 4)),
    ("rows", stats("fields", 2, "lengths", "most", 4)),
    ("rows", stats("fields", 0, "types", [{"type": "integer", "records": 12}])),
    ("rows", stats("fields", 0, "distinct", 1)),
    ("rows", stats("sample", "tokens", "sum", 1)),
    ("rows", stats("records", 13)),
    ("rows", stats("files", 3)),
    ("rows", stats("bytes", 3)),
    ("rows", put("descriptor", "formats", "value", 0, "files", 9)),
    ("rows", put("descriptor", "quality", {"state": "value", "value": 1, "basis": "measured"})),
    ("docs", put("records", 5)),
    ("docs", stats("columns", 0, "files", 4)),
    ("docs", put("metadata", "columns", ["other"])),
    ("docs", put("metadata", "orphanFiles", 0)),
    ("docs", put("metadata", "orphanRows", 2)),
    ("clean", counts(**{"in": 90, "dropped": 88})),
    ("clean", counts(kept=3, dropped=9)),
    ("clean", put("derivation", "dropped", {"duplicate": 9})),
    ("clean", put("derivation", "changed", {})),
    ("clean", put("derivation", "reported", {"other": 1})),
    ("clean", put("descriptor", "generatedBy", "value", 0, "counts", "kept", 1)),
    ("clean", put("descriptor", "derivedFrom", "value", [])),
    ("clean", stats("fields", 1, "missing", 4)),
    ("cut", counts(made=90, dropped=95)),
    ("test", put("derivation", "part", "train")),
    ("test", counts(**{"in": 40, "elsewhere": 20})),
]


@pytest.mark.parametrize(("name", "change"), FALSE)
def test_what_does_not_follow_from_the_data_is_found(name: str, change: Change, stage: Any) -> None:
    """ATTACK A88: the owner signs figures that the data does not give."""
    forged = stage.forger.sign(stage.made[name], change)
    assert stage.forger.reason(forged) == "differs"


def forge(stage: Any, name: str, change: Callable[[list[Decision]], Any]) -> str:
    """Return the reason for which a version with other decisions fails."""
    manifest, repo = stage.made[name], stage.bench.repo
    (attached,) = manifest.attachments_in("decisions")
    rows = list(read_decisions(io.BytesIO(repo.blobs.read(attached.id, max_bytes=1 << 20))))
    table = encode_decisions(change(rows) or rows)
    forged = stage.forger.sign(manifest, blobs={"decisions": table})
    return str(stage.forger.reason(forged))


def at(rows: list[Decision], action: str) -> int:
    return next(at for at, row in enumerate(rows) if row.action == action)


def another(which: str, **members: Any) -> Callable[[list[Decision]], None]:
    """Return a change of the first decision of a kind."""

    def change(rows: list[Decision]) -> None:
        place = at(rows, which)
        rows[place] = replace(rows[place], **members)

    return change


DECISIONS: list[tuple[str, Callable[[list[Decision]], Any]]] = [
    ("clean", lambda rows: rows[:-1]),
    ("clean", lambda rows: rows[1:]),
    ("clean", lambda rows: [*rows, rows[-1]]),
    ("clean", lambda rows: [*rows, replace(rows[-1], position=99)]),
    ("clean", lambda rows: rows[::-1]),
    ("clean", another("kept", position=5)),
    ("clean", another("kept", new_position=2)),
    ("clean", another("kept", new_path="elsewhere.jsonl")),
    ("clean", another("kept", file=0)),
    ("clean", another("dropped", step=9)),
    ("clean", another("dropped", filter="redact/3")),
    ("clean", another("changed", action="kept", new_path="rows.jsonl", new_position=1)),
    ("plain", another("kept", new_path="d.md")),
    ("plain", another("kept", new_path="none.txt")),
    ("plain", lambda rows: [row for row in rows if row.action != "changed"]),
    ("cut", another("divided", count=7)),
    ("cut", another("kept", item=5)),
    ("cut", lambda rows: [row for row in rows if row.item != 1]),
]


@pytest.mark.parametrize(("name", "change"), DECISIONS)
def test_decisions_that_do_not_fit_source_and_result_are_found(
    name: str, change: Any, stage: Any
) -> None:
    """ATTACK A89: decisions that no filter made, or about other records."""
    assert forge(stage, name, change) == "bad-decisions"


def test_a_record_that_changed_without_a_decision_is_found(stage: Any) -> None:
    def change(body: Any) -> None:
        body["derivation"]["changed"] = {}
        body["derivation"]["counts"]["changed"] = 0
        body["descriptor"]["generatedBy"]["value"][0]["counts"]["changed"] = 0

    manifest, repo = stage.made["clean"], stage.bench.repo
    (attached,) = manifest.attachments_in("decisions")
    rows = read_decisions(io.BytesIO(repo.blobs.read(attached.id, max_bytes=1 << 20)))
    table = encode_decisions(row for row in rows if row.action != "changed")
    forged = stage.forger.sign(manifest, change, blobs={"decisions": table})
    assert stage.forger.reason(forged) == "bad-decisions"


def test_a_second_dataset_of_the_same_decisions_is_held_against_them(stage: Any) -> None:
    """ATTACK A89: beside the honest one lies one of the same part, of other files."""
    manifest, repo = stage.made["plain"], stage.bench.repo
    tree = Tree.of(one for one in repo.tree(manifest).entries if one.path != "d.md")
    stored = (tree.encode(),)
    forged = stage.forger.sign(manifest, tree=tree.id, files=tree.files_id, stored=stored)
    both = {one.id: one for one in (forged, manifest)}
    found = DatasetChecks(repo.afresh(), both, StoredDatasets()).checks[0]
    assert any("decision table" in str(line) for line in found.detail["problems"])


def test_drops_for_another_reason_are_found(stage: Any) -> None:
    assert forge(stage, "clean", another("dropped", reason="blank")) == "differs"


def test_garbage_and_no_decisions_are_found(stage: Any) -> None:
    """ATTACK A89: decisions garbage or missing."""
    manifest, forger = stage.made["clean"], stage.forger
    assert forger.reason(forger.sign(manifest, blobs={"decisions": b"PAR1"})) == "bad-decisions"
    bare = [one for one in manifest.attachments if one.role != "decisions"]
    assert forger.reason(forger.sign(manifest, attachments=bare)) == "no-decisions"
    assert forger.reason(forger.sign(manifest, put("derivation", "decisions", 2))) == (
        "bad-decisions"
    )
    other = io.BytesIO()
    pq.write_table(pq.read_table(io.BytesIO(encode_decisions([]))).select(["file"]), other)
    assert forger.reason(forger.sign(manifest, blobs={"decisions": other.getvalue()})) == (
        "bad-decisions"
    )


def test_a_list_of_what_was_skipped_that_has_another_length_is_found(stage: Any) -> None:
    added = {"skipped": b'["a.bin"]'}
    for count, state in ((1, "pass"), (2, "differs")):
        forged = stage.forger.sign(stage.made["rows"], put("skipped", count), blobs=added)
        assert stage.forger.reason(forged) == state


def test_a_small_table_that_stands_for_gigabytes_is_no_decision_table(stage: Any) -> None:
    """ATTACK A89: one long reason in every row, stored once."""
    rows, schema, target = 20_000, decision_schema(3), io.BytesIO()
    long = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), ["x" * (1 << 20)])
    cells = {
        one.name: pa.nulls(rows, one.type) if one.nullable else pa.array([0] * rows, one.type)
        for one in schema
        if one.name != "action"
    } | {"action": pa.array(["kept"] * rows), "reason": long}
    fields = [pa.field(one.name, cells[one.name].type, one.nullable) for one in schema]
    table = pa.table([cells[name] for name in schema.names], pa.schema(fields))
    with pq.ParquetWriter(target, table.schema, compression="zstd", store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({"salt": "ab" * 32})
    assert decision_version(io.BytesIO(target.getvalue())) == 3
    assert len(target.getvalue()) < 1 << 20
    forged = stage.forger.sign(stage.made["clean"], blobs={"decisions": target.getvalue()})
    before = getrusage(RUSAGE_SELF).ru_maxrss
    assert stage.forger.reason(forged) == "bad-decisions"
    assert getrusage(RUSAGE_SELF).ru_maxrss - before < 512 << 10  # KiB


def test_steps_that_are_not_the_recipes_are_found(stage: Any) -> None:
    used = stage.bench.repo.manifest(stage.made["clean"].inputs_in("filter")[0].id)
    forged = stage.forger.sign(used, put("steps", 0, "use", "allow/1"))
    assert stage.forger.reason(forged) == "differs"
    assert stage.forger.verify().check("datasets").state == "fail"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [("root", "ab" * 32, "records-differ"), ("count", 11, "records-differ")],
)
def test_other_roots_and_counts_are_found(name: str, value: Any, reason: str, stage: Any) -> None:
    """ATTACK A90: an order root of nothing, or of one record less."""
    forged = stage.forger.sign(stage.made["roots"], put("roots", 0, name, value))
    assert stage.forger.reason(forged, "records") == reason
    assert stage.forger.verify(forged).verdict is Verdict.INVALID


def test_another_reader_gives_no_root(stage: Any) -> None:
    forged = stage.forger.sign(stage.made["roots"], put("reader", "csv/1"))
    assert stage.forger.reason(forged, "records") == "differs"


def test_rows_that_are_none_are_found(stage: Any) -> None:
    forged = stage.forger.sign(stage.made["rows"], drop("companions"))
    assert stage.forger.reason(forged) == "bad-record"


def test_a_reader_of_later_is_not_checked(stage: Any) -> None:
    forged = stage.forger.sign(stage.made["rows"], put("reader", "other/9"))
    report = stage.forger.verify(forged)
    assert report.check("datasets").detail["reason"] in {"newer-format", "differs"}


def test_without_data_nothing_is_checked_and_nothing_passes(stage: Any) -> None:
    report = stage.forger.verify(stage.made["rows"], readers=NO_READERS)
    assert report.check("datasets").detail["reason"] == "not-read"
    assert report.verdict is Verdict.INCOMPLETE
    quick = stage.forger.verify(share=0)
    assert quick.check("datasets").detail["reason"] == "not-read"
    assert quick.check("records").detail["reason"] == "not-read"


def test_what_needs_a_model_is_named_as_not_measured_here(stage: Any) -> None:
    def change(body: Any) -> None:
        sample = body["descriptor"]["stats"]["value"]["sample"]
        sample["languages"] = [{"language": "de", "records": 12}]

    report = stage.forger.verify(stage.forger.sign(stage.made["rows"], change))
    assert report.check("datasets").state == "pass"
    assert any("stats.sample.languages" in line for line in report.not_proven)


def imported(body: Any) -> None:
    """Make a body what imports were at first: without the roles of fields."""
    body["origin"] = "imported"
    for name in ("fields", "companions", "ignored"):
        body.pop(name, None)


def test_labels_of_an_import_without_roles_are_named_as_not_measured(stage: Any) -> None:
    """Others issued it; honest ones are in stores that keep their verdict."""
    report = stage.forger.verify(stage.forger.sign(stage.made["rows"], imported))
    assert (report.check("datasets").state, report.verdict) == ("pass", Verdict.TRUSTED)
    (left,) = (line for line in report.not_proven if "stats.labels" in line)
    assert "stats.severalLabels" in left
    for change in (
        lambda body: (imported(body), stats("fields", 1, "missing", 4)(body)),
        lambda body: (imported(body), put("records", 19)(body)),
        # ATTACK: labels that no record has, of an import that says which field is the label.
        lambda body: (put("origin", "imported")(body), stats("labels", 0, "records", 900)(body)),
    ):
        report = stage.forger.verify(stage.forger.sign(stage.made["rows"], change))
        assert report.check("datasets").detail["reason"] == "differs"


class Absent(StoredDatasets):
    """Reads datasets of which some bytes were not fetched."""

    def rows(self, *_: Any) -> Any:
        raise IncompleteError("not-fetched", "its data is elsewhere")

    measure = rows


def test_what_was_not_fetched_is_not_checked(stage: Any) -> None:
    report = stage.forger.verify(stage.made["clean"], readers=Readers(datasets=Absent()))
    assert (report.check("datasets").detail["reason"], report.verdict) == (
        "not-fetched",
        "incomplete",
    )
    report = stage.forger.verify(stage.made["roots"], readers=Readers(datasets=Absent()))
    assert report.check("records").detail["reason"] == "not-fetched"


def test_retired_data_fails_nothing_and_proves_nothing(tmp_path: Path) -> None:
    stage = make_stage(tmp_path)
    repo, forger, made = stage.bench.repo, stage.forger, stage.made
    for path in stage.bench.data.iterdir():
        path.unlink()
    stage.bench.write({"rows.jsonl": '{"text":"new"}\n'})
    stage.bench.commit("acme/rows", allow=CommitOptions(loss=True))
    later = NOW + timedelta(days=9)
    keep = ("datasets/acme/rows", 1)
    collect(repo, clock=lambda: later, signer=OWNER, keep=keep, purge=True)
    report = forger.verify(made["clean"])
    assert (report.check("datasets").state, report.verdict) == ("pass", Verdict.TRUSTED)
    assert any(f"datasets/acme/rows ({made['rows'].id.short})" in one for one in report.not_proven)
    # What is left is held against itself: the decisions against the result.
    forged = forger.sign(made["clean"], counts(**{"in": 90}), created=later)
    assert forger.reason(forged) == "differs"
    for name, check in (("rows", "datasets"), ("roots", "records")):
        report = forger.verify(made[name])
        assert (report.check(check).state, report.verdict) == ("stated", Verdict.TRUSTED), name
