"""Figures of each candidate, on this machine and on rented ones (spec §13.10.1)."""

from datetime import date
from decimal import Decimal
from typing import Any, Literal, Self

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.train.config import TrainConfig
from lyrikstore.train.environment import precision_of
from lyrikstore.train.formats import embeddings, word_counts
from lyrikstore.train.plan import formulas
from lyrikstore.train.plan.facts import DataFacts
from lyrikstore.train.plan.formulas import (
    Mode,
    TextLengths,
    Work,
    generative_memory_bytes,
    generative_work,
)
from lyrikstore.train.plan.prices import PricedMachine, PriceFile
from lyrikstore.train.plan.shapes import EncoderShape
from lyrikstore.train.plan.token_counts import TokenCounts
from lyrikstore.train.worker.training.folds import count_fits
from lyrikstore.verify.evaluation.choice.folds import FOLDS, repeats_of

Origin = Literal["computed", "quoted", "measured"]
"""The ``basis`` of a figure: a formula, a dated price file, or measured steps on this machine."""

HERE = "here"
MODES: dict[str, Mode] = {"embeddings": "forward", "lora": "lora", "full": "full"}
START_UP_HOURS = 0.25
"""Hours that a rented machine is paid for before and after training."""

ENCODE_AT_ONCE = 32
BLEND_SECONDS = 1.0


class Estimate(Struct, frozen=True):
    """One planned figure.

    Attributes:
        value: The figure, to three digits; its unit is in the name of the member that holds it.
        basis: The basis of the figure.
        as_of: The date of a quoted price.
    """

    value: Decimal
    basis: Origin
    as_of: date | None = None

    @classmethod
    def of(cls, value: float, basis: Origin = "computed", as_of: date | None = None) -> Self:
        """Return a figure, rounded."""
        return cls(Decimal(f"{value:.3g}"), basis, as_of)

    def to_run(self) -> dict[str, str]:
        """Return the JSON object of the figure in a run manifest."""
        found = {"value": format(self.value, "f"), "basis": self.basis}
        return found | ({"asOf": str(self.as_of)} if self.as_of else {})


class MachineFigures(Struct, frozen=True):
    """Time, memory, price and energy of a task on one machine.

    Attributes:
        on: ``provider/machine``, or :data:`HERE`.
        memory_bytes: Peak memory: of the GPU, or on this machine of the process.
        wall_seconds: Wall-clock time.
        cpu_seconds: CPU time of all cores together; None on a GPU.
        usd: The price; it includes the start-up of a rented machine.
        energy_kwh: Energy.
    """

    on: str
    memory_bytes: Estimate
    wall_seconds: Estimate
    cpu_seconds: Estimate | None
    usd: Estimate
    energy_kwh: Estimate


class CandidateFigures(Struct, frozen=True):
    """The figures of one candidate.

    Attributes:
        candidate: Its name, of :data:`lyrikstore.train.requirements.CANDIDATES`.
        tokens: Tokens that the encoder processes, padding included.
        figures: On this machine first, then on each machine of the price files.
        chosen: Whether the run tries it.
        reason: Why the run does not try it.
        by_folds: Whether it is compared by cross-validation, whose time is in the figures.
    """

    candidate: str
    tokens: Estimate
    figures: tuple[MachineFigures, ...]
    chosen: bool = True
    reason: str = ""
    by_folds: bool = False

    def on(self, machine: str) -> MachineFigures:
        """Return the figures on a machine."""
        return next(one for one in self.figures if one.on == machine)


class Calibration(Struct, frozen=True):
    """Speed and memory from measured steps on this machine.

    Attributes:
        candidate: The candidate whose steps were measured.
        flop_per_cpu_second: Floating-point operations per second of one core, as the formulas of
        the plan count them.
        peak_memory_bytes: Peak memory of the process.
        padding: Ratio of computed tokens to tokens of texts, in the order of the first epoch.
    """

    candidate: str
    flop_per_cpu_second: float
    peak_memory_bytes: int
    padding: float


