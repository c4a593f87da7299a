"""A training plan as text: candidates, resources here and on rented machines, monthly costs."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lyrikstore.api.commands import page_text
from lyrikstore.canon.text import duration_in_words, escape_control, pluralize

if TYPE_CHECKING:
    from lyrikstore.api import TrainingPlan
    from lyrikstore.api.commands import MachineFigures

_SHOWN = 3


def plan_lines(plan: "TrainingPlan", *, verbose: bool) -> Iterator[str]:
    """Yield the lines of a plan.

    Args:
        plan: The plan.
        verbose: Whether to show every machine, not only the cheapest few.
    """
    records = pluralize(plan.train.records, "record")
    labels = f", {pluralize(plan.train.label_total, 'label')}" if plan.config.data.label else ""
    basis = page_text(f"plan.tokens-{plan.train.basis}")
    yield f"{plan.config.name}  {records}{labels}; {basis}"
    yield f"  {'candidate':<14}{'CPU time':>10}{'memory':>10}  basis"
    for one in plan.candidates:
        here = one.figures[0]
        memory, seconds = _gb(here.memory_bytes.value), duration_in_words(here.wall_seconds.value)
        if here.cpu_seconds is not None:
            seconds = duration_in_words(here.cpu_seconds.value)
        why = here.wall_seconds.basis if one.chosen else f"not tried: {one.reason}"
        name = page_text(f"plan.{one.candidate}")
        yield f"  {name:<14}{seconds:>10}{memory:>10}  {escape_control(why)}"
    stale = {file.provider for file in plan.prices if file.is_stale(plan.today)}
    for each in _machines(plan, verbose=verbose):
        place = each.on if each.usd.as_of is None else f"on {each.on}"
        dated = "this machine"
        if each.usd.as_of is not None:
            old = ", stale" if each.on.partition("/")[0] in stale else ""
            dated = f"price of {each.usd.as_of}, quoted{old}"
        yield (
            f"  {place:<23} ${each.usd.value:.2f}  {duration_in_words(each.wall_seconds.value)}  "
            f"{_gb(each.memory_bytes.value)}  {each.energy_kwh.value:f} kWh  ({dated})"
        )
    yield "  per month"
    for line in plan.monthly:
        quoted = f", price of {line.usd.as_of}" if line.usd.as_of else ""
        yield (
            f"    {page_text(f'plan.{line.item}'):<24} ${line.usd.value:.2f}  {line.on}{quoted}: "
            f"{line.assumption}"
        )
    for remark in plan.remarks:
        yield f"! {escape_control(remark.summary)}"


def error_lines(facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield how far plans were off: the measured share of the planned time and memory.

    Args:
        facts: The plan, as ``--json`` has it.
    """
    measured = {one["candidate"]: one for one in facts["planErrors"]}
    for candidate in (one["candidate"] for one in facts["candidates"] if one["chosen"]):
        name = page_text(f"plan.{candidate}")
        if candidate == "blend":  # the joined models are planned
            continue
        if candidate not in measured:
            yield f"  {name}: no run was measured against its plan yet"
            continue
        one = measured[candidate]
        yield (
            f"  {name}: {pluralize(one['runCount'], 'run')} took ×{one['timeLow']} to "
            f"×{one['timeHigh']} of the time computed, ×{one['memoryLow']} to "
            f"×{one['memoryHigh']} of the memory (measured until {one['lastMeasured']})"
        )


def _machines(plan: "TrainingPlan", *, verbose: bool) -> "Iterator[MachineFigures]":
    here, *rented = plan.machines
    yield here
    if not any(one.memory_bytes.value for one in rented):  # only word counts: no rented machine
        return
    cheapest = sorted(rented, key=lambda one: one.usd.value)
    shown = cheapest if verbose else cheapest[:_SHOWN]
    if plan.planned is not here and plan.planned not in shown:
        shown = [plan.planned, *shown]
    yield from shown


def _gb(amount: Decimal) -> str:
    return f"{amount / 10**9:.1f} GB"
