"""Makes ``training-order/``: the order of one epoch's records, and rows (spec §13.3, §13.12.4).

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


def _rows(
    records: list[str], tokens: list[int], most: int, seed: int, epoch: int
) -> list[list[int]]:
    _, order = _order(records, seed, epoch)
    rows: list[list[int]] = []
    for start in range(0, len(order), 1024):
        window = order[start : start + 1024]
        begun: list[list[int]] = []
        for at in sorted(window, key=lambda one: (-tokens[one], order.index(one))):
            fitting = (r for r in begun if sum(tokens[o] for o in r) + tokens[at] <= most)
            row = next(fitting, None)
            if row is None:
                begun.append([at])
            else:
                row.append(at)
        rows += begun
    return sorted(rows, key=lambda row: order.index(row[0]))


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
    ranks = []
    for name, chosen, size, number in (
        ("one", many[:11], 4, 1),
        ("two", many[:11], 4, 2),
        ("four", many[:11], 4, 4),
        ("more-than-the-last-batch-has", many[:9], 4, 3),
        ("more-than-a-batch-has", records, 2, 3),
        ("equal-ids", twins, 2, 2),
        ("none", [], 2, 2),
    ):
        _, order = _order(chosen, 7, 2)
        of_ranks = [
            [
                [at for place, at in enumerate(order[start : start + size]) if place % number == r]
                for start in range(0, len(order), size)
            ]
            for r in range(number)
        ]
        ranks.append(
            {
                "id": name,
                "seed": "7",
                "epoch": 2,
                "size": size,
                "records": chosen,
                "ranks": of_ranks,
            }
        )
    rows = []
    for name, chosen, counts, most, seed, epoch in (
        ("five", records, [40, 30, 20, 10, 60], 60, 1, 0),
        ("next-epoch", records, [40, 30, 20, 10, 60], 60, 1, 1),
        ("equal-counts-and-ids", [*twins, *twins], [20, 20, 20, 20, 20, 20], 40, 1, 0),
        ("seventy", many, lengths, 64, 2**64 - 1, 2**32 - 1),
        (
            "more-than-a-window",
            [blake3(number.to_bytes(2, "big")).hexdigest() for number in range(1100)],
            [1 + number * 37 % 61 for number in range(1100)],
            64,
            7,
            2,
        ),
        ("none", [], [], 64, 1, 0),
    ):
        made = _rows(chosen, counts, most, seed, epoch)
        rows.append(
            {
                "id": name,
                "seed": str(seed),
                "epoch": epoch,
                "most": most,
                "records": chosen,
                "tokens": counts,
                "rows": made,
            }
        )
    return {
        "training-order/order.json": {"context": CONTEXT, "cases": cases},
        "training-order/batches.json": {"context": CONTEXT, "cases": batches},
        "training-order/ranks.json": {"context": CONTEXT, "cases": ranks},
        "training-order/rows.json": {"context": CONTEXT, "cases": rows},
    }
