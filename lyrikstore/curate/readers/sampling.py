"""Random draws of records by a hash of their ids, which no one can influence (spec §12.5.20)."""

from blake3 import blake3

from lyrikstore.canon.json import encode

_CONTEXT = "lyrikstore 2026-11 sample"


def drawn(seed: str, record: str) -> bytes:
    """Return the 8 bytes by which records are sorted for drawing.

    Args:
        seed: The seed; another seed gives another order.
        record: The record id, in hex.
    """
    return blake3(encode([seed, record]), derive_key_context=_CONTEXT).digest(8)
