"""Makes ``folds/``: which fold each record of a pool falls into (spec §13.2.2).

Worked out here from the text of the spec, not with the code under test.
"""

from typing import Any

from blake3 import blake3

CONTEXT = "lyrikstore 2026-12 folds"


def _deal(
    seed: int, labels: int, expected: list[list[int]], groups: list[int] | None, repeat: int
) -> list[int]:
    having = [sum(number in some for some in expected) for number in range(labels)]
    # Of a record its rarest label, the first of equals; of one without labels one after all others.
    strata = [
        min(some, key=lambda one: (having[one], one)) if some else labels for some in expected
    ]
    units: list[list[int]] = []
    for at in range(len(expected)):
        if groups is not None and groups[at] in groups[:at]:
            next(one for one in units if groups[one[0]] == groups[at]).append(at)
        else:
            units.append([at])

    def stratum(unit: list[int]) -> int:
        own = [strata[at] for at in unit]
        return min(own, key=lambda one: (-own.count(one), one))

    def key(unit: list[int]) -> bytes:
        data = seed.to_bytes(8, "big") + repeat.to_bytes(4, "big") + unit[0].to_bytes(4, "big")
        return blake3(data, derive_key_context=CONTEXT).digest()

    folds: list[list[int]] = [[], [], [], [], []]
    for unit in sorted(units, key=lambda one: (stratum(one), -len(one), key(one))):
        of = stratum(unit)
        counts = [(sum(strata[at] == of for at in fold), len(fold)) for fold in folds]
        folds[counts.index(min(counts))] += unit
    return [next(n for n, fold in enumerate(folds) if at in fold) for at in range(len(expected))]


def make() -> dict[str, Any]:
    """Return file name → content of every vector file."""
    one_label = [[at * 7 % 3] for at in range(23)]
    skewed = [[0]] * 17 + [[1]] * 4 + [[2]] * 2
    several = [[n for n in range(4) if at * (n + 3) % (n + 2) == 0] for at in range(31)]
    cases = []
    for name, seed, labels, expected, groups, repeats in (
        ("one-label", 1, 3, one_label, None, 3),
        ("other-seed", 2, 3, one_label, None, 3),
        ("largest-seed", 2**53 - 1, 3, one_label, None, 1),
        ("rare-labels", 1, 3, skewed, None, 1),
        ("several-labels", 1, 4, several, None, 2),
        ("groups", 1, 3, one_label, [at // 4 for at in range(23)], 2),
        ("groups-apart", 1, 4, several, [at % 9 for at in range(31)], 2),
        ("one-group", 1, 3, skewed, [0] * 23, 1),
        ("fewer-records-than-folds", 1, 2, [[0], [1], [0]], None, 1),
    ):
        cases.append(
            {
                "id": name,
                "seed": str(seed),
                "labels": labels,
                "expected": expected,
                "groups": groups,
                "folds": [_deal(seed, labels, expected, groups, one) for one in range(repeats)],
            }
        )
    return {"folds/folds.json": {"context": CONTEXT, "cases": cases}}
