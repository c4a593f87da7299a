"""The order of records, against vectors made without the code."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.train.worker.order import epoch_batches, epoch_order, padding_ratio

VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors"


def test_vectors():
    cases = json.loads((VECTORS / "training-order" / "order.json").read_text())["cases"]
    assert len(cases) == 6
    for case in cases:
        records = [Digest.parse_hex(record) for record in case["records"]]
        order = epoch_order(records, seed=int(case["seed"]), epoch=case["epoch"])
        assert order == case["order"], case["id"]


def test_vectors_of_batches():
    cases = json.loads((VECTORS / "training-order" / "batches.json").read_text())["cases"]
    assert len(cases) == 6
    for case in cases:
        records = [Digest.parse_hex(record) for record in case["records"]]
        batches = epoch_batches(
            records,
            case["tokens"],
            size=case["size"],
            seed=int(case["seed"]),
            epoch=case["epoch"],
        )
        assert batches == case["batches"], case["id"]


@given(st.lists(st.integers(1, 128), min_size=1, max_size=400), st.integers(1, 32))
def test_batches_hold_every_record_once_and_little_padding(tokens, size):
    records = [Digest.of(number.to_bytes(2, "big")) for number in range(len(tokens))]
    batches = epoch_batches(records, tokens, size=size, seed=1, epoch=0)
    assert sorted(at for batch in batches for at in batch) == list(range(len(tokens)))
    assert all(len(batch) <= size for batch in batches)
    assert len(batches) == -(-len(tokens) // size)
    assert 1 <= padding_ratio(batches, tokens) <= max(tokens) / min(tokens)


@given(st.lists(st.binary(min_size=32, max_size=32)), st.integers(0, 2**64 - 1))
def test_is_a_permutation_that_ids_decide(raw, seed):
    records = [Digest(item) for item in raw]
    order = epoch_order(records, seed=seed, epoch=0)
    assert sorted(order) == list(range(len(records)))
    turned = epoch_order(records[::-1], seed=seed, epoch=0)
    assert [records[i] for i in order] == [records[::-1][i] for i in turned]
