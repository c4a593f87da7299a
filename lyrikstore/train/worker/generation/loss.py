"""Packed rows, and the completion loss of their records (spec §13.12.4)."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from msgspec import Struct
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from lyrikstore.train.worker.generation.segments import Segments
from lyrikstore.train.worker.generation.tokenized import TokenizedConversation

CHUNK = 256
"""Tokens whose logits are in memory at once."""


class PackedRows(Struct, frozen=True):
    """Packed rows of records; no record attends to another one.

    Attributes:
        tokens: (rows, tokens).
        positions: Position of each token in its record.
        segments: The places of the records; attention stays inside a record.
        before_targets: Places, in the flattened rows, of the tokens before each target.
        targets: The tokens of the completions.
    """

    tokens: Tensor
    positions: Tensor
    segments: Segments
    before_targets: Tensor
    targets: Tensor

    def to(self, device: torch.device) -> "PackedRows":
        """Return the rows on the device of a model."""
        return PackedRows(*(getattr(self, name).to(device) for name in self.__struct_fields__))


def pack_rows(rows: Sequence[Sequence[TokenizedConversation]]) -> PackedRows:
    """Return records packed into rows, each row padded to the longest.

    Args:
        rows: The records of each row, in order.
    """
    longest = max(sum(one.length for one in row) for row in rows)
    tokens = torch.zeros((len(rows), longest), dtype=torch.long)
    positions = torch.zeros((len(rows), longest), dtype=torch.long)
    before_targets: list[int] = []
    targets: list[int] = []
    for number, row in enumerate(rows):
        at = 0
        for one in row:
            whole = one.prompt + one.completion
            end = at + len(whole)
            tokens[number, at:end] = torch.tensor(whole)
            positions[number, at:end] = torch.arange(len(whole))
            first = number * longest + at + len(one.prompt) - 1
            before_targets += range(first, first + len(one.completion))
            targets += one.completion
            at = end
    segments = Segments.of([[one.length for one in row] for row in rows], longest)
    return PackedRows(
        tokens, positions, segments, torch.tensor(before_targets), torch.tensor(targets)
    )


def hidden_states(causal: Any, rows: PackedRows) -> Tensor:
    """Return the vectors of all tokens: (rows, tokens, width)."""
    found = causal.model(
        input_ids=rows.tokens,
        # Of four dimensions it is passed on as it is; without one, transformers would make one of
        # tokens × tokens.
        attention_mask=torch.ones((1, 1, 1, 1), dtype=torch.bool, device=rows.tokens.device),
        position_ids=rows.positions,
        segments=rows.segments,
        use_cache=False,  # with a cache, packed records would see each other
    )
    return cast("Tensor", found.last_hidden_state)


def completion_loss(causal: Any, rows: PackedRows) -> Tensor:
    """Return the sum of the losses of the completion tokens.

    The logits are computed :data:`CHUNK` tokens at a time, and again in the backward pass: with a
    large vocabulary they would take more memory than the model.

    Args:
        causal: The base model with its adapter.
        rows: The packed training records.
    """
    vectors = hidden_states(causal, rows).flatten(0, 1)[rows.before_targets]

    def chunk(some: Tensor, wanted: Tensor) -> Tensor:
        logits = causal.lm_head(some).float()
        return torch.nn.functional.cross_entropy(logits, wanted, reduction="sum")

    total = torch.zeros((), device=vectors.device)
    for start in range(0, len(rows.targets), CHUNK):
        some, wanted = vectors[start : start + CHUNK], rows.targets[start : start + CHUNK]
        if torch.is_grad_enabled():
            total = total + checkpoint(chunk, some, wanted, use_reentrant=False)
        else:
            total = total + chunk(some, wanted)
    return total
