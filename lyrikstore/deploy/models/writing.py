"""Models that write, deployed: the likeliest tokens are compared (spec §14.7.6)."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, RunFailedError, storage_error
from lyrikstore.deploy.models.folder_check import CHECK, CHECK_FILE, CHECK_WORDS
from lyrikstore.deploy.models.model import Files, ModelWorkers, Served, differing
from lyrikstore.deploy.models.probe import made_probe
from lyrikstore.deploy.models.targets import Target
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.formats.adapter import ADAPTER, ADAPTER_CONFIG
from lyrikstore.train.formats.base_model import CONFIG, TEMPLATE, TOKENIZER
from lyrikstore.train.formats.decoders.serving import GRAMMAR, check_served, vllm_rank
from lyrikstore.train.sft.copy import write_prompts
from lyrikstore.train.sft.prompts import RenderedRecord, open_prompts, read_prompt_source
from lyrikstore.train.snapshot import staged_weights
from lyrikstore.train.trained import stage_checkpoint
from lyrikstore.train.worker.staging import BASE, CHECKPOINT, TEST, Staging

TOKENS = 16
"""How much of each answer is compared."""

CLOSE = 100_000
"""Millionths of a logit by which the likeliest token leads the second where either counts."""

MODEL = "model-f16.gguf"
_MADE, _MOST_WORDS = 8, 20
CHOICES = "choices.json"
_MARK = "\u2063lyrikstore\u2063"
_USE = """\
# How to use this model

{how}
## How it is asked

The sealed model was trained with prompts of this form; other forms get worse answers:

```
{prompt}
```

`chat_template.jinja`, where it is there, makes them of messages. It writes the likeliest token each
time (temperature 0), at most {tokens} tokens of an answer, and stops at {stops}.

`probe.jsonl` has prompts with the tokens that the sealed model begins its answers with, for a check
of your own. `lyrikstore/` has the signed objects that the model rests on, and `NOTICE` whom to
name. Whether a right was revoked since shows only the store: `lyrikstore verify {checkpoint}`.
"""
_USE_CHOICES = """
## Its answers

It answers with one of {count} choices, and was measured so.

{how}
"""
_GGUF_CHOICES = """\
`grammar.gbnf` holds llama.cpp to them, token by token; a llama.cpp that does not know tokens in
grammars refuses the file. Ollama takes no grammar: what the model writes there is free text, and
not what was measured."""
_VLLM_CHOICES = """\
Send what `choices.json` holds with each request; without it the answers are free text, and not what
was measured. vLLM may cut a choice into other tokens than the sealed model, so that another choice
is the likeliest."""
_GGUF = """\
```sh
python3 -I check.py && llama-server -m {model} -c {context}{grammar}
ollama create NAME -f Modelfile && ollama run NAME
```

The weights are the base's with the adapter added, in fp16: another model than the sealed one, whose
likeliest tokens were compared with `--check`. Ollama itself was not asked.
"""
_VLLM = """\
```sh
sh serve.sh
```

compares the files (`check.py`), and starts vLLM with the base model and the adapter beside it,
under the name `{name}`. With `--check` transformers and PEFT loaded both and gave the sealed
model's tokens; vLLM itself was not asked.
"""
_SERVE = """\
#!/bin/sh
# Serves the adapter beside its base with vLLM, under the name {name}, if check.py finds no damage.
cd "$(dirname "$0")" || exit 1
python3 -I check.py >&2 || exit 1
exec vllm serve ./base --tokenizer ./base --enable-lora --max-lora-rank {rank} \\
  --lora-modules {name}=./adapter --max-model-len {context} --host 127.0.0.1{template} "$@"
