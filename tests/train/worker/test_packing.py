"""Rows of packed records, against vectors made without the code."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.train.worker.packing import epoch_row_batches, epoch_rows

VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors"


def test_vectors_of_rows():
    cases = json.loads((VECTORS / "training-order" / "rows.json").read_text())["cases"]
    assert len(cases) == 6
    for case in cases:
        records = [Digest.parse_hex(record) for record in case["records"]]
        rows = epoch_rows(
            records,
            case["tokens"],
            most=case["most"],
            seed=int(case["seed"]),
            epoch=case["epoch"],
        )
        assert rows == case["rows"], case["id"]


@given(st.lists(st.integers(1, 64), min_size=1, max_size=300), st.integers(1, 8))
def test_rows_hold_every_record_once_and_no_more_than_fits(tokens, size):
    records = [Digest.of(bytes([at % 256, at // 256])) for at in range(len(tokens))]
    batches = epoch_row_batches(records, tokens, most=64, size=size, seed=1, epoch=0)
    rows = [row for batch in batches for row in batch]
    assert sorted(at for row in rows for at in row) == list(range(len(tokens)))
    assert all(sum(tokens[at] for at in row) <= 64 for row in rows)
    assert all(len(batch) == size for batch in batches[:-1])
    # Of two rows next to each other in their making, less than half is empty.
    assert len(rows) <= 2 * sum(tokens) / 64 + 1
