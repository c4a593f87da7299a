"""The likeliest next tokens of the sealed model and of the deployed one (spec §14.7.6)."""

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
"""For each place of an answer, the tokens that its choices allow; empty: there are no choices."""

Next = Callable[[Sequence[int], Sequence[int], Among], list[int]]
"""Prompt and answer in tokens → the likeliest token at each place of the answer."""


class TokenReader(NamedTuple):
    """The interface to a deployed generative model.

    Attributes:
        next_tokens: Function that predicts the likeliest tokens.
        read: Function from a text to its tokens.
        write: Function from a prompt in tokens and a most number of tokens to the answer's text.
    """

    next_tokens: Next
    read: Callable[[str], list[int]]
    write: Callable[[Sequence[int], int], str]


def probe_tokens(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Generate the start of the sealed model's answer to each prompt.

    Args:
        job: ``threads``, ``seed``; ``weights``: files of the base's weights; ``chat``; ``tokens``:
        the number of tokens generated of each answer; ``choices``: the allowed answers, each with
        its completion, which are generated whole.
        files: The staging folder: the checkpoint, its base, ``test.jsonl``.
        report: Called per record.

    Returns:
        ``stops``: the tokens that end an answer; ``answers``: for each record ``prompt`` and
        ``tokens``, ``text``, ``leads``: the lead of each token over the second in millionths of a
        logit, and ``among``: for each place the tokens that the choices allow, empty without
        choices; ``choiceTokens``: the tokens of each choice.
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
                **choices.generation_arguments(len(prompt)),
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
    """Predict the likeliest token at each place of some answers with a deployed model.

    Args:
        job: ``answers``, as :func:`probe_tokens` returns them, each with ``said``, the prompt as
        text; ``testPart``: prompts that are answered whole, with ``longest`` tokens at most.
        reader: The interface to the deployed model.
        report: Called per record.

    Returns:
        ``tokens``: for each record a list as long as its answer, empty if the deployed model
        tokenizes the prompt differently; with choices, the list may end after a token that differs;
        ``texts``: the answers to ``testPart``; and ``latencyMs`` of one token.
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
