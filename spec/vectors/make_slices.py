"""Makes ``evaluations/divided.json``: the parts of test sets by ``slices/2`` (spec §13.9.6).

Worked out here from the text of the spec, with sets, not with the code under test.
"""

from typing import Any

Row = dict[str, Any]
LEAST, MOST = 20, 20
QUARTERS = ("shortest", "short", "long", "longest")


def divide(case: Row) -> Row:
    """Return slices, members and what is left out."""
    count = len(case["lengths"])
    parts: list[tuple[str, str, set[int]]] = []
    left: dict[str, str] = {}
    for field in [*(one for one in case["fields"] if one != "@length"), "@length"]:
        if field not in case["fields"]:
            continue
        if field in case["personal"]:
            left[field] = case["personal"][field]
            continue
        if field == "@length":
            found = quarters(case["lengths"])
        else:
            holds = dict.fromkeys(
                value for some in case["values"][field] for value in some if value
            )
            if not holds:
                continue
            found = values_of(case["values"][field], list(holds), count)
        if not found:
            left[field] = "few-records"
        elif len(parts) + len(found) > 200:
            left[field] = "many-slices"
        else:
            parts += [(field, value, places) for value, places in found]
    left_out = [{"field": one, "reason": left[one]} for one in case["fields"] if one in left]
    return {
        "slices": [[field, value] for field, value, _ in parts],
        "members": [[n for n, part in enumerate(parts) if at in part[2]] for at in range(count)],
        "slicing": {"rule": "slices/2"} | ({"leftOut": left_out} if left_out else {}),
    }


def values_of(texts: list[list[str]], known: list[str], count: int) -> list[tuple[str, set[int]]]:
    """Return the values that make slices, and the others."""
    places = {one: {at for at, some in enumerate(texts) if one in some} for one in known}
    own = [
        one
        for one in known
        if one != "@others" and len(one) <= 256 and LEAST <= len(places[one]) < count
    ]
    own = sorted(own, key=lambda one: (-len(places[one]), one.encode()))[:MOST]
    while own:
        others = set(range(count)).difference(*(places[one] for one in own))
        if not others:
            return [(one, places[one]) for one in own]
        if len(others) >= LEAST:
            return [*((one, places[one]) for one in own), ("@others", others)]
        own = own[:-1]
    return []


def quarters(lengths: list[int]) -> list[tuple[str, set[int]]]:
    """Return the quarters by length, if each has enough records."""
    order = sorted(range(len(lengths)), key=lambda at: (lengths[at], at))
    found = [
        (name, {at for k, at in enumerate(order) if 4 * k // len(order) == number})
        for number, name in enumerate(QUARTERS)
    ]
    return found if all(len(places) >= LEAST for _, places in found) else []


def times(*counts: tuple[str, int]) -> list[list[str]]:
    """Return records with one value each, so many of each value."""
    return [[value] if value else [] for value, count in counts for _ in range(count)]


def make() -> dict[str, Any]:
    """Return file name → content of every vector file."""
    lists = [["all", *(["b"] if at < 40 else []), *(["c"] if at >= 40 else [])] for at in range(62)]
    long = "x" * 257
    some = {
        "rare-values-are-others": {"v": times(("b", 20), ("a", 20), ("r", 19), ("s", 1))},
        "few-others-take-the-rarest-along": {"v": times(("a", 30), ("b", 25), ("c", 21), ("d", 3))},
        "a-record-without-a-value-is-another": {"v": times(("a", 30), ("b", 21), ("", 1))},
        "one-value-and-few-others": {"v": times(("a", 60), ("r", 2))},
        "one-value": {"v": times(("a", 40))},
        "no-value": {"v": times(("", 40))},
        "a-field-of-addresses": {"v": [[f"{at}@example.org"] for at in range(195)]},
        "a-value-called-others": {"v": times(("@others", 25), ("a", 25), ("b", 25))},
        "long-values": {"v": times((long, 25), ("a", 25), ("b", 25))},
        "twenty-one-values": {"v": times(*((f"v{at:02d}", 20) for at in range(21)))},
        "lists": {"v": lists},
        "several-fields": {"v": times(("a", 40), ("b", 40)), "w": times(("c", 20), ("d", 60))},
    }  # fmt: skip
    cases = []
    for name, values in some.items():
        count = len(next(iter(values.values())))
        personal = {"w": "personal-scan"} if name == "several-fields" else {}
        fields = [*values, "@length"] if name in {"several-fields", "lists"} else [*values]
        lengths = [(at * 7) % 11 for at in range(count)]
        case = {"fields": fields, "values": values, "lengths": lengths, "personal": personal}
        cases.append({"id": name, **case, **divide(case)})
    return {"evaluations/divided.json": {"cases": cases}}
