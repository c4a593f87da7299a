"""Which candidates a budget allows, and what to do where it allows too few.

The rules: docs/internals/training.md.
"""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.errors import PolicyError
from lyrikstore.canon.text import rough
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.environment import MEMORY_SHARE
from lyrikstore.train.plan.estimate import (
    HERE,
    CandidateFigures,
    MachineFigures,
    Question,
    estimate_candidate,
    total,
)
from lyrikstore.train.plan.prices import PriceFile, find_machine
from lyrikstore.verify.evaluation.choice.candidates import CHEAP
from lyrikstore.verify.evaluation.choice.folds import FOLDS
from lyrikstore.verify.store.statements.segments import CANDIDATES_WITH_STEPS

_CGROUP = Path("/sys/fs/cgroup/memory.max")


USUAL_CPU_SECONDS = Decimal(400)
"""What the candidates together are planned to take at most of this machine, where nobody says what
to try or how long. Runs took at most a fifth more than was planned (``measured.toml``)."""


MOST_BY_FOLDS = 20_000
"""Records above which candidates are compared by the validation data: of so many these suffice."""


class Limits(Struct, frozen=True):
    """What a run may take; None: no limit.

    Attributes:
        memory_bytes: At most.
        hours: At most.
        usd: At most.
        cpu_seconds: At most, of all cores together.
    """

    memory_bytes: Decimal | None
    hours: Decimal | None
    usd: Decimal | None
    cpu_seconds: Decimal | None = None

    def broken_by(self, figures: MachineFigures) -> str:
        """Return what figures exceed, for people; empty if nothing."""
        memory, hours = figures.memory_bytes.value, figures.wall_seconds.value / 3600
        if self.memory_bytes is not None and memory > self.memory_bytes:
            return f"about {_gb(memory)} of memory, and {_gb(self.memory_bytes)} may be used"
        if self.hours is not None and hours > self.hours:
            return f"about {rough(hours)} h, and the budget is {self.hours} h"
        seconds = figures.cpu_seconds and figures.cpu_seconds.value
        if self.cpu_seconds is not None and seconds and seconds > self.cpu_seconds:
            return (
                f"about {seconds:.0f} s of processor time, and {self.cpu_seconds} s are usual: "
                "[budget] hours allows more"
            )
        if self.usd is not None and figures.usd.value > self.usd:
            return f"about ${figures.usd.value:.2f}, and the budget is ${self.usd}"
        return ""


def limits_of(config: TrainConfig, machine_bytes: int) -> Limits:
    """Return what a config allows on a machine.

    Args:
        config: Its budget.
        machine_bytes: Memory of the machine.
    """
    budget = config.budget
    fits = MEMORY_SHARE * machine_bytes
    stated = Decimal(budget.memory_gb) * 10**9 if budget.memory_gb else fits
    return Limits(
        min(fits, stated),
        Decimal(budget.hours) if budget.hours else None,
        Decimal(budget.usd) if budget.usd else None,
        None if config.model.candidates or budget.hours or budget.on else USUAL_CPU_SECONDS,
    )


def choose(
    found: Sequence[CandidateFigures],
    config: TrainConfig,
    prices: tuple[PriceFile, ...],
    *,
    here_bytes: int,
) -> list[CandidateFigures]:
    """Return the candidates, each with whether the run tries it, and why not.

    Candidates that the config names are tried all, or the plan is refused. Else the cheapest are,
    one after another, as far as the budget goes; the cheapest of all needs no more than to fit.

    Args:
        found: Figures of the candidates, the cheapest first; ``blend`` last.
        config: What it names and allows.
        prices: Machines.
        here_bytes: Memory of this machine.

    Raises:
        PolicyError: (``over-budget``) one that is named does not fit, or none does. ``details`` has
            ``candidate``, and ``fits``: the smallest machine of the price files that would do.
        LyrikstoreError: As :func:`find_machine`.
    """
    on = config.budget.on or HERE
    memory = here_bytes if on == HERE else find_machine(prices, on)[1].memory_bytes
    limits = limits_of(config, memory)
    chosen: list[CandidateFigures] = []
    result: list[CandidateFigures] = []
    broken = ""
    for one in found:
        if one.candidate == "blend" and len(chosen) < 2:
            result.append(replace(one, chosen=False, reason="there is nothing to join"))
            continue
        allowed = limits if chosen else replace(limits, cpu_seconds=None)
        broken = allowed.broken_by(total([*chosen, one], on, prices))
        if broken and (config.model.candidates or not chosen):
            raise _over_budget(config, [*chosen, one], prices, broken)
        if not broken:
            chosen.append(one)
        result.append(replace(one, chosen=not broken, reason=broken))
    return result