"""


class TokenCheck(Struct, frozen=True):
    """How a deployed model's tokens compare with the sealed one's.

    Attributes:
        records: How many prompts were asked.
        agreeing: Of these, how many are read and answered with the same tokens.
        tokens: How many tokens were compared.
        same: Of these, how many are the same.
        close: Of the others, those where the sealed model itself was nearly undecided.
        latency_ms: ``p50`` and ``p95`` of one token in milliseconds, as decimal text.
    """

    records: int
    agreeing: int
    tokens: int
    same: int
    close: int
    latency_ms: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "count": self.records,
            "agreeing": self.agreeing,
            "comparedTokens": self.tokens,
            "equalTokens": self.same,
            "closeTokens": self.close,
            "latencyMs": self.latency_ms,
        }

    def in_words(self) -> str:
        """Return it in words."""
        close = f", {self.close} where it was nearly undecided" if self.close else ""
        return f"{self.same} of {self.tokens} tokens are the same{close}"


class WritingModel:
    """A staged checkpoint that writes.

    Args:
        repo: The store.
        checkpoint: The checkpoint; it is staged.
        run: Its run.
        target: Where it goes.
        workers: What loads it.
    """

    def __init__(
        self,
        repo: Repository,
        checkpoint: Manifest,
        run: Manifest,
        target: Target,
        workers: ModelWorkers,
    ) -> None:
        self._checkpoint, self._target, self._workers = checkpoint, target, workers
        self._config = TrainConfig.from_json(dict(run.body["config"]))
        base = repo.manifest(checkpoint.inputs_in("base")[0].id)
        self._source = read_prompt_source(repo, base, self._config.prompt)
        self._reads = stage_checkpoint(repo, checkpoint, workers.staging)
        settings, adapter = (
            json.loads(_staged(workers.staging, name))
            for name in (f"{BASE}/{CONFIG}", f"{CHECKPOINT}/{ADAPTER_CONFIG}")
        )
        check_served(
            target.name,
            settings=settings,
            tokenizer=_staged(workers.staging, f"{BASE}/{TOKENIZER}"),
            adapter=adapter,
            quantization=self._config.model.quantization,
        )
        self._rank = int(adapter["r"])
        with open_prompts(self._source) as rendering:
            choices = rendering.choices()
        self._texts: Sequence[str] = ()
        self._asked: Sequence[RenderedRecord] = ()
        self._answers: list[dict[str, Any]] = []
        self._stops: list[int] = []
        self._around: tuple[str, str] = "", ""
        self._about = {
            "seed": 0,
            "target": target.name,
            "weights": staged_weights(workers.staging),
            "chat": bool(self._source.chat),
            "chatTemplate": self._source.chat,
            "choices": [list(one) for one in choices],
        }

    def answer(self, texts: Sequence[str] | None) -> int:
        """Ask the sealed model the probe records; return how many they are."""
        staging = self._workers.staging
        if texts is None:
            made = made_probe([_staged(staging, f"{BASE}/{TOKENIZER}")], [""])
            texts = [one for one in made if 0 < len(one.split()) <= _MOST_WORDS][:_MADE]
        self._texts = texts
        with open_prompts(self._source) as rendering:
            asked = [self._source.turns(one, "") for one in (*texts, _MARK)]
            *self._asked, marked = rendering.render(asked, answered=False)
        if marked.prompt.count(_MARK) != 1:
            raise InvalidInputError(
                "no-such-target",
                "its chat template changes the text that it is given, which no Modelfile can say",
                hint="commit the base model with another chat_template.jinja",
            )
        before, _, after = marked.prompt.partition(_MARK)
        self._around = before, after
        with open_prompts(self._source) as rendering:
            write_prompts(
                ((Digest.of(one.encode()).hex, one) for one in texts),
                (self._source, rendering),
                staging=staging,
                name=TEST,
            )
        job = {"job": "write-probe", "tokens": TOKENS, **self._about}
        result = self._workers.run(job, (*self._reads, TEST))
        self._answers, self._stops = list(result["answers"]), list(result["stops"])
        if len(self._answers) != len(texts):
            raise RunFailedError("bad-output", "the worker answered other prompts")
        return len(texts)

    def export(self) -> dict[str, str]:
        """Write the files of the target; return name → BLAKE3."""
        weights = staged_weights(self._workers.staging)
        names = {MODEL, GRAMMAR, *(f"base/{one}" for one in (CONFIG, TOKENIZER, *weights))}
        names |= {f"adapter/{ADAPTER}", f"adapter/{ADAPTER_CONFIG}"}
        job = {"job": "export-writer", **self._about}
        return dict(self._workers.exported(job, self._reads, frozenset(names)))

    def ask(self, folder: Path) -> TokenCheck:
        """Return how the folder's answers compare; raises VerificationError where they differ."""
        answers = [
            {**{name: one[name] for name in ("among", "prompt", "tokens")}, "said": asked.prompt}
            for one, asked in zip(self._answers, self._asked, strict=True)
        ]
        job = {
            "job": "ask-writer",
            "folder": str(folder.absolute()),
            "answers": answers,
            "stops": self._stops,
        }
        result = self._workers.run({**job, **self._about}, ())
        latency = {name: result["latencyMs"][name] for name in ("p50", "p95")}
        agreeing = same = close = 0
        for one, given in zip(self._answers, result["tokens"], strict=True):
            places = zip(one["tokens"], given, one["leads"], strict=False)
            found = [
                (wanted == token, wanted != token and lead < CLOSE)
                for wanted, token, lead in places
            ]
            whole = len(given) == len(one["tokens"])
            odd = next((at for at, (equal, _) in enumerate(found) if not equal), None)
            if one["among"] and odd is not None:  # what follows it is of another choice
                found, whole = found[: odd + 1], True
            same += sum(equal for equal, _ in found)
            close += sum(near for _, near in found)
            agreeing += whole and all(equal or near for equal, near in found)
        tokens = sum(len(one["tokens"]) for one in self._answers)
        check = TokenCheck(len(self._answers), agreeing, tokens, same, close, latency)
        if agreeing != len(self._answers):
            raise differing(check)
        return check

    def served(self) -> Served:
        """Return what the folder serves."""
        model = self._config.model
        limits = {"maxTokens": model.max_tokens, "answerTokens": model.answer_tokens}
        return Served("f16" if self._target.name == "gguf" else "none", limits)

    def probe_file(self) -> bytes:
        """Return the probe records with the start of the sealed model's answers."""
        lines = []
        for text, asked, one in zip(self._texts, self._asked, self._answers, strict=True):
            line = {"text": text, "prompt": asked.prompt, "answer": one["text"]}
            line |= {"promptTokens": one["prompt"], "answerTokens": one["tokens"]}
            lines.append(json.dumps(line, ensure_ascii=False) + "\n")
        return "".join(lines).encode()

    def usage_files(self) -> Files:
        """Return the files that say how the folder is loaded."""
        model = self._config.model
        name = self._checkpoint.name.rpartition("/")[2]
        before, after = self._around
        choices = self._config.prompt.choices
        files: Files = {CHECK_FILE: CHECK.encode()}
        if self._target.name == "gguf":
            grammar = f" --grammar-file {GRAMMAR}" if choices else ""
            how = _GGUF.format(model=MODEL, context=model.max_tokens, grammar=grammar)
            files["Modelfile"] = self._modelfile().encode()
        else:
            how = _VLLM.format(name=name)
            rank = vllm_rank(self._rank)
            template = " --chat-template ./chat_template.jinja" if self._source.chat else ""
            serve = _SERVE.format(name=name, rank=rank, context=model.max_tokens, template=template)
            files["serve.sh"] = serve.encode()
            if choices:
                within = {"structured_outputs": {"choice": list(choices)}}
                files[CHOICES] = json.dumps(within, ensure_ascii=False).encode() + b"\n"
        if self._source.chat:
            files[TEMPLATE] = self._source.chat.encode()
        use = _USE.format(
            how=how,
            prompt=f"{before}YOUR TEXT{after}",
            tokens=model.answer_tokens,
            stops=f"`{self._source.end}`",
            checkpoint=self._checkpoint.id,
        )
        if choices:
            held = _GGUF_CHOICES if self._target.name == "gguf" else _VLLM_CHOICES
            use += _USE_CHOICES.format(count=len(choices), how=held)
        use += CHECK_WORDS.format(more="")
        return {**files, "USE.md": use.encode()}

    def _modelfile(self) -> str:
        """Return what Ollama makes the model of, with the very prompt that it was trained with."""
        model = self._config.model
        return (
            f"FROM ./{MODEL}\n"
            f'TEMPLATE """{go_template(*self._around)}"""\n'
            f"PARAMETER stop {json.dumps(self._source.end, ensure_ascii=False)}\n"
            "PARAMETER temperature 0\n"
            f"PARAMETER num_ctx {model.max_tokens}\n"
            f"PARAMETER num_predict {model.answer_tokens}\n"
        )


def _staged(staging: Staging, name: str) -> bytes:
    try:
        return (staging.path / name).read_bytes()
    except OSError as error:
        raise storage_error(error, f"reading {name}") from error


def go_template(before: str, after: str) -> str:
    """Return what gives a prompt between two texts, as a template of Go between three quotes.

    Raises:
        InvalidInputError: (``no-such-target``) it cannot be said there.
    """
    first, last = (text.replace("{", '{{ "{" }}') for text in (before, after))
    whole = f"{first}{{{{ .Prompt }}}}{last}"
    # A quote beside the three that enclose it would end it one sign early.
    if '"""' in whole or whole.startswith('"') or whole.endswith('"'):
        raise InvalidInputError(
            "no-such-target",
            "its prompt has quotes where no Modelfile can hold them",
            hint="use --to vllm, or train it with another [prompt] template",
        )
    return whole
