"""Makes ``training-order/``: the order of one epoch's records (spec §13.3).

The keys are computed here from the text of the spec, not with the code under test.
"""

from typing import Any

from blake3 import blake3

CONTEXT = "lyrikstore 2026-11 training order"


def _order(records: list[str], seed: int, epoch: int) -> tuple[list[str], list[int]]:
    prefix = seed.to_bytes(8, "big") + epoch.to_bytes(4, "big")
    keys = [
        blake3(prefix + bytes.fromhex(record), derive_key_context=CONTEXT).hexdigest()
        for record in records
    ]
    return keys, sorted(range(len(records)), key=lambda position: (keys[position], position))


def _batches(
    records: list[str], tokens: list[int], size: int, seed: int, epoch: int
) -> list[list[int]]:
    keys, order = _order(records, seed, epoch)
    batches = []
    for start in range(0, len(order), 16 * size):
        window = order[start : start + 16 * size]
        places = sorted(range(len(window)), key=lambda at: (tokens[window[at]], at))
        window = [window[at] for at in places]
        batches += [window[at : at + size] for at in range(0, len(window), size)]
    return sorted(batches, key=lambda batch: (keys[batch[0]], batch[0]))


def make() -> dict[str, Any]:
    """Return file name → content of every vector file."""
    records = [blake3(bytes([number])).hexdigest() for number in range(5)]
    twins = [records[0], records[1], records[0]]
    cases = []
    for name, chosen, seed, epoch in (
        ("five", records, 1, 0),
        ("next-epoch", records, 1, 1),
        ("other-seed", records, 2, 0),
        ("largest-seed", records, 2**64 - 1, 2**32 - 1),
        ("equal-ids-keep-storage-order", twins, 1, 0),
        ("none", [], 1, 0),
    ):
        keys, order = _order(chosen, seed, epoch)
        cases.append(
            {
                "id": name,
                "seed": str(seed),
                "epoch": epoch,
                "records": chosen,
                "keys": keys,
                "order": order,
            }
        )
    many = [blake3(number.to_bytes(2, "big")).hexdigest() for number in range(70)]
    lengths = [3 + number * 37 % 29 for number in range(70)]
    batches = [
        {
            "id": name,
            "seed": str(seed),
            "epoch": epoch,
            "size": size,
            "records": chosen,
            "tokens": tokens,
            "batches": _batches(chosen, tokens, size, seed, epoch),
        }
        for name, chosen, tokens, size, seed, epoch in (
            ("one-window", many[:20], lengths[:20], 8, 1, 0),
            ("three-windows", many, lengths, 2, 1, 0),
            ("next-epoch", many, lengths, 2, 1, 1),
            ("like-lengths", many[:9], [5] * 9, 2, 7, 3),
            ("equal-ids", twins, [4, 4, 4], 2, 1, 0),
            ("none", [], [], 2, 1, 0),
        )
    ]
    return {
        "training-order/order.json": {"context": CONTEXT, "cases": cases},
        "training-order/batches.json": {"context": CONTEXT, "cases": batches},
    }
