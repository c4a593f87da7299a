"""The records of a version as a table: what is measured is believed only as far as rows agree."""

import io
from typing import Any, cast

import pytest

from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.progress import silent
from lyrikstore.curate import record_table
from lyrikstore.curate.commit.rows.read import CommittedRows
from lyrikstore.curate.commit.rows.sample import measure_sample
from lyrikstore.curate.convert import convert
from lyrikstore.curate.readers import columns
from lyrikstore.curate.readers.fields import check_given
from lyrikstore.curate.record_table import RecordTable
from tests.kinds import refused

ROWS = b'{"n": 1, "s": "x"}\n{"n": 2, "s": "y", "t": ["a"]}\n'


def rows(table: RecordTable) -> list[dict[str, Any]]:
    return [row for batch in table.batches() for row in batch.to_pylist()]


def test_what_was_measured_saves_a_read(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write({"a.jsonl": b'{"s": "x", "o": {}, "b": true, "f": 1.5}\n'})
    bench.commit()
    monkeypatch.setattr(record_table, "parse_rows", None)  # no row is looked at
    table = RecordTable(bench.repo, [bench.repo.resolve("acme/docs")])
    assert [str(field.type) for field in table.schema][5:] == ["bool", "double", "string", "string"]


@pytest.mark.parametrize("kind", [columns.BOOLEAN, columns.INTEGER, columns.STRINGS])
def test_rows_that_are_not_what_was_measured_are_reported(
    bench: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    bench.write({"a.jsonl": ROWS})
    bench.commit()
    monkeypatch.setattr(record_table, "measured_kind", lambda _: kind)
    with pytest.raises(FormatError) as caught:
        rows(RecordTable(bench.repo, [bench.repo.resolve("acme/docs")]))
    assert caught.value.kind == "bad-statistics"


def test_a_field_that_was_not_measured_is_reported(bench: Any) -> None:
    bench.write({"a.jsonl": ROWS})
    bench.commit()
    manifest = bench.repo.resolve("acme/docs")
    measured = manifest.body["descriptor"]["stats"]["value"]["fields"]
    measured[:] = [one for one in measured if one["field"] != "t"]
    with pytest.raises(FormatError) as caught:
        rows(RecordTable(bench.repo, [manifest]))
    assert caught.value.kind == "bad-statistics"


def test_more_fields_than_are_measured_are_all_there(bench: Any) -> None:
    names = [f"f{number:03}" for number in range(300)]
    members = ", ".join(f'"{name}": 1' for name in names)
    bench.write({"a.jsonl": f"{{{members}}}\n".encode()})
    bench.commit()
    table = RecordTable(bench.repo, [bench.repo.resolve("acme/docs")])
    assert table.schema.names[5:] == names


def test_a_row_that_is_none_is_reported_with_its_line(bench: Any, tmp_path: Any) -> None:
    """Data of a time when a commit did not look at its rows."""
    bench.write({"a.jsonl": ROWS})
    bench.commit()
    manifest = bench.repo.resolve("acme/docs")
    bad = b'{"n": 1}\n[]\n'
    blobs = type(bench.repo.blobs)
    opens, file = blobs.open, bench.repo.tree(manifest).entries[0].blake3
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            blobs,
            "open",
            lambda self, digest, *more: (
                io.BytesIO(bad) if digest == file else opens(self, digest, *more)
            ),
        )
        for attempt in (
            lambda: rows(RecordTable(bench.repo, [manifest])),
            lambda: convert(bench.repo, manifest, "csv", tmp_path, lambda _: None),
        ):
            with pytest.raises(InvalidInputError, match="line 2") as caught:
                attempt()
            assert caught.value.kind == "bad-record"


def test_names_that_sql_cannot_distinguish_stay_apart(bench: Any) -> None:
    bench.write(
        {"a.jsonl": b'{"A": "1", "a": "2", "field_a": "3", "PATH": "4", "a\\u0000": "5"}\n'}
    )
    bench.commit()
    table = RecordTable(bench.repo, [bench.repo.resolve("acme/docs")])
    (row,) = rows(table)
    found = list(row.items())[5:]
    assert [value for _, value in found] == ["1", "4", "2", "5", "3"]
    names = [name.casefold() for name in table.schema.names]
    assert len(set(names)) == len(names)
    assert [name for name, _ in found] == ["A", "field_PATH", "field_a", "a\ufffd", "field_field_a"]


def test_a_format_and_columns_that_cannot_be(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write({"a.jsonl": ROWS})
    bench.commit()
    made = bench.repo.resolve("acme/docs")
    with refused("bad-format"):
        convert(bench.repo, made, "xml", bench.data, silent)
    monkeypatch.setattr(columns, "MAX_COLUMNS", 2)
    found = columns.ColumnKinds()
    with refused("too-many-columns"):
        found.add({"a": 1, "b": 2, "c": 3})
    for text in (("a", "a"), ("",), tuple(map(str, range(99)))):
        with refused("bad-fields"):
            check_given(text)
    with refused("bad-measure"):
        measure_sample(cast("CommittedRows", None), ["beauty"], silent)
