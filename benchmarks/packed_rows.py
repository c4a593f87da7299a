#!/usr/bin/env python3
"""What a packed row costs with a mask of its tokens squared, and by its records alone.

    python benchmarks/packed_rows.py                    512, 2,048 and 8,192 tokens
    python benchmarks/packed_rows.py --write-docs

Two layers of SmolLM2's shape with random weights go forward and back over one row of records of 40
to 300 tokens, each case in a process of its own: processor seconds are the least of two, memory is
what the peak rose by.
"""

import argparse
import json
import platform
import random
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs" / "internals" / "training.md"
MARK, END = "<!-- written by benchmarks/packed_rows.py -->", "<!-- end of packed_rows.py -->"
WAYS = ("mask", "records")
TOKENS = (512, 2048, 8192)
HEAD = ("tokens of a row", "records", "CPU-s: with a mask → by records", "memory, MB")


def case(way: str, tokens: int) -> dict[str, float]:
    """Return what one way of computing a row took in this process."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from lyrikstore.canon.digest import Digest
    from lyrikstore.train.worker.generation.loss import PackedRows, hidden_states, pack_rows
    from lyrikstore.train.worker.generation.segments import ATTENTION
    from lyrikstore.train.worker.generation.tokenized import TokenizedConversation

    def seen_through_a_mask(rows: PackedRows) -> torch.Tensor:
        owners = (rows.positions == 0).long().cumsum(1)
        causal = torch.ones((tokens, tokens), dtype=torch.bool).tril()
        mask = (owners[:, :, None] == owners[:, None, :]) & causal
        found = model.model(
            input_ids=rows.tokens,
            attention_mask=mask[:, None],
            position_ids=rows.positions,
            use_cache=False,
        )
        return found.last_hidden_state

    torch.set_num_threads(2)
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=1000,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=2,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=max(TOKENS),
        attn_implementation=ATTENTION,
    )
    model = LlamaForCausalLM(config)
    for value in model.model.layers.parameters():
        value.requires_grad_(False)
    draw, records, left = random.Random(1), [], tokens
    while left:
        length = min(left, draw.randint(40, 300))
        some = [draw.randrange(1000) for _ in range(length)]
        records.append(
            TokenizedConversation(Digest.of(str(left).encode()), some[:1], some[1:], cut=False)
        )
        left -= length

    def go(rows: PackedRows) -> float:
        begun = time.process_time()
        found = seen_through_a_mask(rows) if way == "mask" else hidden_states(model, rows)
        found.square().mean().backward()
        return time.process_time() - begun

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = min(go(pack_rows([records])) for _ in range(2))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"records": len(records), "seconds": seconds, "megabytes": (peak - before) / 1000}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and write it into docs/internals/training.md if asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--case", nargs=2, metavar=("WAY", "TOKENS"), help=argparse.SUPPRESS)
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args(arguments)
    if options.case:
        sys.stdout.write(json.dumps(case(options.case[0], int(options.case[1]))))
        return 0
    lines = [f"| {' | '.join(HEAD)} |", f"|{' --- |' * len(HEAD)}"]
    for tokens in TOKENS:
        line = [sys.executable, str(Path(__file__).resolve()), "--case"]
        mask, own = (
            json.loads(
                subprocess.run([*line, way, str(tokens)], check=True, capture_output=True).stdout
            )
            for way in WAYS
        )
        cells = [f"{tokens:,}", str(own["records"])]
        cells.append(f"{mask['seconds']:.1f} → {own['seconds']:.1f}")
        cells.append(f"{mask['megabytes']:,.0f} → {own['megabytes']:,.0f}")
        lines.append(f"| {' | '.join(cells)} |")
    sys.stdout.write("\n".join(lines) + "\n")
    if options.write_docs:
        kept, _, rest = DOCS.read_text("utf-8").partition(MARK)
        after = rest.partition(END)[2]
        about = (
            f"Made by `python benchmarks/packed_rows.py` on {datetime.now(UTC):%Y-%m-%d} "
            f"({platform.machine()}): two layers of SmolLM2's shape, forward and back over one row."
        )
        DOCS.write_text("\n\n".join([kept.rstrip(), MARK, about, "\n".join(lines), END]) + after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
