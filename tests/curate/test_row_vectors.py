"""The committed vectors of spec 12.8 and 12.4.2: rows, their values, changed lines, statistics."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

import make_row_values
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.readers.row_values import RowValues
from lyrikstore.curate.readers.rows import RowError, as_text, as_texts, encode_row, parse_row
from lyrikstore.curate.readers.statistics import RowStatistics
from tests.curate.tried import row

VECTORS = Path(__file__).resolve().parents[2] / "spec" / "vectors"


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((VECTORS / "rows" / name).read_text())
    return found


def test_committed_vectors_are_what_the_script_makes() -> None:
    for name, content in make_row_values.make().items():
        assert json.loads((VECTORS / name).read_text()) == content


@pytest.mark.parametrize("line", read("lines.json")["rows"])
def test_rows(line: str) -> None:
    assert parse_row(line.encode()) == json.loads(line)


@pytest.mark.parametrize("line", read("lines.json")["malformed"])
def test_malformed_rows(line: str) -> None:
    with pytest.raises(RowError):
        parse_row(line.encode())


@pytest.mark.parametrize("case", read("values.json")["cases"], ids=lambda c: ascii(c["value"]))
def test_values(case: dict[str, Any]) -> None:
    value = case["value"]
    if "separator" not in case:
        assert as_text(value) == case["text"]
    assert as_texts(value, case.get("separator", "")) == case["texts"]


@pytest.mark.parametrize("case", read("texts.json")["cases"], ids=lambda c: str(c["row"]))
def test_texts_of_records(case: dict[str, Any]) -> None:
    assert row(0, tuple(case["fields"]), **case["row"]).text == case["text"]


@pytest.mark.parametrize("case", read("changed.json")["cases"], ids=lambda c: c["id"])
def test_changed_rows(case: dict[str, Any]) -> None:
    before = parse_row(case["line"].encode())
    after = {**before, **case["set"]}
    for name in case.get("removed", ()):
        del after[name]
    assert encode_row(case["line"].encode(), before, after).decode() == case["after"]


@pytest.mark.parametrize("case", read("statistics.json")["cases"], ids=lambda c: c["id"])
def test_statistics_whatever_the_order_and_the_shares(case: dict[str, Any]) -> None:
    roles = FieldRoles(label=case.get("label", ""))
    labels = [roles.label] if roles.label else []
    rows = [parse_row(line.encode()) for line in case["lines"]]
    for seed in range(4):
        random.Random(seed).shuffle(rows)
        cut = seed * len(rows) // 4
        shares = []
        for share in (rows[:cut], rows[cut:], []):
            shares.append(RowStatistics(named=roles.names))
            shares[-1].add(RowValues.of(share), labels, case.get("labelSeparator", ""))
        for _ in range(2):  # what is added up can be added up again
            total = RowStatistics(named=roles.names)
            for one in shares:
                total.merge(RowStatistics.decode(one.encode()) if seed % 2 else one)
            assert total.to_json(roles) == case["stats"]
