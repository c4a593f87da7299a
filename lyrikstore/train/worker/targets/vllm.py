"""Target ``vllm``: a generative model as base and adapter (spec §14.7.6)."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from lyrikstore.train.formats.adapter import ADAPTER, ADAPTER_CONFIG
from lyrikstore.train.formats.base_model import CONFIG, TOKENIZER
from lyrikstore.train.formats.decoder import PROMPT
from lyrikstore.train.worker.export.output import Output
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.staging import BASE, CHECKPOINT
from lyrikstore.train.worker.targets.registry import TextModel, Usage, refused

if TYPE_CHECKING:
    from lyrikstore.train.worker.export.next_tokens import Among, TokenReader

_VLLM_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""The values of ``--max-lora-rank`` that vLLM accepts."""

CHOICES = "choices.json"
_USE = """\
```sh
sh serve.sh
```

compares the files (`check.py`), and starts vLLM with the base model and the adapter beside it,
under the name `{name}`. It was not compared in vLLM itself.
"""
_CHOICES = """\
Send the content of `choices.json` with each request; without it the answers are free text, and were
not measured. vLLM may tokenize a choice differently from the sealed model, so that another choice
is the likeliest."""
_SERVE = """\
#!/bin/sh
# Serves the adapter beside its base with vLLM, under the name {name}, if check.py finds no damage.
cd "$(dirname "$0")" || exit 1
python3 -I check.py >&2 || exit 1
exec vllm serve ./base --tokenizer ./base --enable-lora --max-lora-rank {rank} \\
  --lora-modules {name}=./adapter --max-model-len {context} --host 127.0.0.1{template} "$@"
"""


def check(model: TextModel) -> None:
    """Raise ``no-such-target`` unless vLLM loads the adapter."""
    if model.quantization:
        raise refused(
            "vLLM loads the unquantized base, and this adapter was trained on a base in 4 bits",
            "use --to gguf, which dequantizes it; or train without [model] quantization",
        )
    for member, words in (
        ("use_dora", "an adapter with DoRA"),
        ("modules_to_save", "an adapter with layers of its own (modules_to_save)"),
    ):
        if model.adapter.get(member):
            raise refused(f"vLLM does not serve {words}", "train it without them, or merge it")
    if model.adapter.get("bias", "none") != "none":
        raise refused("vLLM does not serve an adapter with biases", 'train it with bias = "none"')
    vllm_rank(model.adapter["r"])


def usage(model: TextModel) -> Usage:
    """Return how the folder is loaded, with the program that starts vLLM."""
    template = " --chat-template ./chat_template.jinja" if model.chat else ""
    rank = vllm_rank(model.adapter["r"])
    serve = _SERVE.format(name=model.name, rank=rank, context=model.max_tokens, template=template)
    files = {"serve.sh": serve.encode()}
    if model.choices:
        within = {"structured_outputs": {"choice": list(model.choices)}}
        files[CHOICES] = json.dumps(within, ensure_ascii=False).encode() + b"\n"
    return Usage(_USE.format(name=model.name), files, _CHOICES)


def write(job: Mapping[str, Any], files: StagedFiles, out: Output) -> None:
    """Write the unchanged base, and the adapter beside it."""
    for name in (CONFIG, TOKENIZER, *job["weights"]):
        out.write(f"base/{name}", files.read(f"{BASE}/{name}"))
    about = json.loads(files.read(f"{CHECKPOINT}/{ADAPTER_CONFIG}"))
    out.write_json(f"adapter/{ADAPTER_CONFIG}", about | {"base_model_name_or_path": "../base"})
    files.read(f"{CHECKPOINT}/{PROMPT}")  # all that was staged is loaded, or the job fails
    out.write(f"adapter/{ADAPTER}", files.read(f"{CHECKPOINT}/{ADAPTER}"))


def read(folder: Path, job: Mapping[str, Any]) -> "TokenReader":
    """Return the interface to the deployed model, loaded with transformers and PEFT."""
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModelForCausalLM, GenerationConfig

    from lyrikstore.train.worker.export.next_tokens import TokenReader
    from lyrikstore.train.worker.models.adapters import load_peft

    torch.set_num_threads(job["threads"])
    own: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    base = AutoModelForCausalLM.from_pretrained(folder / "base", dtype=torch.float32, **own)
    adapted = load_peft().PeftModel
    model = adapted.from_pretrained(base, str(folder / "adapter"), local_files_only=True)
    model.eval()
    tokenizer = Tokenizer.from_file(str(folder / "base" / "tokenizer.json"))

    def next_tokens(prompt: Sequence[int], answer: Sequence[int], among: "Among") -> list[int]:
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([[*prompt, *answer]])).logits[0]
        places = logits[len(prompt) - 1 : -1]
        if among:
            pairs = zip(places, among, strict=True)
            return [max(some, key=one.tolist().__getitem__) for one, some in pairs]
        return [int(one) for one in places.argmax(-1)]

    def read(text: str) -> list[int]:
        return list(tokenizer.encode(text, add_special_tokens=False).ids)

    choices = [tuple(one) for one in job["choiceTokens"]]
    names = dict(zip(choices, (name for name, _ in job["choices"]), strict=True))
    stops = list(job["stops"])

    def write(prompt: Sequence[int], most: int) -> str:
        def allowed(_: int, tokens: Any) -> list[int]:
            begun = tuple(tokens[len(prompt) :].tolist())
            fitting = [one for one in choices if one[: len(begun)] == begun and one != begun]
            return list(dict.fromkeys(one[len(begun)] for one in fitting)) or stops[:1]

        inputs = torch.tensor([list(prompt)])
        settings = cast("Any", GenerationConfig)(
            do_sample=False, max_new_tokens=most, eos_token_id=stops, pad_token_id=stops[0]
        )
        with torch.inference_mode():
            output = model.generate(
                input_ids=inputs,
                attention_mask=torch.ones_like(inputs),
                generation_config=settings,
                **({"prefix_allowed_tokens_fn": allowed} if choices else {}),
            )[0, len(prompt) :].tolist()
        end = next((at for at, token in enumerate(output) if token in stops), len(output))
        if choices:
            return str(names.get(tuple(output[: end + 1]), ""))
        return str(tokenizer.decode(output[:end]))

    return TokenReader(next_tokens, read, write)


def vllm_rank(rank: int) -> int:
    """Return the smallest ``--max-lora-rank`` of vLLM that is enough for an adapter's rank.

    Raises:
        InvalidInputError: (``no-such-target``) the rank is too large for vLLM.
    """
    found = next((one for one in _VLLM_RANKS if one >= rank), None)
    if found is None:
        raise refused(
            f"vLLM serves adapters of rank {_VLLM_RANKS[-1]} at most, not {rank}",
            f"[lora] rank = {_VLLM_RANKS[-1]}",
        )
    return found
