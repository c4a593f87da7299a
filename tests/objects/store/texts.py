"""Text of a size for blobs, and a limit that none of them reaches."""

import random

MANY = 1 << 30


def text(size: int, seed: int = 1) -> bytes:
    chance = random.Random(seed)
    words = [b"%x" % chance.getrandbits(chance.randint(4, 40)) for _ in range(2000)]
    return b" ".join(chance.choices(words, k=size // 3))[:size]
