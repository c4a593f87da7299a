"""Answers of a generative model to files and rows (spec §13.12.8)."""

from lyrikstore.context import StoreContext
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.predict.prediction import AnsweringModel, ModelAnswers
from lyrikstore.train.resolve_checkpoint import stage_checkpoint
from lyrikstore.train.sft.copy import write_prompts
from lyrikstore.train.sft.generate import generate_texts
from lyrikstore.train.sft.prompts import open_prompts, read_prompt_source
from lyrikstore.train.worker.staging import TEST


def answer_texts(context: StoreContext, asked: AnsweringModel, *, device: str) -> ModelAnswers:
    """Return the generated text for each record, in order; all texts are kept in memory.

    Args:
        context: The store.
        asked: The model, and the records.
        device: The device that the model runs on.

    Raises:
        InvalidInputError: (``special-token``, ``bad-template``, ``prompt-too-long``) a prompt
            cannot be made of a record.
        RunFailedError, VerificationError, IncompleteError, StorageError: As ``run_job``.
    """
    repo, staging = context.repository, asked.staging
    config = TrainConfig.from_json(dict(asked.run.body["config"]))
    base = repo.manifest(asked.checkpoint.inputs_in("base")[0].id)
    records = [(one.record.hex if one.record else "", one.text) for one in asked.records]
    source = read_prompt_source(repo, base, config.prompt)
    reads = stage_checkpoint(repo, asked.checkpoint, staging)
    with open_prompts(source) as rendering:
        write_prompts(records, (source, rendering), staging=staging, name=TEST)
        choices = rendering.choices()
    found = generate_texts(
        context,
        staging,
        reads,
        asked.run.body,
        job="predict",
        chat=bool(source.chat),
        choices=choices,
        device=device,
    )
    return ModelAnswers(
        {
            "answer": (one.text,),
            "tokens": one.tokens,
            "is_text": True,
            "is_whole": one.ended,
        }
        for (one,) in found.texts
    )
