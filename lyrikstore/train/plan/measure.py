"""Measurement of real steps on this machine, instead of assumptions (spec §13.10.1).

A worker does them like those of a run, on a verified copy of the data, and keeps nothing. So the
rights to train are required.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError, RunFailedError
from lyrikstore.context import StoreContext
from lyrikstore.curate.recipes.source import resolve_dataset
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.environment import precision_of
from lyrikstore.train.formats.base_model import STAGED
from lyrikstore.train.permitted import permitted
from lyrikstore.train.plan.estimate import MODES, Calibration
from lyrikstore.train.plan.formulas import STEP_SECONDS, flop_of
from lyrikstore.train.plan.shapes import EncoderShape
from lyrikstore.train.plan.token_counts import TokenCounts
from lyrikstore.train.snapshot import CopiedFields, copy_base, copy_datasets
from lyrikstore.train.task import usual_task
from lyrikstore.train.worker.process import run_job
from lyrikstore.train.worker.staging import BASE, TRAIN, VALIDATION, open_staging


class MeasuredSteps(Struct, frozen=True):
    """The result of measured steps.

    Attributes:
        cpu_seconds_per_step: CPU time of all cores together; the mean of three steps.
        tokens_per_second: Tokens per second of wall-clock time, padding included.
        peak_memory_bytes: Peak memory of the worker, which did the longest batch first.
        calibration: The values for the formulas.
        train: Token counts of the training data, by the model's tokenizer.
        validation: Token counts of the validation data.
    """

    cpu_seconds_per_step: float
    tokens_per_second: float
    peak_memory_bytes: int
    calibration: Calibration
    train: TokenCounts
    validation: TokenCounts


def measure_steps(context: StoreContext, config: TrainConfig, shape: EncoderShape) -> MeasuredSteps:
    """Run the longest batch and three usual ones; return their time and memory.

    Args:
        context: The store, to whose log nothing is written; ``progress`` is called in the phases
            ``measure`` and those of loading.
        config: The config of the planned run.
        shape: The shape of the base model.

    Raises:
        PolicyError: (``rights-missing``) the data, or the training data of the base, may not be
            trained on; else as :func:`lyrikstore.train.permitted.permitted`.
        InvalidInputError: (``nothing-to-measure``) the config tries no encoder; (``bad-model``) the
            base cannot be loaded; and what :func:`lyrikstore.train.snapshot.copy_datasets` raises.
        VerificationError, IncompleteError, StorageError: As a run.
        LyrikstoreError: As :func:`run_job`.

    Cost: loading the model, four steps, and counting the tokens of all texts.
    """
    candidate, repo = measured_candidate(config), context.repository
    data, settings = config.data, config.to_json()
    train = [resolve_dataset(repo, ref) for ref in data.train]
    validation = resolve_dataset(repo, data.validation)
    measured = [validation, *([resolve_dataset(repo, data.test)] if data.test else [])]
    base = repo.resolve(config.model.base)
    wanted = {"purpose": config.purpose, "config": settings}
    learned = [*train, validation]
    permitted(context, learned, base, measured, wanted)
    with open_staging(context.own_cache or repo.root) as staging:
        copy_base(repo, base, staging)
        fields = CopiedFields.of(data)
        copied = copy_datasets(repo, train, fields=fields, staging=staging, name=TRAIN)
        copy_datasets(repo, [validation], fields=fields, staging=staging, name=VALIDATION)
        several = copied.several > 0
        job = {
            "job": "measure",
            "candidate": candidate,
            "task": config.task or usual_task(several=several).name,
            "precision": precision_of(config.training.precision),
            "config": settings,
            "labels": list(copied.labels),
            "positions": shape.positions,
        }
        result = run_job(
            staging,
            job,
            reads=(*(f"{BASE}/{name}" for name in STAGED), TRAIN, VALIDATION),
            threads=config.training.threads,
            base_env=context.environment,
            progress=context.progress,
        )
    return read_result(result, config, shape, candidate)


def measured_candidate(config: TrainConfig) -> str:
    """Return the candidate whose steps are measured: the most expensive one with an encoder.

    Raises:
        InvalidInputError: (``nothing-to-measure``) no candidate has an encoder.
    """
    named = config.model.trained or tuple(MODES)
    for candidate in ("lora", "full", "embeddings"):
        if candidate in named:
            return candidate
    raise InvalidInputError(
        "nothing-to-measure",
        "no candidate has an encoder, and word counts are not trained in steps",
        hint="plan without --measure, or name a base model",
    )


def read_result(
    result: Mapping[str, Any], config: TrainConfig, shape: EncoderShape, candidate: str
) -> MeasuredSteps:
    """Return the measured steps that a worker reported.

    Args:
        result: The result of the worker.
        config: The config of the job.
        shape: The shape of the encoder.
        candidate: The candidate whose steps were measured.

    Raises:
        RunFailedError: (``bad-output``) the result is malformed.
    """
    try:
        steps = [
            (int(step["records"]), int(step["tokens"]), float(step["cpuSeconds"]))
            for step in result["steps"]
        ]
        wall = sum(float(step["wallSeconds"]) for step in result["steps"])
        cpu = sum(step[2] for step in steps)
        flop = _flop(steps, config, shape, candidate)
        # The formulas count the overhead of a step separately.
        computing = max(cpu - len(steps) * STEP_SECONDS, cpu / 2)
        train, validation = (
            TokenCounts.of_tokens({int(tokens): int(records) for tokens, records in result[name]})
            for name in ("trainTokens", "validationTokens")
        )
        return MeasuredSteps(
            cpu_seconds_per_step=cpu / len(steps),
            tokens_per_second=sum(records * tokens for records, tokens, _ in steps) / wall,
            peak_memory_bytes=int(result["peakMemoryBytes"]),
            calibration=Calibration(
                candidate=candidate,
                flop_per_cpu_second=flop / computing,
                peak_memory_bytes=int(result["peakMemoryBytes"]),
                padding=float(result["padding"]),
            ),
            train=train,
            validation=validation,
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise RunFailedError(
            "bad-output", f"the worker returned a malformed measurement: {error}"
        ) from None


def _flop(
    steps: list[tuple[int, int, float]], config: TrainConfig, shape: EncoderShape, candidate: str
) -> float:
    lora, adapter = config.lora, 0
    if candidate == "lora":
        layers = len(lora.layers) or shape.layers
        adapter = shape.adapter_parameters(lora.targets, lora.rank, layers)
    return sum(
        flop_of(
            shape,
            MODES[candidate],
            tokens=records * tokens,
            squares=records * tokens**2,
            adapter_parameters=adapter,
        )
        for records, tokens, _ in steps
    )
