"""Monthly costs: training every week, and serving (docs/internals/training.md)."""

from datetime import date
from decimal import Decimal

from msgspec import Struct

from lyrikstore.canon.text import rough
from lyrikstore.train.environment import MEMORY_SHARE
from lyrikstore.train.plan.estimate import HERE, Estimate, MachineFigures
from lyrikstore.train.plan.prices import PriceFile

WEEKS, HOURS = Decimal(52) / 12, 730
FAILURES_FACTOR = 2
"""Tests and failed runs cost about as much as successful runs."""

SERVED_HOURS = Decimal(2) * 365 / 12
"""Hours per month with requests: two hours a day."""


class MonthlyLine(Struct, frozen=True):
    """One line of the statement.

    Attributes:
        item: ``training``, ``serving-cpu``, ``serving-scale-to-zero`` or ``serving-always-on``.
        on: The machine; :data:`HERE` for this one.
        usd: The price of a month.
        assumption: The assumption behind the price, as text.
    """

    item: str
    on: str
    usd: Estimate
    assumption: str


def monthly_statement(
    training: MachineFigures,
    prices: tuple[PriceFile, ...],
    *,
    memory_bytes: int,
    milliseconds: float | None,
) -> list[MonthlyLine]:
    """Return the monthly costs: of training, then of three ways to serve, of which one is enough.

    Args:
        training: The figures of one run.
        prices: The price files.
        memory_bytes: GPU memory that the model needs to be served.
        milliseconds: Time of one answer on a core; None: there is no encoder, words are counted.
    """
    usd = float(training.usd.value * WEEKS * FAILURES_FACTOR)
    trained = Estimate.of(usd, training.usd.basis, training.usd.as_of)
    speed = "" if milliseconds is None else f", about {rough(milliseconds)} ms an answer"
    lines = [
        MonthlyLine(
            "training", training.on, trained, "every week, doubled for tests and failed runs"
        ),
        MonthlyLine(
            "serving-cpu",
            HERE,
            Estimate.of(0),
            f"a processor that you have{speed}; add the price of any other processor",
        ),
    ]
    if milliseconds is None:
        return lines
    for item, hours, idle, words in (
        ("serving-scale-to-zero", SERVED_HOURS, True, "two hours of requests a day"),
        ("serving-always-on", Decimal(HOURS), False, "730 hours"),
    ):
        found = _cheapest(prices, memory_bytes, scale_to_zero=idle)
        if found is not None:
            name, per_hour, as_of = found
            cost = Estimate.of(float(per_hour * hours), "quoted", as_of)
            lines.append(MonthlyLine(item, name, cost, words))
    return lines


def _cheapest(
    prices: tuple[PriceFile, ...], memory_bytes: int, *, scale_to_zero: bool
) -> tuple[str, Decimal, date] | None:
    fitting = [
        (machine.usd_per_hour, f"{file.provider}/{machine.name}", file.as_of)
        for file in prices
        if file.scale_to_zero or not scale_to_zero
        for machine in file.machines
        if memory_bytes <= MEMORY_SHARE * machine.memory_bytes
    ]
    if not fitting:
        return None
    per_hour, name, as_of = min(fitting)
    return name, per_hour, as_of
