"""``where/1``: what a predicate sees, and what it never does."""

import os
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.recipes.filters.contract import Drop, Keep
from lyrikstore.curate.recipes.filters.fields.predicate import FUNCTIONS, connect
from lyrikstore.curate.recipes.filters.fields.where import Where
from tests.curate.tried import decided, document, row


def where(sql: str) -> Where:
    return Where.configure({"sql": sql})


def test_a_missing_value_is_named() -> None:
    step = where("a > 1 AND b > 1")
    assert decided(step, row(a=2, b=2), row(a=2), row(a=0), row()) == [
        Keep(),
        Drop("where-null", "no value in b"),
        Drop("where-false"),
        Drop("where-null", "no value in a, b"),
    ]
    assert step.reads() == ("field:a", "field:b")
    assert set(step.libraries()) == {"duckdb"}


def test_documents_have_a_text_and_cells() -> None:
    step = where("length(text) > 3 AND court = 'BGH'")
    assert decided(
        step,
        document("long", court="BGH"),
        document("sho", court="BGH"),
        document(None, court="BGH"),
    ) == [Keep(), Drop("where-false"), Drop("where-null", "no value in text")]


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.just(2**70)
)


@given(st.lists(VALUES, max_size=20))
def test_a_record_gets_the_same_result_alone_and_among_others(values: list[Any]) -> None:
    step = where("TRY_CAST(a AS DOUBLE) > 1")
    rows = [row(n, a=value) for n, value in enumerate(values)]
    assert step.start_batch()(rows) == decided(step, *rows)


def test_the_first_record_that_cannot_be_decided_is_named() -> None:
    rows = [row(n, pages=n) for n in range(5000)]
    rows[4000] = row(4000, pages="four", more="x" * 100)
    rows[3000] = row(3000, pages="three")
    found = where("pages > 3").start_batch()(rows)
    error = found[3000]
    assert isinstance(error, InvalidInputError)
    assert error.kind == "bad-value"
    assert "record 3001" in error.message
    assert "pages is string 'three'" in error.message
    assert "TRY_CAST" in error.hint
    assert found[2999] == Keep()
    cast = where("CAST(a AS BIGINT) > 1").start_batch()(
        [row(0, a="2"), row(1, a="1"), row(2, a="x"), row(3, a="y")]
    )
    assert cast[:2] == [Keep(), Drop("where-false")]
    assert isinstance(cast[2], InvalidInputError)
    assert "record 3" in cast[2].message


def test_the_place_of_what_is_not_allowed_is_named() -> None:
    with pytest.raises(InvalidInputError) as caught:
        where("\u00e4 = 'x' AND\n now() > \u00f6")
    assert "character 14" in caught.value.message
    for sql in ("(" * 3000 + "a" + ")" * 3000, "NOT " * 900 + "a", "a = '" + "x" * 70_000 + "'"):
        with pytest.raises(InvalidInputError) as caught:
            where(sql)
        assert caught.value.kind == "bad-recipe"
    assert decided(where("a = 1 -- c"), row(a=1)) == [Keep()]


def test_what_gives_no_truth_is_an_error() -> None:
    with pytest.raises(InvalidInputError) as caught:
        decided(where("a"), row(a=1))
    assert caught.value.kind == "bad-value"
    assert decided(where("a"), row(a=True), row(a=None)) == [
        Keep(),
        Drop("where-null", "no value in a"),
    ]


def test_what_may_be_called_knows_nothing_but_its_arguments() -> None:
    with connect() as connection:
        rows = connection.sql(
            "SELECT function_name, function_type, stability FROM duckdb_functions()"
        ).fetchall()
    kinds = {name: (kind, stability) for name, kind, stability in rows if name in FUNCTIONS}
    assert FUNCTIONS - set(kinds) == set()
    assert {kind for kind, _ in kinds.values()} <= {"scalar", "macro"}
    assert "VOLATILE" not in {stability for _, stability in kinds.values()}


def test_the_engine_reads_nothing_and_the_zone_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    import duckdb

    monkeypatch.setitem(os.environ, "TZ", "Asia/Tokyo")
    time.tzset()
    with connect() as connection:
        for sql in ("FROM read_text('/etc/hostname')", "SET threads = 2", "INSTALL httpfs"):
            with pytest.raises(duckdb.Error):
                connection.execute(sql)
        row = connection.execute("SELECT current_setting('TimeZone')").fetchone()
        assert row == ("UTC",)
    monkeypatch.delenv("TZ")
    time.tzset()