class Question(Struct, frozen=True):
    """The input of an estimate.

    Attributes:
        config: The config.
        train: Facts about the training data.
        validation: Facts about the validation data.
        shape: The shape of the base model; None: there is none.
        prices: The price files of rented machines.
        calibration: Measured speed and memory; None: nothing was measured.
        by_folds: The candidates that are compared by cross-validation.
    """

    config: TrainConfig
    train: DataFacts
    validation: DataFacts
    shape: EncoderShape | None
    prices: tuple[PriceFile, ...]
    calibration: Calibration | None = None
    by_folds: tuple[str, ...] = ()

    @property
    def repeats(self) -> int:
        """Number of repeats of cross-validation; 0: there is none."""
        records = self.train.records + self.validation.records
        return repeats_of(records) if self.by_folds else 0

    @property
    def base(self) -> EncoderShape:
        """The shape of the base model, for a candidate that has one."""
        if self.shape is None:
            raise ValueError("there is no base model")
        return self.shape


def estimate_candidate(asked: Question, candidate: str) -> CandidateFigures:
    """Return the figures of one candidate that is not a blend."""
    if candidate == "tfidf" or asked.shape is None:
        found = _linear(asked)
    else:
        found = asked.config.learns.estimate(asked, candidate)
    return replace(found, by_folds=candidate in asked.by_folds)


def estimate_blend(parts: list[CandidateFigures]) -> CandidateFigures:
    """Return the figures of a blend, which only joins answers that other candidates gave already.

    Its memory is that of ``tfidf``, which is one of them.
    """
    figures = tuple(
        replace(
            one,
            wall_seconds=Estimate.of(BLEND_SECONDS),
            cpu_seconds=one.cpu_seconds and Estimate.of(BLEND_SECONDS),
            usd=Estimate.of(0),
            energy_kwh=Estimate.of(0),
        )
        for one in parts[0].figures
    )
    return CandidateFigures("blend", Estimate.of(0), figures)


def total(chosen: list[CandidateFigures], on: str, prices: tuple[PriceFile, ...]) -> MachineFigures:
    """Return the total figures of candidates that run one after another on one machine."""
    each = [one.on(on) for one in chosen]
    origin: Origin = "computed"
    if any(one.wall_seconds.basis == "measured" for one in each):
        origin = "measured"
    wall = sum(float(one.wall_seconds.value) for one in each)
    usd, energy = Estimate.of(0), sum(float(one.energy_kwh.value) for one in each)
    for file, machine in _machines(prices):
        if _name(file, machine) == on:
            usd = _price(file, machine, wall)
    cpu = [float(one.cpu_seconds.value) for one in each if one.cpu_seconds]
    return MachineFigures(
        on=on,
        memory_bytes=max((one.memory_bytes for one in each), key=_value),
        wall_seconds=Estimate.of(wall, origin),
        cpu_seconds=Estimate.of(sum(cpu), origin) if cpu else None,
        usd=usd,
        energy_kwh=Estimate.of(energy),
    )


def flop_per_cpu_second(
    config: TrainConfig, mode: Mode, calibration: Calibration | None = None
) -> float:
    """Return the floating-point operations per second of one core of this machine.

    Args:
        config: The config, for the number format. An encoder that is not trained runs in fp32.
        mode: How the encoder is used.
        calibration: Measured speed, perhaps of another mode; None: nothing was measured.
    """
    assumed = formulas.FLOP_PER_CPU_SECOND
    trained = precision_of(config.training.precision, config.training.device)
    rate = assumed["fp32" if mode == "forward" else trained]
    if calibration is None:
        return rate
    measured = assumed["fp32" if MODES[calibration.candidate] == "forward" else trained]
    return calibration.flop_per_cpu_second * rate / measured


def serving_milliseconds(shape: EncoderShape, tokens: TokenCounts, most: int, rate: float) -> float:
    """Return the milliseconds of one core for a long text: 95 % of the texts are shorter."""
    length = min(tokens.percentile(0.95), most)
    flop = formulas.flop_of(shape, "forward", tokens=length, squares=length**2)
    return 1000 * flop / rate


