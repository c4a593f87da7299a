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
    return {"training-order/order.json": {"context": CONTEXT, "cases": cases}}
