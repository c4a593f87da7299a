"""The order of records, against vectors made without the code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.train.worker.order import epoch_batches, epoch_order, padding_ratio, rank_batches

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


def test_vectors_of_ranks():
    cases = json.loads((VECTORS / "training-order" / "ranks.json").read_text())["cases"]
    assert len(cases) == 7
    for case in cases:
        records = [Digest.parse_hex(record) for record in case["records"]]
        for rank, batches in enumerate(case["ranks"]):
            found = rank_batches(
                records,
                batch_size=case["size"],
                seed=int(case["seed"]),
                epoch=case["epoch"],
                rank=rank,
                ranks=len(case["ranks"]),
            )
            assert found == batches, case["id"]


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


@given(
    st.lists(st.integers(0, 40), max_size=120),
    st.integers(1, 40),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(1, 9),
)
def test_a_batch_is_the_same_set_for_every_number_of_ranks(numbers, size, seed, epoch, ranks):
    records = [Digest.of(bytes([number])) for number in numbers]  # some are equal

    def parts(count):
        return [
            rank_batches(records, batch_size=size, seed=seed, epoch=epoch, rank=rank, ranks=count)
            for rank in range(count)
        ]

    (whole,) = parts(1)
    order = epoch_order(records, seed=seed, epoch=epoch)
    assert [at for batch in whole for at in batch] == order
    assert [len(batch) for batch in whole[:-1]] == [size] * (len(whole) - 1)
    of_ranks = parts(ranks)
    assert {len(batches) for batches in of_ranks} == {len(whole)}
    for number, batch in enumerate(whole):
        shares = [batches[number] for batches in of_ranks]
        assert sorted(at for share in shares for at in share) == sorted(batch)
        assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize(
    "wrong",
    [
        *({"batch_size": 0}, {"seed": -1}, {"seed": 2**64}, {"epoch": -1}, {"epoch": 2**32}),
        *({"ranks": 0}, {"rank": 2}, {"rank": -1}, {"records": ["id"]}),
        *({"rank": "0"}, {"ranks": "2"}, {"batch_size": 4.0}),
    ],
)
def test_parts_that_cannot_be_are_refused(wrong):
    given = {"batch_size": 4, "seed": 1, "epoch": 0, "rank": 1, "ranks": 2} | wrong
    with pytest.raises(InvalidInputError) as caught:
        rank_batches(given.pop("records", [Digest.of(b"a")]), **given)
    assert caught.value.kind == "bad-order"
    assert caught.value.hint


def test_it_is_there_without_torch():
    program = (
        "import sys; from lyrikstore.api import rank_batches; sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
