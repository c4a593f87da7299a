"""Evaluation of a generative model, and of its base model, on a test set (spec §13.12.8)."""

from collections.abc import Sequence
from secrets import token_bytes
from typing import Any

from lyrikstore.context import StoreContext
from lyrikstore.curate.recipes.references import read_dataset_records
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.evaluation.answers import actual_of
from lyrikstore.train.evaluation.overlap import LearnedData
from lyrikstore.train.resolve_checkpoint import stage_checkpoint
from lyrikstore.train.sft.accelerator import describe_machine
from lyrikstore.train.sft.copy import copy_conversations, has_conversation
from lyrikstore.train.sft.generate import GeneratedText, generate_texts
from lyrikstore.train.sft.prompts import open_prompts, read_prompt_source
from lyrikstore.train.task import Evaluated, TestedModel
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
    identify_text,
    judge_text,
)


def evaluate_texts(
    context: StoreContext, model: TestedModel, *, sample: int | None, device: str
) -> Evaluated:
    """Run a model and its base model on the test set, and return the evaluation.

    Args:
        context: The store.
        model: The model, its run and the test set.
        sample: Number of records that are answered; None: all.
        device: The device that the models run on.

    Raises:
        InvalidInputError, VerificationError, IncompleteError, RunFailedError, StorageError: As
            :func:`lyrikstore.train.sft.copy.copy_conversations` and ``run_job``.
        LyrikstoreError: As :meth:`LearnedData.check_unseen`.
    """
    repo, run, test = context.repository, model.run, model.test
    config = TrainConfig.from_json(dict(run.body["config"]))
    base = repo.manifest(model.checkpoint.inputs_in("base")[0].id)
    rows = enumerate(read_dataset_records(repo, test))
    ids = {place: row.id for place, row in rows if has_conversation(row, config.data)}
    chosen = None
    if sample is not None and sample < len(ids):
        chosen = sample_records(ids.values(), sample, run.body["seed"])
    asked = {place: one for place, one in ids.items() if chosen is None or one in chosen}
    learned = LearnedData.of(repo, model.checkpoint, None)
    seen = learned.check_unseen(test, asked.values())
    environment = describe_machine(
        context,
        config,
        device=device,
        precision=run.body["environment"].get("precision", "fp32"),
    )
    source = read_prompt_source(repo, base, config.prompt)
    with open_staging(repo.root) as staging:
        reads = stage_checkpoint(repo, model.checkpoint, staging)
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
            context,
            staging,
            reads,
            run.body,
            job="score",
            chat=bool(source.chat),
            choices=choices,
            device=device,
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
        "environment": environment,
        "overlap": learned.overlap(seen),
        "actual": {**actual_of(found.systems), **found.accelerator},
    }
    written = WrittenTexts([[one.text for one in texts] for texts in found.texts], salt)
    return Evaluated(
        body,
        {
            "predictions": b"".join(write_generations(generations)),
            "outputs": b"".join(write_outputs(places, written)),
        },
    )


def _judged(
    place: int, texts: Sequence[GeneratedText], right: str, salt: bytes, choices: Sequence[str]
) -> tuple[WrittenAnswer, ...]:
    """Return the figures of the texts that were generated for one record."""
    measures = (
        identify_text(one.text, place, answerer, salt=salt, choices=choices)
        for answerer, one in enumerate(texts)
    )
    return tuple(
        judge_text(
            one.text, right, identifier=what, tokens=one.tokens, ended=one.ended, choices=choices
        )
        for one, what in zip(texts, measures, strict=True)
    )
