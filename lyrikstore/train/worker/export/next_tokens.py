"""The likeliest next tokens, of the sealed model and of one that was deployed (spec §14.7.6)."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import torch
from transformers import GenerationConfig

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.train.worker.generation.constrained_choices import AnswerChoices
from lyrikstore.train.worker.generation.decoder import AdaptedDecoder
from lyrikstore.train.worker.generation.tokenized import ConversationTokenizer
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.metrics import timed
from lyrikstore.train.worker.models.encoder import prepare
from lyrikstore.train.worker.staging import CHECKPOINT, TEST
from lyrikstore.train.worker.training.checkpoint_writer import Report

MILLION = 1_000_000
Among = Sequence[Sequence[int]]
"""Of each place of an answer, the tokens that are a choice's; empty: there are no choices."""

Next = Callable[[Sequence[int], Sequence[int], Among], list[int]]
"""Prompt and answer in tokens → the likeliest token at each place of the answer."""


class TokenReader(NamedTuple):
    """How a deployed folder is asked.

    Attributes:
        next_tokens: Gives the likeliest tokens.
        read: Reads a text as tokens.
        write: Answers a prompt in tokens with a text, of so many tokens at most.
    """

    next_tokens: Next
    read: Callable[[str], list[int]]
    write: Callable[[Sequence[int], int], str]


def probe_tokens(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Write the start of the sealed model's answer to some prompts.

    Args:
        job: ``threads``, ``seed``; ``weights``: files of the base's weights; ``chat``; ``tokens``:
            how many are written of each answer; ``choices``: the only answers, each with its
            completion, which are written whole.
        files: The staging folder: the checkpoint, its base, ``test.jsonl``.
        report: Called per record.

    Returns:
        ``stops``: the tokens that end an answer; ``answers``: of each record ``prompt`` and
        ``tokens``, ``text``, ``leads``: by how many millionths of a logit each token leads the
        second, and ``among``: of each place the tokens that are a choice's, none without choices;
        ``choiceTokens``: the tokens of each choice.
    """
    prepare(job["threads"], job["seed"])
    text = ConversationTokenizer(files, chat=job["chat"])
    prompts = text.prompts([json.loads(line)["prompt"] for line in files.lines(TEST)])
    model = AdaptedDecoder.load(files, CHECKPOINT, job["weights"])
    choices = AnswerChoices.of_checkpoint(text, job, model.about)
    most = choices.longest or int(job["tokens"])
    room = int(model.about["maxTokens"]) - most
    if max(map(len, prompts)) > room:
        raise InvalidInputError(
            "bad-probe",
            f"a prompt has {max(map(len, prompts))} tokens, and {room} leave room for an answer",
            hint="shorten the texts of the probe",
        )
    settings = cast("Any", GenerationConfig)(
        do_sample=False,
        max_new_tokens=most,
        eos_token_id=list(text.stops),
        pad_token_id=text.stops[0],
        output_scores=True,
        return_dict_in_generate=True,
    )
    answers = []
    for number, prompt in enumerate(prompts):
        read = torch.tensor([prompt])
        with torch.inference_mode():
            written = model.causal.generate(
                input_ids=read,
                attention_mask=torch.ones_like(read),
                generation_config=settings,
                **choices.asked_with(len(prompt)),
            )
        tokens = written.sequences[0, len(prompt) :].tolist()
        best = [one[0].to(torch.float64).topk(2).values for one in written.scores]
        answers.append(
            {
                "prompt": prompt,
                "tokens": tokens,
                "text": choices.name(tokens) if choices else text.read(tokens).strip(),
                "leads": [round(min(float(a - b) * MILLION, 1 << 50)) for a, b in best],
                "among": [choices.following(tokens[:at]) for at in range(len(tokens))]
                if choices
                else [],
            }
        )
        report("score", number + 1, len(prompts))
    return {
        "answers": answers,
        "stops": list(text.stops),
        "choiceTokens": choices.tokens,
    }


def ask_tokens(job: Mapping[str, Any], reader: TokenReader, report: Report) -> dict[str, Any]:
    """Ask a deployed model for the likeliest token after each token of some answers.

    Args:
        job: ``answers``, as :func:`probe_tokens` gives them, these with ``said``, the prompt as
            text; ``testPart``: prompts that are answered whole, with ``longest`` tokens at most.
        reader: That of the folder.
        report: Called per record.

    Returns:
        ``tokens``: of each record a list as long as its answer, empty where the prompt is read as
        other tokens; within choices, it may be shorter behind a token that differs; ``texts``: the
        answers to ``testPart``; and ``latencyMs`` of one token.
    """

    def answer(one: Mapping[str, Any]) -> list[int]:
        if reader.read(one["said"]) != one["prompt"]:
            return []
        return reader.next_tokens(one["prompt"], one["tokens"], one["among"])

    found, times = timed(job["answers"], answer, report, lambda one: len(one["tokens"]))
    texts = []
    for number, prompt in enumerate(job["testPart"]):
        texts.append(reader.write(reader.read(prompt), job["longest"]).strip())
        report("check", number + 1, len(job["testPart"]))
    return {"tokens": found, "texts": texts, "latencyMs": times}
