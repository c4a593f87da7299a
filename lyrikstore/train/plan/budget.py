"""Choice of the candidates that a budget allows, and the error if it allows too few.

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
"""Limit on the planned CPU time of all candidates together on this machine, if the config names
neither candidates nor a time. Runs took at most a fifth more than planned (``measured.toml``)."""


MOST_BY_FOLDS = 20_000
"""With more records, candidates are compared on the validation data, which is then large enough."""


class Limits(Struct, frozen=True):
    """The limits of a run; None: no limit.

    Attributes:
        memory_bytes: The most memory.
        hours: The most hours of wall-clock time.
        usd: The most US dollars.
        cpu_seconds: The most CPU time, of all cores together.
    """

    memory_bytes: Decimal | None
    hours: Decimal | None
    usd: Decimal | None
    cpu_seconds: Decimal | None = None

    def broken_by(self, figures: MachineFigures) -> str:
        """Return a text about the first limit that figures exceed; empty if they exceed none."""
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
    """Return the limits of a config on a machine.

    Args:
        config: The config with its budget.
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
    """Return the candidates, each with the decision whether the run tries it, and the reason.

    If the config names candidates, all of them are tried, or the plan is refused. Otherwise the
    cheapest ones are tried, as far as the budget allows; the first one has no limit on CPU time.

    Args:
        found: Figures of the candidates, the cheapest first; ``blend`` last.
        config: The config with its budget.
        prices: The price files.
        here_bytes: Memory of this machine.

    Raises:
        PolicyError: (``over-budget``) a named candidate does not fit, or no candidate does.
            ``details`` has ``candidate``, and ``fits``: the smallest machine of the price files
            that
            is large enough.
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
            result.append(replace(one, chosen=False, reason="a blend needs two candidates"))
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
    """Return the candidates that are always compared by cross-validation, because they are cheap.

    Args:
        asked: The planned run.
    """
    records = asked.train.records + asked.validation.records
    if asked.config.learns.generative or not FOLDS <= records <= MOST_BY_FOLDS:
        return ()
    return CHEAP


def dear_by_folds(
    tried: Sequence[CandidateFigures], asked: Question, *, here_bytes: int
) -> list[CandidateFigures]:
    """Return the candidates; expensive ones compared by folds include the time of the folds.

    An expensive candidate is compared by folds if a cheap one is too, and the budget allows to
    train
    it once more for each fold. The usual limit on CPU time also applies if the config names the
    candidates.

    Args:
        tried: All candidates, with the decision whether they are tried.
        asked: The planned run; its ``by_folds`` are the cheap candidates.
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
    """Return the machine with the least memory, then the least price, that stays in the budget.

    The result is empty if there is no such machine.
    """
    fitting = []
    for file in prices:
        for machine in file.machines:
            name = f"{file.provider}/{machine.name}"
            figures = total(wanted, name, prices)
            # The memory limit is meant for the named machine; other machines have their own memory.
            free = replace(config, budget=replace(config.budget, memory_gb=""))
            if not limits_of(free, machine.memory_bytes).broken_by(figures):
                fitting.append((machine.memory_bytes, figures.usd.value, name))
    return min(fitting)[2] if fitting else ""


def machine_memory_bytes() -> int:
    """Return the bytes of memory that a process can use on this machine."""
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
