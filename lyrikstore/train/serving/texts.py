"""Deployed generative models: their most likely tokens are compared (spec §14.7.6)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, RunFailedError
from lyrikstore.curate.recipes.references import read_dataset_records
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.formats.adapter import ADAPTER_CONFIG
from lyrikstore.train.formats.base_model import CONFIG, TEMPLATE, TOKENIZER
from lyrikstore.train.requirements import CPU
from lyrikstore.train.serving.model import Files, ModelWorkers, ServedModel
from lyrikstore.train.serving.probe import TestPartCheck, made_probe
from lyrikstore.train.sft.copy import copy_conversations, has_conversation, write_prompts
from lyrikstore.train.sft.generate import generate_texts
from lyrikstore.train.sft.prompts import RenderedRecord, open_prompts, read_prompt_source
from lyrikstore.train.snapshot import staged_weights
from lyrikstore.train.worker.staging import BASE, CHECKPOINT, TEST, TEST_PART
from lyrikstore.train.worker.targets.registry import Target, TextModel, Usage
from lyrikstore.verify.evaluation.generation.generations import sample_records

TOKENS = 16
"""Number of tokens of each answer that are compared."""

CLOSE = 100_000
"""If the most likely token leads by fewer millionths of a logit, the second one is accepted."""

_MADE, _MOST_WORDS = 8, 20
_MARK = "\u2063lyrikstore\u2063"
_USE = """\

## The prompt

The sealed model was trained with prompts of this form; other forms get worse answers:

```
{prompt}
```

`chat_template.jinja`, if the folder has it, makes such prompts of messages. The model generates the
most likely token each time (temperature 0), at most {tokens} tokens for an answer, and stops at
{stops}.

`probe.jsonl` contains prompts with the first tokens of the sealed model's answers. Use it to check
the model yourself. `lyrikstore/` contains the signed objects that the model depends on,
and `NOTICE` the names to credit. Only the store shows whether a right was revoked since:
`lyrikstore verify {checkpoint}`.
"""
_USE_CHOICES = """
## Its answers

It answers with one of {count} choices, and was evaluated in this way.

{how}
"""


class TokenCheck(Struct, frozen=True):
    """Comparison of the tokens of a deployed and a sealed generative model.

    Attributes:
        records: Number of prompts.
        agreeing: Number of prompts that are tokenized and answered with the same tokens.
        tokens: Number of compared tokens.
        same: Number of equal tokens.
        close: Number of other tokens for which the sealed model was nearly undecided.
        latency_ms: ``p50`` and ``p95`` of one token in milliseconds, as decimal text.
        test: The comparison of whole answers to records of the test part; None: there was none.
        is_held: Whether a single other answer to these records fails the comparison.
    """

    records: int
    agreeing: int
    tokens: int
    same: int
    close: int
    latency_ms: dict[str, str]
    test: TestPartCheck | None = None
    is_held: bool = False

    @property
    def holds(self) -> bool:
        """Whether every answer that must agree is that of the sealed model."""
        test = self.test if self.is_held else None
        return self.agreeing == self.records and (test is None or test.agreeing == test.records)

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON."""
        return {
            "count": self.records,
            "agreeing": self.agreeing,
            "comparedTokens": self.tokens,
            "equalTokens": self.same,
            "closeTokens": self.close,
            "latencyMs": self.latency_ms,
            **({} if self.test is None else {"testPart": self.test.to_json()}),
        }