def cheap_by_folds(asked: Question) -> tuple[str, ...]:
    """Return the candidates that cost little enough to be compared by cross-validation always.

    Args:
        asked: What is planned.
    """
    records = asked.train.records + asked.validation.records
    if asked.config.learns.generative or not FOLDS <= records <= MOST_BY_FOLDS:
        return ()
    return CHEAP


def dear_by_folds(
    tried: Sequence[CandidateFigures], asked: Question, *, here_bytes: int
) -> list[CandidateFigures]:
    """Return candidates, those dear ones with the time of folds that are compared by them, too.

    One is where there is a cheap one to compare it with, and the budget allows to train it once
    more for each fold. Nobody who names candidates wants hours for that, so it is held to the usual
    time as well.

    Args:
        tried: All, with whether they are tried.
        asked: What is planned; its ``by_folds`` are the cheap ones.
        here_bytes: Memory of this machine.
    """
    config, prices = asked.config, asked.prices
    found = list(tried)
    if not any(one.chosen and one.candidate in asked.by_folds for one in found):
        return found
    on = config.budget.on or HERE
    memory = here_bytes if on == HERE else find_machine(prices, on)[1].memory_bytes
    free = replace(config, model=replace(config.model, candidates=()))
    limits = limits_of(free, memory)
    for at, one in enumerate(found):
        if one.chosen and one.candidate in CANDIDATES_WITH_STEPS:
            folded = replace(asked, by_folds=(*asked.by_folds, one.candidate))
            more = estimate_candidate(folded, one.candidate)
            others = [other for other in found if other.chosen and other is not one]
            if not limits.broken_by(total([*others, more], on, prices)):
                found[at] = more
    return found


def smallest_that_fits(
    wanted: list[CandidateFigures], config: TrainConfig, prices: tuple[PriceFile, ...]
) -> str:
    """Return the machine with the least memory, then the least price, that does it in the budget.

    Empty if there is none.
    """
    fitting = []
    for file in prices:
        for machine in file.machines:
            name = f"{file.provider}/{machine.name}"
            figures = total(wanted, name, prices)
            # The limit on memory is this machine's; another has its own.
            free = replace(config, budget=replace(config.budget, memory_gb=""))
            if not limits_of(free, machine.memory_bytes).broken_by(figures):
                fitting.append((machine.memory_bytes, figures.usd.value, name))
    return min(fitting)[2] if fitting else ""


def machine_memory_bytes() -> int:
    """Return how much memory this machine gives to a process."""
    import os

    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        held = _CGROUP.read_text("ascii").strip()
    except OSError:  # no limit of that kind here
        return memory
    return min(memory, int(held)) if held.isdigit() else memory


def _over_budget(
    config: TrainConfig, wanted: list[CandidateFigures], prices: tuple[PriceFile, ...], broken: str
) -> PolicyError:
    last = wanted[-1].candidate
    names = " and ".join(one.candidate for one in wanted) if len(wanted) > 1 else last
    fits = smallest_that_fits(wanted, config, prices)
    where = f" on {config.budget.on}" if config.budget.on else ""
    reduce = "fewer max_tokens, a smaller batch_size, fewer epochs or candidates"
    hint = f"smallest that fits: {fits}, as [budget] on; or {reduce}" if fits else reduce
    return PolicyError(
        "over-budget",
        f"{names} would take {broken}{where}",
        hint=hint,
        details={"candidate": last, "fits": fits or None},
    )


def _gb(amount: Decimal) -> str:
    return f"{amount / 10**9:.1f} GB"
