"""Price files: strict, dated, and stale after a while."""

import contextlib
import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.plan.prices import (
    PriceFile,
    find_machine,
    load_prices,
    shipped_prices,
)

SHIPPED = Path(__file__).parents[3] / "lyrikstore" / "train" / "plan" / "prices"
OWN = b"""provider = "acme"
asOf = "2026-11-20"
source = "https://acme.example/prices"
kind = "official"
currency = "USD"
unit = "GPU-hour"
scaleToZero = false
[[machine]]
name = "l4"
gpu = "NVIDIA L4"
memoryGb = 24
boardWatts = 72
peakBf16Tflops = 121
usdPerHour = 0.50
"""


def test_every_shipped_file_is_named_for_its_provider_and_day_and_says_that_others_wrote_it():
    files = shipped_prices()
    assert [f"{one.provider}-{one.as_of}.toml" for one in files] == sorted(
        path.name for path in SHIPPED.iterdir()
    )
    assert len(files) >= 4
    assert {one.kind for one in files} == {"secondary"}


def test_prices_are_those_that_were_published():
    prices = shipped_prices()
    listed = {
        f"{file.provider}/{one.name}": str(one.usd_per_hour)
        for file in prices
        for one in file.machines
    }
    assert listed == {
        "lambda/a10": "0.86",
        "lambda/a100-40g": "1.48",
        "lambda/h100-pcie": "2.86",
        "lambda/h100-sxm": "3.78",
        "modal/l4": "0.799",
        "modal/l40s": "1.951",
        "modal/a100-80g": "2.498",
        "modal/h100": "3.949",
        "replicate/l40s": "3.51",
        "replicate/a100-80g": "5.04",
        "replicate/h100": "5.49",
        "runpod/rtx4090": "0.60",
        "runpod/l4": "0.78",
        "runpod/l40s": "1.40",
        "runpod/a100-80g": "2.45",
        "runpod/h100-pcie": "3.51",
    }
    file, machine = find_machine(prices, "runpod/l4")
    assert (file.as_of, machine.memory_bytes) == (date(2026, 3, 10), 24 * 10**9)
    assert machine.peak_bf16_flop_per_second == 121 * 10**12


def test_a_price_is_stale_after_ninety_days():
    file = PriceFile.parse(OWN)
    assert not file.is_stale(date(2026, 11, 20) + timedelta(days=90))
    assert file.is_stale(date(2026, 11, 20) + timedelta(days=91))


def test_an_own_file_stands_in_for_the_shipped_ones(tmp_path):
    path = tmp_path / "own.toml"
    path.write_bytes(OWN)
    (file,) = load_prices(path, date(2026, 11, 29))
    assert file.digest == Digest.of(OWN)
    assert file.machines[0].usd_per_hour == Decimal("0.50")
    with pytest.raises(InvalidInputError) as caught:
        load_prices(path, date(2026, 11, 1))  # would never be stale
    assert caught.value.kind == "bad-prices"
    with pytest.raises(NotFoundError):
        load_prices(tmp_path / "none.toml", date(2026, 11, 29))


def test_the_files_in_the_documentation_are_what_it_says():
    page = (Path(__file__).parents[3] / "docs" / "plan.md").read_text("utf-8")
    budget, prices = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert PriceFile.parse(prices.encode()).machines[0].usd_per_hour == Decimal("0.50")
    config = (
        'purpose = "train"\nname = "checkpoints/a/b"\n[model]\nbase = "linear"\n'
        f'[data]\ntrain = "a/b"\nvalidation = "a/c"\nlabel = "d"\n{budget}'
    )
    assert TrainConfig.parse(config.encode()).budget.on == "runpod/l4"


def test_a_machine_that_nobody_has_is_refused_by_near_names():
    with pytest.raises(NotFoundError) as caught:
        find_machine(shipped_prices(), "runpod/a100")
    assert caught.value.kind == "no-machine"
    assert "runpod/a100-80g" in caught.value.hint


@pytest.mark.parametrize(
    "change",
    [
        (b'"2026-11-20"', b'"2026-02-30"'),
        (b'"2026-11-20"', b"2026-11-20"),
        (b'"2026-11-20"', b'"20.11.2026"'),
        (b'asOf = "2026-11-20"\n', b""),
        (b"https:", b"http:"),
        (b'"https://acme.example/prices"', b'"https://acme.example/\\u001b[31m"'),
        (b'"official"', b'"best"'),
        (b'"USD"', b'"EUR"'),
        (b'"GPU-hour"', b'"second"'),
        (b"scaleToZero = false", b"scaleToZero = 0"),
        (b"0.50", b"-0.50"),
        (b"0.50", b"0.0"),
        (b"0.50", b"0"),
        (b"0.50", b"inf"),
        (b"0.50", b"nan"),
        (b"0.50", b"1e29"),
        (b"0.50", b"1e-400"),
        (b"0.50", b"true"),
        (b"0.50", b"[1]"),
        (b"memoryGb = 24", b"memoryGb = 99999999"),
        (b"memoryGb = 24", b"memory = 24"),
        (b'"l4"', b'"l4/../x"'),
        (b'"NVIDIA L4"', b'"\\u202eL4"'),
        (b"[[machine]]", b"[machine]"),
        (b"[[machine]]", b"machine = 1\n[other]"),
        (OWN, OWN + OWN[OWN.index(b"[[machine]]") :]),
        (OWN, OWN + b"#" * (1 << 16)),
        (OWN, b"\xff"),
        (OWN, b""),
    ],
)
def test_what_is_no_price_file_is_refused(change):
    data = OWN.replace(*change)
    assert data != OWN
    with pytest.raises(InvalidInputError) as caught:
        PriceFile.parse(data)
    assert caught.value.kind == "bad-prices"
    assert caught.value.hint


@given(st.binary(max_size=200), st.integers(0, len(OWN)), st.integers(0, 40))
def test_whatever_is_changed_gives_a_file_or_our_error(data, at, length):
    with contextlib.suppress(InvalidInputError):
        PriceFile.parse(OWN[:at] + data + OWN[at + length :])