def _linear(asked: Question) -> CandidateFigures:
    characters = asked.train.tokens.characters + asked.validation.tokens.characters
    labels = max(2, asked.train.label_total)
    records = asked.train.records + asked.validation.records
    seconds = formulas.linear_cpu_seconds(
        characters,
        labels,
        fits=count_fits(records, asked.repeats, len(word_counts.STRENGTHS)),
        counts=FOLDS * asked.repeats,
    )
    memory = formulas.linear_memory_bytes(characters, labels)
    here = _here(memory, seconds, start=formulas.LINEAR_START_SECONDS)
    rented = [
        MachineFigures(
            _name(file, machine),
            Estimate.of(0),
            Estimate.of(seconds),
            None,
            _price(file, machine, seconds),
            Estimate.of(formulas.gpu_energy_kwh(seconds / 3600, float(machine.board_watts))),
        )
        for file, machine in _machines(asked.prices)
    ]
    return CandidateFigures("tfidf", Estimate.of(0), (here, *rented))


def estimate_encoder(asked: Question, candidate: str) -> CandidateFigures:
    """Return the figures of a candidate with an encoder."""
    shape = asked.base
    config, mode = asked.config, MODES[candidate]
    most, measured = config.model.max_tokens, asked.calibration
    origin: Origin = "computed"
    if measured is not None and measured.candidate == candidate:
        origin = "measured"
    adapter = head = 0
    if mode != "forward":
        head = (shape.width + 1) * max(2, asked.train.label_total)
    if mode == "lora":
        layers = len(config.lora.layers) or shape.layers
        adapter = shape.adapter_parameters(config.lora.targets, config.lora.rank, layers)
    work = _work(asked, shape, candidate, adapter)
    trained = head + (shape.layer_parameters if mode == "full" else adapter)
    tokens = asked.train.tokens
    longest = tokens.longest(most)
    batch = longest * (ENCODE_AT_ONCE if mode == "forward" else config.training.batch_size)
    memory = formulas.cpu_memory_bytes(
        shape,
        mode,
        trained_parameters=trained,
        batch_tokens=batch,
        sequence_tokens=longest,
        kept_bytes=_kept_bytes(asked, mode),
        half=precision_of(config.training.precision, config.training.device) == "bf16",
        steps=-(-asked.train.records // config.training.batch_size),
    )
    if origin == "measured" and measured is not None:
        memory = measured.peak_memory_bytes
    rates = (flop_per_cpu_second(config, one, measured) for one in (mode, "forward"))
    seconds = formulas.cpu_seconds(work, *rates)
    start, threads = formulas.START_SECONDS[mode], config.training.threads
    here = _here(memory, seconds, threads=threads, origin=origin, start=start)
    on_gpu = formulas.gpu_memory_bytes(
        shape, mode, trained_parameters=trained, batch_tokens=batch, sequence_tokens=longest
    )
    return _with_rented(asked, candidate, here, work, on_gpu)


def estimate_decoder(asked: Question, candidate: str) -> CandidateFigures:
    """Return the figures of an adapter of a decoder."""
    config, shape = asked.config, asked.base
    train, validation = (
        TextLengths(one.tokens, one.answers or one.tokens)
        for one in (asked.train, asked.validation)
    )
    work = generative_work(config, shape, train, validation)
    counted = generative_memory_bytes(config, shape)
    memory = formulas.IMPORTS_BYTES + counted
    rate = flop_per_cpu_second(config, "lora")
    seconds = formulas.cpu_seconds(work, rate)
    seconds += formulas.quantisation_seconds(config, shape, work)
    start, threads = formulas.START_SECONDS["lora"], config.training.threads
    here = _here(memory, seconds, threads=threads, start=start)
    on_gpu = formulas.CUDA_BYTES + counted
    return _with_rented(asked, candidate, here, work, on_gpu)


def _here(
    memory: float,
    seconds: float,
    *,
    threads: int = 1,
    origin: Origin = "computed",
    start: float,
) -> MachineFigures:
    return MachineFigures(
        HERE,
        Estimate.of(memory, origin),
        Estimate.of(start + seconds / threads, origin),
        Estimate.of(start + seconds, origin),
        Estimate.of(0),
        Estimate.of(formulas.cpu_energy_kwh(start + seconds)),
    )


def _with_rented(
    asked: Question, candidate: str, here: MachineFigures, work: Work, on_gpu: int
) -> CandidateFigures:
    machines = _machines(asked.prices)
    rented = [_rent(file, machine, work, asked.base, on_gpu) for file, machine in machines]
    return CandidateFigures(candidate, Estimate.of(work.tokens), (here, *rented))


def _work(asked: Question, shape: EncoderShape, candidate: str, adapter: int) -> Work:
    config, train, validation = asked.config, asked.train.tokens, asked.validation.tokens
    most, mode = config.model.max_tokens, MODES[candidate]
    if mode == "forward":
        labels = max(2, asked.train.label_total)
        records = train.records + validation.records
        fits = count_fits(records, asked.repeats, len(embeddings.STRENGTHS))
        return formulas.embedding_work(
            shape, train, validation, max_tokens=most, labels=labels, fits=fits
        )
    padding = asked.calibration.padding if asked.calibration else 0
    return formulas.training_work(
        shape,
        mode,
        train,
        validation,
        max_tokens=most,
        epochs=config.training.epochs,
        batch_size=config.training.batch_size,
        adapter_parameters=adapter,
        padding=padding,
        folds=FOLDS if candidate in asked.by_folds else 0,
    )


def _kept_bytes(asked: Question, mode: Mode) -> float:
    """Return the bytes kept of all texts: token ids, and vectors with out-of-fold answers."""
    texts = (asked.train, asked.validation)
    found = formulas.TOKEN_ID_BYTES * sum(
        one.tokens.total(asked.config.model.max_tokens) for one in texts
    )
    if mode == "forward":
        labels, records = max(2, asked.train.label_total), sum(one.records for one in texts)
        answers = 4 * labels * max(1, asked.repeats) * (len(embeddings.STRENGTHS) + 1)
        found += records * (formulas.VECTOR_COPIES * 8 * asked.base.width + answers)
    return found


def _rent(
    file: PriceFile, machine: PricedMachine, work: Work, shape: EncoderShape, memory_bytes: int
) -> MachineFigures:
    seconds = formulas.gpu_seconds(work, shape, float(machine.peak_bf16_flop_per_second))
    energy = formulas.gpu_energy_kwh(seconds / 3600, float(machine.board_watts))
    return MachineFigures(
        _name(file, machine),
        Estimate.of(memory_bytes),
        Estimate.of(seconds),
        None,
        _price(file, machine, seconds),
        Estimate.of(energy),
    )


def _price(file: PriceFile, machine: PricedMachine, seconds: float) -> Estimate:
    hours = seconds / 3600 + START_UP_HOURS
    return Estimate.of(float(machine.usd_per_hour) * hours, "quoted", file.as_of)


def _machines(prices: tuple[PriceFile, ...]) -> list[tuple[PriceFile, PricedMachine]]:
    return [(file, machine) for file in prices for machine in file.machines]


def _name(file: PriceFile, machine: PricedMachine) -> str:
    return f"{file.provider}/{machine.name}"


def _value(estimate: Estimate) -> Decimal:
    return estimate.value


def to_json(figures: MachineFigures) -> dict[str, Any]:
    """Return figures under the names of run manifests; unknown figures are left out."""
    memory = "memoryBytes" if figures.on == HERE else "acceleratorMemoryBytes"
    found = {
        memory: figures.memory_bytes.to_run(),
        "wallSeconds": figures.wall_seconds.to_run(),
        "costUsd": figures.usd.to_run(),
        "energyKwh": figures.energy_kwh.to_run(),
    }
    if figures.cpu_seconds is not None:
        found["cpuSeconds"] = figures.cpu_seconds.to_run()
    return found
