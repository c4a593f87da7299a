"""A trained encoder as one network without an adapter, for export."""

from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray


class Network(Struct, frozen=True):
    """An encoder, its pooling, and a linear model over the pooled vector.

    Attributes:
        encoder: A transformer; an adapter is merged into its weights.
        pooling: ``mean`` over the tokens of a text, or ``cls``: its first token.
        unit: Whether the pooled vector is scaled to length 1.
        weight: Labels × width.
        bias: The bias of each label.
        max_tokens: Longest sequence, special tokens included.
    """

    encoder: Any
    pooling: str
    unit: bool
    weight: NDArray[np.float64]
    bias: NDArray[np.float64]
    max_tokens: int
