"""Evaluation of a model that writes, beside its base (spec §13.12.8)."""

from collections.abc import Mapping, Sequence
from secrets import token_bytes
from typing import Any

from lyrikstore.canon.errors import PolicyError
from lyrikstore.canon.progress import OnProgress
from lyrikstore.canon.text import pluralize
from lyrikstore.curate.recipes.references import read_candidates
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.evaluation.overlap import LearnedData
from lyrikstore.train.sft.accelerator import describe_machine
from lyrikstore.train.sft.copy import copy_conversations, has_conversation
from lyrikstore.train.sft.generate import GeneratedText, GeneratedTexts, generate_texts
from lyrikstore.train.sft.prompts import open_prompts, read_prompt_source
from lyrikstore.train.trained import stage_checkpoint
from lyrikstore.train.worker.staging import TEST, open_staging
from lyrikstore.verify.evaluation.generation.body import generation_body
from lyrikstore.verify.evaluation.generation.generations import (
    Generations,
    sample_records,
    write_generations,
)
from lyrikstore.verify.evaluation.generation.outputs import WrittenTexts, write_outputs
from lyrikstore.verify.evaluation.generation.texts import (
    SALT_BYTES,
    WrittenAnswer,
    count_outside,
    judge_text,
    tell_text,
)
from lyrikstore.verify.store.test_sets import is_mostly_seen


def evaluate_writer(
    repo: Repository,
    checkpoint: Manifest,
    test: Manifest,
    run: Manifest,
    sample: int | None,
    device: str,
    base_env: Mapping[str, str],
    progress: OnProgress,
) -> tuple[dict[str, Any], bytes, bytes]:
    """Let a model and its base answer the test set, and return what follows.

    Args:
        repo: The store.
        checkpoint: The model.
        test: The test set.
        run: Its run.
        sample: How many records are asked; None: all.
        device: Where it is computed.
        base_env: The caller's environment.
        progress: Progress callback, called per batch.

    Returns:
        The body but for the rights; the attachments ``predictions`` and ``outputs``.

    Raises:
        PolicyError: (``test-is-train``) most of the records are what the model learned from.
        InvalidInputError, VerificationError, IncompleteError, RunFailedError, StorageError: As
            :func:`lyrikstore.train.sft.copy.copy_conversations` and ``run_job``.
    """
    config = TrainConfig.from_json(dict(run.body["config"]))
    base = repo.manifest(checkpoint.inputs_in("base")[0].id)
    rows = enumerate(read_candidates(repo, test))
    ids = {place: row.id for place, row in rows if has_conversation(row, config.data)}
    chosen = None
    if sample is not None and sample < len(ids):
        chosen = sample_records(ids.values(), sample, run.body["seed"])
    asked = {place: one for place, one in ids.items() if chosen is None or one in chosen}
    learned = LearnedData.of(repo, checkpoint, None)
    seen = learned.count_seen(asked.values())
    if is_mostly_seen(seen, len(asked)):
        raise PolicyError(
            "test-is-train",
            f"{test.name}: the model learned from {seen} of its {pluralize(len(asked), 'record')}",
            hint="evaluate on the part that was split off before the run",
        )
    environment = describe_machine(
        repo.root,
        device,
        threads=config.training.threads,
        precision=run.body["environment"].get("precision", "fp32"),
        quantization=config.model.quantization,
        base_env=base_env,
    )
    source = read_prompt_source(repo, base, config.prompt)
    with open_staging(repo.root) as staging:
        reads = stage_checkpoint(repo, checkpoint, staging)
        with open_prompts(source) as rendering:
            copied = copy_conversations(
                repo,
                [test],
                config.data,
                (source, rendering),
                staging=staging,
                name=TEST,
                chosen=chosen,
            )
            choices = rendering.choices()
        found = generate_texts(
            staging,
            reads,
            run.body,
            chat=bool(source.chat),
            choices=choices,
            baseline=True,
            device=device,
            base_env=base_env,
            progress=progress,
        )
    known_answers = config.prompt.choices
    salt, places = token_bytes(SALT_BYTES), tuple(asked)
    outputs = tuple(
        _judged(place, texts, right, salt, known_answers)
        for place, texts, right in zip(places, found.texts, copied.answers, strict=True)
    )
    generations = Generations(places, outputs, len(ids), run.body["seed"])
    body = generation_body(generations, seed=run.body["seed"], choices=bool(known_answers))
    if known_answers:
        body["outsideChoices"] = count_outside(copied.answers, known_answers)
    for name, system in zip(("model", "baseline"), found.systems, strict=True):
        body[name] |= dict(system)
    body["baseline"]["params"] = {"answerTokens": config.model.answer_tokens}
    prompt: dict[str, Any] = {
        "template": str(source.digest),
        "system": config.prompt.system,
        "choices": list(known_answers),
    }
    body |= {
        "prompt": {name: value for name, value in prompt.items() if value},
        "split": test.body.get("derivation", {}).get("part", "test"),
        "environment": environment,
        "overlap": learned.overlap(seen),
        "actual": _actual(found),
    }
    written = WrittenTexts([[one.text for one in texts] for texts in found.texts], salt)
    predictions = b"".join(write_generations(generations))
    return body, predictions, b"".join(write_outputs(places, written))


def _actual(found: GeneratedTexts) -> dict[str, str]:
    return {
        "wallSeconds": f"{sum(float(one['wallSeconds']) for one in found.systems):.1f}",
        "cpuSeconds": f"{sum(float(one['cpuSeconds']) for one in found.systems):.1f}",
        "memoryBytes": str(max(int(one["peakMemoryBytes"]) for one in found.systems)),
        **found.accelerator,
    }


def _judged(
    place: int, texts: Sequence[GeneratedText], right: str, salt: bytes, choices: Sequence[str]
) -> tuple[WrittenAnswer, ...]:
    """Return the figures of what was written of one record."""
    told = (
        tell_text(one.text, place, answerer, salt=salt, choices=choices)
        for answerer, one in enumerate(texts)
    )
    return tuple(
        judge_text(one.text, right, told=what, tokens=one.tokens, ended=one.ended, choices=choices)
        for one, what in zip(texts, told, strict=True)
    )
