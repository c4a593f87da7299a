"""Makes ``reviews/``: draws and outcomes (spec chapter 26).

Draws, agreement and kappa are worked out here from the text of the spec, not with the code under
test.
"""

import json
from collections import Counter
from fractions import Fraction
from math import ceil, floor
from typing import Any

from blake3 import blake3

CONTEXT = "lyrikstore 2026-12 review draw"
PEOPLE = ("did:key:zAnna", "did:key:zBen", "did:key:zCem")


def _name(stratum: list[list[str]]) -> bytes:
    return json.dumps(stratum, ensure_ascii=False, separators=(",", ":")).encode()


def _draw(
    seed: bytes, strata: list[list[list[str]]], sample: int, reviewers: int, overlap: str
) -> dict[str, Any]:
    def key(place: int) -> bytes:
        return blake3(place.to_bytes(8, "big"), key=seed).digest()

    count = len(strata)
    wanted = sample if 0 < sample < count else count
    groups: dict[bytes, list[int]] = {}
    for place, one in enumerate(strata):
        groups.setdefault(_name(one), []).append(place)
    exact = {one: Fraction(wanted * len(some), count) for one, some in groups.items()}
    shares = {one: floor(share) for one, share in exact.items()}
    left = wanted - sum(shares.values())
    for one in sorted(groups, key=lambda one: (shares[one] - exact[one], one))[:left]:
        shares[one] += 1
    drawn = [
        place for one, some in groups.items() for place in sorted(some, key=key)[: shares[one]]
    ]
    drawn.sort(key=key)
    twice = ceil(Fraction(overlap) * len(drawn)) if reviewers > 1 else 0
    items: list[dict[str, Any]] = [
        {
            "item": at,
            "place": place,
            "reviewers": [at % reviewers, (at + 1) % reviewers] if at < twice else [at % reviewers],
        }
        for at, place in enumerate(drawn)
    ]
    orders = {
        PEOPLE[who]: sorted(
            (one["item"] for one in items if who in one["reviewers"]),
            key=lambda item: blake3(
                PEOPLE[who].encode() + item.to_bytes(8, "big"), key=seed
            ).digest(),
        )
        for who in range(reviewers)
    }
    return {"items": items, "orders": orders}


def _draws() -> list[dict[str, Any]]:
    plain: list[list[list[str]]] = [[] for _ in range(30)]
    labels = [[["rent" if at % 5 else "ärger"]] for at in range(30)]
    fields = [[[f"l{at % 3}"], ["a", "b"][: at % 2 + 1]] for at in range(31)]
    cases = []
    for name, strata, sample, reviewers, overlap in (
        ("one-stratum", plain, 10, 2, "0.2"),
        ("all", plain, 0, 1, "0"),
        ("more-than-there-are", plain, 31, 2, "1"),
        ("one-reviewer-has-no-overlap", plain, 5, 1, "1"),
        ("three-reviewers", plain, 11, 3, "0.25"),
        ("strata", labels, 10, 2, "0"),
        ("equal-remainders", labels[:10], 5, 2, "0.1"),
        ("two-fields-and-several-values", fields, 13, 2, "0.5"),
        ("no-records", [], 5, 2, "0.5"),
    ):
        root, request = blake3(name.encode()).digest(), blake3(b"request " + name.encode()).digest()
        seed = blake3(root + request, derive_key_context=CONTEXT).digest()
        cases.append(
            {
                "id": name,
                "root": root.hex(),
                "request": request.hex(),
                "seed": seed.hex(),
                "strata": strata,
                "sample": sample,
                "reviewers": reviewers,
                "overlap": overlap,
                **_draw(seed, strata, sample, reviewers, overlap),
            }
        )
    return cases


def _outcomes() -> list[dict[str, Any]]:
    """Items with candidate ``["rent"]`` and what their decisions say together."""
    accept, reject, unsure = (
        {"decision": "accept"},
        {"decision": "reject"},
        {"decision": "cannot-say"},
    )
    term = {"decision": "change", "value": ["term"], "reason": "wrong"}
    same = {"decision": "change", "value": ["rent"], "reason": "form"}
    rows: list[tuple[str, list[Any], Any, str, Any, int, int]] = [
        ("nobody", [], None, "unanswered", None, 0, 0),
        ("one-accepts", [accept], None, "accept", ["rent"], 1, 1),
        ("two-change", [term, term], None, "change", ["term"], 2, 2),
        ("changed-to-the-candidate", [accept, same], None, "accept", ["rent"], 2, 2),
        ("two-reject", [reject, reject], None, "reject", None, 2, 2),
        ("nobody-can-say", [unsure, unsure], None, "cannot-say", None, 2, 2),
        ("apart", [accept, term], None, "disagreed", None, 0, 2),
        ("unsure-is-an-answer", [accept, unsure], None, "disagreed", None, 0, 2),
        ("adjudicated", [accept, term], term, "change", ["term"], 2, 3),
        ("adjudicated-otherwise", [accept, term], reject, "reject", None, 1, 3),
        ("adjudicator-accepts", [accept, term], accept, "accept", ["rent"], 2, 3),
    ]
    return [
        {
            "id": name,
            "was": ["rent"],
            "first": first,
            "adjudicated": last,
            "outcome": outcome,
            "value": value,
            "reason": sorted({one["reason"] for one in [*first, last or {}] if "reason" in one}),
            "agree": agree,
            "of": of,
        }
        for name, first, last, outcome, value, agree, of in rows
    ]


def _kappa() -> list[dict[str, Any]]:
    cases = []
    for name, left, right in (
        ("half", "aabbccaabb", "aabbccbbaa"),
        ("equal", "abcabc", "abcabc"),
        ("opposite", "abab", "baba"),
        ("one-value-alone", "aaaa", "aaaa"),
        ("by-chance", "aaaa", "aabb"),
        ("nothing", "", ""),
    ):
        count, found = len(left), None
        if count:
            seen = Fraction(sum(a == b for a, b in zip(left, right, strict=True)), count)
            of_left, of_right = Counter(left), Counter(right)
            chance = Fraction(sum(of_left[one] * of_right[one] for one in of_left), count**2)
            found = None if chance == 1 else (seen - chance) / (1 - chance)
        kappa = None if found is None else [found.numerator, found.denominator]
        cases.append({"id": name, "left": left, "right": right, "kappa": kappa})
    return cases


def make() -> dict[str, Any]:
    """Return file name → content of every vector file."""
    return {
        "reviews/draws.json": {"context": CONTEXT, "cases": _draws()},
        "reviews/outcomes.json": {"cases": _outcomes()},
        "reviews/kappa.json": {"cases": _kappa()},
    }
