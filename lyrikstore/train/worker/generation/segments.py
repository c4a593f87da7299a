"""Attention within each record of packed rows, without a mask of tokens × tokens (spec §13.12.4).

A row of T tokens with such a mask takes T² of memory and of work, however short its records are.
Here each record attends only to itself. Records of similar length are computed together, by the
causal kernel of PyTorch, which needs no mask.
"""

from collections.abc import Sequence
from typing import Any, Self

import torch
from msgspec import Struct
from torch import Tensor
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, sdpa_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

ATTENTION = "lyrikstore-segments"
"""The name of :func:`attend` in the config of a model."""

LIKE = 0.6
"""Shortest length of a group's records, as a share of its longest: few calls, little padding."""


class Segments(Struct, frozen=True):
    """The places of the records in packed rows.

    Attributes:
        groups: For each group of records of similar length, the places of their tokens in the
        flattened rows: (records, tokens). Shorter records are padded with place 0 behind their
        end; causal attention of their own tokens does not reach the padding.
        back: For each token of the flattened rows, its place in the flattened groups. Padding
        belongs to no record, and has place 0.
    """

    groups: tuple[Tensor, ...]
    back: Tensor

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]], tokens: int) -> Self:
        """Return the segments of rows.

        Args:
            rows: The number of tokens of each record of each row.
            tokens: The number of tokens of a row, padding included.
        """
        found = []
        for number, row in enumerate(rows):
            at = number * tokens
            for length in row:
                found.append((length, at))
                at += length
        found.sort(key=lambda one: (-one[0], one[1]))
        grouped: list[list[tuple[int, int]]] = []
        for length, at in found:
            if not grouped or length < LIKE * grouped[-1][0][0]:
                grouped.append([])
            grouped[-1].append((length, at))
        back = torch.zeros(len(rows) * tokens, dtype=torch.long)
        groups, done = [], 0
        for group in grouped:
            longest = group[0][0]
            places = torch.zeros((len(group), longest), dtype=torch.long)
            for number, (length, at) in enumerate(group):
                places[number, :length] = torch.arange(at, at + length)
                back[at : at + length] = torch.arange(done, done + length)
                done += longest
            groups.append(places)
        return cls(tuple(groups), back)

    def to(self, device: torch.device) -> "Segments":
        """Return the segments on the device of a model."""
        return Segments(tuple(one.to(device) for one in self.groups), self.back.to(device))


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    segments: Segments | None = None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **more: Any,
) -> tuple[Tensor, None]:
    """Return the attention output (rows, tokens, heads, width); called by transformers.

    Args:
        module: The layer.
        query: (rows, heads, tokens, width).
        key: As ``query``, with as many heads or fewer.
        value: As ``key``.
        attention_mask: The mask where there are no segments, as in generation.
        segments: The segments of packed rows.
        dropout: Share of the weights that is dropped.
        scaling: Factor of the products of queries and keys.
        more: Further arguments of transformers.
    """
    if segments is None:
        found: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **more
        )
        return found
    flat = [one.transpose(1, 2).flatten(0, 1) for one in (query, key, value)]
    parts = []
    for places in segments.groups:
        own = [
            one.index_select(0, places.flatten()).view(*places.shape, *one.shape[1:])
            for one in flat
        ]
        queries, keys, values = (one.transpose(1, 2) for one in own)
        answer, _ = sdpa_attention_forward(
            module, queries, keys, values, None, dropout=dropout, scaling=scaling, is_causal=True
        )
        parts.append(answer.flatten(0, 1))
    together = torch.cat(parts).index_select(0, segments.back)
    return together.view(query.shape[0], query.shape[2], *together.shape[1:]), None


ALL_ATTENTION_FUNCTIONS.register(ATTENTION, attend)
ALL_MASK_ATTENTION_FUNCTIONS.register(ATTENTION, sdpa_mask)