class ServedText(ServedModel):
    """A staged checkpoint that generates text."""

    def __init__(
        self, checkpoint: Manifest, run: Manifest, target: Target, workers: ModelWorkers
    ) -> None:
        super().__init__(checkpoint, run, target, workers)
        self._config = TrainConfig.from_json(dict(run.body["config"]))
        repository = workers.context.repository
        base = repository.manifest(checkpoint.inputs_in("base")[0].id)
        self._source = read_prompt_source(repository, base, self._config.prompt)
        self._model = self._described(("", ""))
        target.part.check(self._model)
        with open_prompts(self._source) as rendering:
            choices = rendering.choices()
        self._asked: Sequence[RenderedRecord] = ()
        self._answers: list[dict[str, Any]] = []
        self._stops: list[int] = []
        self._choice_tokens: list[list[int]] = []
        self._drawn: Sequence[str] = ()
        self._written: Sequence[str] = ()
        self._about |= {
            "weights": staged_weights(workers.staging),
            "chat": bool(self._source.chat),
            "chatTemplate": self._source.chat,
            "choices": [list(one) for one in choices],
            "tokens": TOKENS,
        }

    def _described(self, around: tuple[str, str]) -> TextModel:
        model, staged = self._config.model, self._workers.staged
        return TextModel(
            name=self._checkpoint.name.rpartition("/")[2],
            settings=json.loads(staged(f"{BASE}/{CONFIG}")),
            tokenizer=staged(f"{BASE}/{TOKENIZER}"),
            adapter=json.loads(staged(f"{CHECKPOINT}/{ADAPTER_CONFIG}")),
            quantization=model.quantization,
            chat=self._source.chat,
            choices=self._config.prompt.choices,
            max_tokens=model.max_tokens,
            answer_tokens=model.answer_tokens,
            around=around,
            end=self._source.end,
        )

    @property
    def limits(self) -> Mapping[str, int]:
        """``maxTokens`` of a prompt and ``answerTokens`` of an answer."""
        return {"maxTokens": self._model.max_tokens, "answerTokens": self._model.answer_tokens}

    def made_texts(self) -> Sequence[str]:
        """Return a few short probe texts, made of words of the base model's vocabulary."""
        made = made_probe([self._model.tokenizer], [""])
        return [one for one in made if 0 < len(one.split()) <= _MOST_WORDS][:_MADE]

    def draw(self, test: Manifest, records: int) -> None:
        """Sample records of the test part, and generate the sealed model's answers to them.

        They are generated as in a prediction, to compare the deployed model with the store's
        answers.
        """
        workers, data = self._workers, self._config.data
        repo, staging = workers.context.repository, workers.staging
        rows = (row for row in read_dataset_records(repo, test) if has_conversation(row, data))
        chosen = sample_records({row.id for row in rows}, records, self._run.body["seed"])
        with open_prompts(self._source) as rendering:
            copy_conversations(
                repo,
                [test],
                data,
                (self._source, rendering),
                staging=staging,
                name=TEST_PART,
                chosen=chosen,
            )
            choices = rendering.choices()
        found = generate_texts(
            workers.context,
            staging,
            self._reads,
            self._run.body,
            job="predict",
            chat=bool(self._source.chat),
            choices=choices,
            device=CPU,
            asked=TEST_PART,
        )
        lines = workers.staged(TEST_PART).splitlines()
        self._drawn = [json.loads(line)["prompt"] for line in lines]
        self._written = [one.text for (one,) in found.texts]

    def stage_probe(self, texts: Sequence[str]) -> None:
        """Render the probe texts as prompts and stage them.

        Raises:
            InvalidInputError: (``no-such-target``) the chat template changes the text of a prompt.
        """
        with open_prompts(self._source) as rendering:
            asked = [self._source.turns(one, "") for one in (*texts, _MARK)]
            *self._asked, marked = rendering.render(asked, answered=False)
            write_prompts(
                ((Digest.of(one.encode()).hex, one) for one in texts),
                (self._source, rendering),
                staging=self._workers.staging,
                name=TEST,
            )
        if marked.prompt.count(_MARK) != 1:
            raise InvalidInputError(
                "no-such-target",
                "the chat template changes the text of a prompt, which a Modelfile cannot do",
                hint="commit the base model with another chat_template.jinja",
            )
        before, _, after = marked.prompt.partition(_MARK)
        self._model = self._described((before, after))

    def keep(self, result: Mapping[str, Any]) -> None:
        """Keep the tokens of each answer, and the lead of each token over the second."""
        self._answers, self._stops = list(result["answers"]), list(result["stops"])
        self._choice_tokens = list(result["choiceTokens"])
        if len(self._answers) != len(self._texts):
            raise RunFailedError(
                "bad-output", "the worker process returned another number of answers than prompts"
            )

    def question(self) -> Mapping[str, Any]:
        """Return the job members with the answers whose tokens are computed again."""
        answers = [
            {**{name: one[name] for name in ("among", "prompt", "tokens")}, "said": asked.prompt}
            for one, asked in zip(self._answers, self._asked, strict=True)
        ]
        longest = max(map(len, self._choice_tokens), default=self._model.answer_tokens)
        return {
            "answers": answers,
            "stops": self._stops,
            "choiceTokens": self._choice_tokens,
            "testPart": list(self._drawn),
            "longest": longest,
        }

    def compare(self, result: Mapping[str, Any], latency: dict[str, str]) -> TokenCheck:
        """Compare token by token."""
        agreeing = same = close = 0
        for one, given in zip(self._answers, result["tokens"], strict=True):
            places = zip(one["tokens"], given, one["leads"], strict=False)
            found = [
                (wanted == token, wanted != token and lead < CLOSE)
                for wanted, token, lead in places
            ]
            whole = len(given) == len(one["tokens"])
            differing = next((at for at, (equal, _) in enumerate(found) if not equal), None)
            if one["among"] and differing is not None:  # later tokens belong to another choice
                found, whole = found[: differing + 1], True
            same += sum(equal for equal, _ in found)
            close += sum(near for _, near in found)
            agreeing += whole and all(equal or near for equal, near in found)
        tokens = sum(len(one["tokens"]) for one in self._answers)
        test = None
        if self._test is not None:
            pairs = zip(self._written, result["texts"], strict=True)
            equal = sum(sealed.strip() == served for sealed, served in pairs)
            test = TestPartCheck(self._test.id, len(self._written), equal)
        # Quantized weights are another model, and free text may differ in one word of many.
        held = bool(self._model.choices) and self._target.quantization == "none"
        return TokenCheck(len(self._answers), agreeing, tokens, same, close, latency, test, held)

    def probe_lines(self) -> Iterator[dict[str, Any]]:
        """Yield text, prompt and the start of the sealed model's answer for each probe record."""
        for text, asked, one in zip(self._texts, self._asked, self._answers, strict=True):
            line = {"text": text, "prompt": asked.prompt, "answer": one["text"]}
            yield line | {"promptTokens": one["prompt"], "answerTokens": one["tokens"]}

    def usage(self) -> Usage:
        """Return how the target loads the model."""
        return self._target.part.usage(self._model)

    def said(self, usage: Usage) -> str:
        """Return the sections of ``USE.md`` about prompt and answers."""
        model, (before, after) = self._model, self._model.around
        text = _USE.format(
            prompt=f"{before}YOUR TEXT{after}",
            tokens=model.answer_tokens,
            stops=f"`{model.end}`",
            checkpoint=self._checkpoint.id,
        )
        if model.choices:
            text += _USE_CHOICES.format(count=len(model.choices), how=usage.answers)
        return text

    def beside(self) -> Files:
        """Return the chat template, if the model has one."""
        return {TEMPLATE: self._source.chat.encode()} if self._source.chat else {}
