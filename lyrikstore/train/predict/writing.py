"""What a model that writes answers to files and rows (spec §13.12.8)."""

from collections.abc import Iterator, Mapping, Sequence

from lyrikstore.canon.progress import OnProgress
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.predict.asked import AskedRecord
from lyrikstore.train.predict.prediction import Prediction
from lyrikstore.train.sft.copy import write_prompts
from lyrikstore.train.sft.generate import generate_texts
from lyrikstore.train.sft.prompts import open_prompts, read_prompt_source
from lyrikstore.train.trained import stage_checkpoint
from lyrikstore.train.worker.staging import TEST, Staging


def write_answers(
    repo: Repository,
    checkpoint: Manifest,
    run: Manifest,
    asked: Sequence[AskedRecord],
    staging: Staging,
    *,
    device: str,
    base_env: Mapping[str, str],
    progress: OnProgress,
) -> Iterator[Prediction]:
    """Yield what a model writes to each record, in order.

    Args:
        repo: The store.
        checkpoint: The model.
        run: Its run.
        asked: The records; those with a problem get no answer.
        staging: Where model and prompts are copied.
        device: Where it is computed.
        base_env: The caller's environment.
        progress: Progress callback, called per batch.

    Raises:
        InvalidInputError: (``special-token``, ``bad-template``, ``prompt-too-long``) they cannot be
            asked.
        RunFailedError, VerificationError, IncompleteError, StorageError: As ``run_job``.
    """
    config = TrainConfig.from_json(dict(run.body["config"]))
    base = repo.manifest(checkpoint.inputs_in("base")[0].id)
    source = read_prompt_source(repo, base, config.prompt)
    reads = stage_checkpoint(repo, checkpoint, staging)
    fine = [one for one in asked if one.problem is None and one.record is not None]
    with open_prompts(source) as rendering:
        write_prompts(
            ((one.record.hex if one.record else "", one.text) for one in fine),
            (source, rendering),
            staging=staging,
            name=TEST,
        )
        choices = rendering.choices()
    found = iter(
        generate_texts(
            staging,
            reads,
            run.body,
            chat=bool(source.chat),
            choices=choices,
            baseline=False,
            device=device,
            base_env=base_env,
            progress=progress,
        ).texts
    )
    for one in asked:
        if one.problem is not None or one.record is None:
            yield Prediction(one)
            continue
        (written,) = next(found)
        yield Prediction(
            one, (written.text,), tokens=written.tokens, is_text=True, is_whole=written.ended
        )
