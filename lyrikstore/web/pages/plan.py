"""A training plan as one HTML page: memory, time, cost and energy before the first step."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from lyrikstore.canon.text import duration_in_words, escape_control, pluralize
from lyrikstore.web.charts.bars import bars
from lyrikstore.web.html import (
    add,
    add_bullets,
    add_footer,
    add_rests_on,
    add_table,
    headed_page,
)
from lyrikstore.web.page_facts import Facts, carries
from lyrikstore.web.texts import page_text

MAX_MACHINES = 12
"""Most machines in charts, the cheapest first; the table has all."""

_SHOWN = (
    *("name", "base", "trainRecords", "validationRecords", "label", "labelTotal", "tokensBasis"),
    *("plannedOn", "planErrors"),
)
_GB, _HOUR, _WATT = Decimal(10**9), Decimal(3600), Decimal(1000)


def plan_facts(
    plan: Facts,
    *,
    store: str,
    day: str,
    memory: int,
    config: str,
    data: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """Return what the page shows of a plan, and no more.

    Args:
        plan: The plan as ``plan --json`` has it.
        store: The store of the data.
        day: The day of the plan.
        memory: The memory of this machine, in bytes.
        config: The planned config, as TOML.
        data: Role of a dataset in training → ids of the versions that are meant.
    """
    candidates = [
        {
            "candidate": one["candidate"],
            "reason": None if one["chosen"] else one["reason"] or "",
            **_figures(one["figures"][0], "memoryBytes", "seconds", "energyKwh", "basis"),
        }
        for one in plan["candidates"]
    ]
    of_machines = ("on", "memoryBytes", "wallSeconds", "costUsd", "asOf", "energyKwh")
    priced = ("provider", "asOf", "stale", "url", "digest")
    months = [
        {
            **{name: one[name] for name in ("expense", "on", "assumption")},
            "costUsd": one["costUsd"]["amount"],
        }
        for one in plan["monthly"]
    ]
    return {
        **{name: plan[name] for name in _SHOWN},
        "store": store,
        "day": day,
        "memory": memory,
        "config": config,
        "candidates": candidates,
        "together": [_figures(one, *of_machines) for one in plan["together"]],
        "monthly": months,
        "prices": [{name: one[name] for name in priced} for one in plan["prices"]],
        "warnings": [one["summary"] for one in plan["warnings"]],
        "data": {role: list(ids) for role, ids in data.items()},
    }


def _figures(one: Facts, *names: str) -> dict[str, Any]:
    """Return some figures of a candidate or machine, without the basis of each."""
    measured = ("memoryBytes", "wallSeconds", "costUsd", "energyKwh")
    found = {name: one[name]["amount"] for name in measured} | {"on": one["on"]}
    found |= {"asOf": one["costUsd"]["asOf"], "basis": one["wallSeconds"]["basis"]}
    found["seconds"] = (one["cpuSeconds"] or one["wallSeconds"])["amount"]
    return {name: found[name] for name in names}


@carries("plan")
def plan_page(facts: Facts, tool: str) -> Element:
    """Draw the page of a plan.

    ATTACK: names of fields and models contain text of an attacker; see
    :mod:`lyrikstore.web.html`.

    Args:
        facts: As :func:`plan_facts` returns them.
        tool: Name and version of the program.
    """
    said = page_text("plan.day", day=facts["day"])
    html, main = headed_page(page_text("plan.what"), facts["name"], (said,))
    _lead(main, facts)
    _candidates(main, facts)
    _machines(main, facts)
    _months(main, facts["monthly"])
    _prices(main, facts["prices"])
    add(main, "h2", page_text("plan.config"))
    config = SubElement(main, "pre", tabindex="0")
    config.text = "\n".join(map(escape_control, facts["config"].split("\n")))
    rests = [(page_text("common.store"), facts["store"])]
    rests += [(role, one) for role, ids in sorted(facts["data"].items()) for one in ids]
    if facts["base"]:
        rests.append((page_text("plan.base"), facts["base"]))
    add_rests_on(main, rests)
    footer = page_text("plan.estimates"), page_text("common.unsigned")
    add_footer(html, *footer, page_text("common.made", tool=tool))
    return html


def _lead(main: Element, facts: Facts) -> None:
    on = next(one for one in facts["together"] if one["on"] == facts["plannedOn"])
    lead = SubElement(main, "div", {"class": "lead", "id": "planned"})
    place = page_text("plan.here") if on["on"] == "here" else on["on"]
    text = page_text(
        "plan.planned",
        time=_time(on["wallSeconds"]),
        place=place,
        memory=_memory(on["memoryBytes"]),
        there=f"{facts['memory'] / _GB:.1f} GB",
        cost=_cost(on["costUsd"]),
        energy=on["energyKwh"],
    )
    add(SubElement(lead, "p"), "strong", text)
    records = pluralize(facts["trainRecords"], "record")
    more = pluralize(facts["validationRecords"], "record")
    add(lead, "p", page_text("plan.records", train=records, validation=more))
    if facts["label"]:
        count = pluralize(facts["labelTotal"], "label")
        add(lead, "p", page_text("plan.labels", field=facts["label"], count=count))
    add(lead, "p", page_text(f"plan.tokens-{facts['tokensBasis']}"))
    if facts["warnings"]:
        add(main, "h2", page_text("plan.warnings"))
        add_bullets(main, facts["warnings"])


def _candidates(main: Element, facts: Facts) -> None:
    add(main, "h2", page_text("plan.candidates"))
    rows, memory, times = [], [], []
    for one in facts["candidates"]:
        name, seconds = page_text(f"plan.{one['candidate']}"), one["seconds"]
        why = page_text("plan.tried") if one["reason"] is None else one["reason"]
        cells = (_time(seconds), _memory(one["memoryBytes"]), one["energyKwh"])
        rows.append((name, why, *cells, one["basis"]))
        memory.append((name, float(Decimal(one["memoryBytes"]) / _GB)))
        times.append((name, float(seconds)))
    titles = ("candidate", "tried", "time", "memory", "energy", "basis")
    named = [page_text(f"plan.column-{one}") for one in titles]
    add_table(main, named, rows, words=2, wide=page_text("plan.candidates"))
    memory.append((page_text("plan.memory-there"), float(facts["memory"] / _GB)))
    bars(main, memory, 0, title=page_text("plan.memory"))
    bars(main, times, 0, title=page_text("plan.time"))
    for one in facts["planErrors"]:
        text = page_text(
            "plan.error",
            candidate=page_text(f"plan.{one['candidate']}"),
            runs=pluralize(one["runCount"], "run"),
            **{name: one[name] for name in ("timeLow", "timeHigh", "memoryLow", "memoryHigh")},
            day=one["lastMeasured"],
        )
        add(main, "p", text)


def _machines(main: Element, facts: Facts) -> None:
    machines = sorted(facts["together"], key=lambda one: Decimal(one["costUsd"]))
    add(main, "h2", page_text("plan.machines"))
    shown = machines[:MAX_MACHINES]
    cents = [(_place(one), float(Decimal(one["costUsd"]))) for one in shown]
    bars(main, cents, 0, title=page_text("plan.cost"))
    energy = [(_place(one), float(Decimal(one["energyKwh"]) * _WATT)) for one in shown]
    bars(main, energy, 0, title=page_text("plan.energy"))
    stale = {one["provider"] for one in facts["prices"] if one["stale"]}
    rows = [
        (
            _place(one),
            _dated(one, stale),
            _time(one["wallSeconds"]),
            _memory(one["memoryBytes"]),
            _cost(one["costUsd"]),
            one["energyKwh"],
        )
        for one in machines
    ]
    titles = ("machine", "price", "time", "memory", "cost", "energy")
    named = [page_text(f"plan.column-{one}") for one in titles]
    add_table(main, named, rows, words=2, wide=page_text("plan.machines"))


def _months(main: Element, months: Sequence[Facts]) -> None:
    add(main, "h2", page_text("plan.months"))
    rows = [
        (
            page_text(f"plan.{one['expense']}"),
            page_text("plan.here") if one["on"] == "here" else one["on"],
            one["assumption"],
            _cost(one["costUsd"]),
        )
        for one in months
    ]
    titles = ("expense", "machine", "assumption", "cost")
    named = [page_text(f"plan.column-{one}") for one in titles]
    add_table(main, named, rows, words=3, wide=page_text("plan.months"))


def _prices(main: Element, prices: Sequence[Facts]) -> None:
    if not prices:
        return
    add(main, "h2", page_text("plan.prices"))
    rows = [
        (
            one["provider"],
            one["asOf"],
            page_text("plan.stale" if one["stale"] else "plan.current"),
            one["url"],
            one["digest"],
        )
        for one in prices
    ]
    titles = ("provider", "as-of", "state", "source", "digest")
    named = [page_text(f"plan.column-{one}") for one in titles]
    add_table(main, named, rows, words=len(titles), wide=page_text("plan.prices"))


def _place(one: Facts) -> str:
    return page_text("plan.here") if one["on"] == "here" else str(one["on"])


def _dated(one: Facts, stale: set[str]) -> str:
    if one["asOf"] is None:
        return page_text("plan.own")
    old = one["on"].partition("/")[0] in stale
    return page_text("plan.stale-price" if old else "plan.price", day=one["asOf"])


def _time(seconds: str) -> str:
    return duration_in_words(Decimal(seconds))


def _memory(size: str) -> str:
    return f"{Decimal(size) / _GB:.1f} GB"


def _cost(dollars: str) -> str:
    return f"${Decimal(dollars):.2f}"
