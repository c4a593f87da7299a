"""Look for a case on which the two verifiers differ.

    python -m tests.differential.fuzz [--seed N] [--seconds S] [--keep FOLDER]

Every case follows from the seed and its number alone. The first difference of each sort is made as
small as it can be and printed; the exit code is 1 if there was any.
"""

import argparse
import json
import random
import re
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.differential.changes import CHANGES
from tests.differential.judges import Case, PageVerifier, by_python, differences
from tests.differential.mutate import read
from tests.differential.seeds import seeds

MOST_CASE = 1 << 19
"""Bytes of a case; larger ones are for the tests of limits."""


@dataclass(frozen=True)
class Finding:
    """A case on which the answers differ, as small as it was made."""

    name: str
    case: Case
    differences: list[str]

    def __str__(self) -> str:
        lines = [f"{self.name}:", *(f"  {one[:600]}" for one in self.differences)]
        return "\n".join([*lines, json.dumps(self.case.to_json())])


def cases(seed: int, numbers: Iterable[int]) -> Iterator[tuple[str, list[Case]]]:
    """Yield the cases of these numbers: what each is called, and the steps that led to it."""
    known = seeds()
    names = list(known)
    weights = [weight for _, weight in CHANGES.values()]
    for number in numbers:
        rng = random.Random(f"{seed}/{number}")
        name = rng.choice(names)
        steps, done = [known[name]], [name]
        for _ in range(rng.choice([1, 1, 1, 2, 2, 3, 5])):
            change = rng.choices(list(CHANGES), weights)[0]
            changed = CHANGES[change][0](rng, steps[-1], known[rng.choice(names)])
            if changed is not None and changed != steps[-1] and _size(changed) <= MOST_CASE:
                steps.append(changed)
                done.append(change)
        yield f"{seed}/{number} ({' '.join(done)})", steps


def _size(case: Case) -> int:
    return len(case.target) + sum(map(len, case.siblings.values()))


def search(
    page: PageVerifier, seed: int, numbers: Iterable[int], until: float = float("inf")
) -> Iterator[Finding]:
    """Yield one finding of each sort of difference."""
    sorts: set[str] = set()
    for name, steps in cases(seed, numbers):
        if time.monotonic() > until:
            return
        found = _differ(page, steps[-1])
        fresh = {sort_of(one) for one in found} - sorts
        if fresh:
            sorts |= fresh
            yield smallest(page, name, steps, min(fresh))


def sort_of(difference: str) -> str:
    """Return of what sort a difference is: its place, and what either says, without what varies."""
    return re.sub(r"[0-9]+|'[^']*'|z6Mk\w+", "#", difference)[:200]


def _differ(page: PageVerifier, case: Case) -> list[str]:
    return differences(by_python(case), page(case))


def smallest(page: PageVerifier, name: str, steps: list[Case], sort: str) -> Finding:
    """Return the smallest case near the last of ``steps`` that still shows this difference."""

    def shows(case: Case) -> bool:
        return any(sort_of(one) == sort for one in _differ(page, case))

    case = next((step for step in steps if shows(step)), steps[-1])
    tries, again = 400, True
    while again and tries > 0:
        again = False
        for smaller in _smaller(case):
            tries -= 1
            if tries <= 0:
                break
            if _size(smaller) < _size(case) + len(smaller.data or ()) and shows(smaller):
                case, again = smaller, True
                break
    return Finding(name, case, _differ(page, case))


def _smaller(case: Case) -> Iterator[Case]:
    names = list(case.siblings)
    for half in (names[len(names) // 2 :], names[: len(names) // 2], *([one] for one in names)):
        left = {name: data for name, data in case.siblings.items() if name not in half}
        if half:
            yield replace(case, siblings=left)
    if case.data is not None:
        yield replace(case, data=None)
    for name in (None, *names):
        data = case.target if name is None else case.siblings[name]
        value = read(data)
        if not isinstance(value, dict):
            continue
        for member in value:
            text = json.dumps({key: one for key, one in value.items() if key != member}).encode()
            less = (
                replace(case, siblings={**case.siblings, name: text})
                if name
                else replace(case, target=text)
            )
            yield less


def main() -> int:
    """Search as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    parser.add_argument("--keep", type=Path, help="a folder for the cases found")
    given = parser.parse_args()
    found, last = 0, given.first

    def numbers() -> Iterator[int]:
        nonlocal last
        while True:
            yield last
            last += 1

    with PageVerifier() as page:
        for finding in search(page, given.seed, numbers(), time.monotonic() + given.seconds):
            found += 1
            print(finding if given.keep is None else str(finding)[:3000], flush=True)
            if given.keep is not None:
                given.keep.mkdir(exist_ok=True)
                text = json.dumps(finding.case.to_json())
                (given.keep / f"{found}.json").write_text(text)
    print(f"{last - given.first} cases from seed {given.seed}, {found} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
