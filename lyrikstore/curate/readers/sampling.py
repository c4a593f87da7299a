"""Which records are drawn: a hash of their ids says it, which nobody can steer (spec §12.5.20)."""

from blake3 import blake3

from lyrikstore.canon.json import encode

_CONTEXT = "lyrikstore 2026-11 sample"


def drawn(seed: str, record: str) -> bytes:
    """Return the 8 bytes that say how early a record is drawn.

    Args:
        seed: Another one draws anew.
        record: The record id, in hex.
    """
    return blake3(encode([seed, record]), derive_key_context=_CONTEXT).digest(8)
