#!/usr/bin/env python3
"""How much personal data the detectors find: recall with interval for each Safe Harbor identifier.

    python benchmarks/personal.py                 the measurement, on held-out templates
    python benchmarks/personal.py --write-docs    and write docs/internals/personal-data.md
    python benchmarks/personal.py --development   other templates and seed, with what was missed
    python benchmarks/personal.py --german        the German texts alone

A labelled span counts as found if all its letters and digits are masked, under whatever kind.
"""

import argparse
import gzip
import json
import math
import os
import platform
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from personal_german import german, german_licences
from personal_texts import (
    HERE,
    Labelled,
    Values,
    download,
    fill,
    licences,
    notes,
    others_templates,
    own_templates,
)

from lyrikstore.curate.personal.detectors import detector_facts
from lyrikstore.curate.personal.find import find
from lyrikstore.curate.personal.kinds import IDENTIFIERS
from lyrikstore.curate.personal.presidio import load_analyzer
from lyrikstore.curate.recipes.filters.redact import FINDERS, redact

DOCS = HERE.parent / "docs" / "internals" / "personal-data.md"
DOWNLOADS = HERE.parent / ".venv" / "downloads" / "personal"
SEED, DEVELOPMENT_SEED = 18, 7
LICENCES, CLAUSES = 120, 200
Places = list[tuple[int, int]]
Finder = Callable[[str], Places]


def redact_1(text: str) -> Places:
    """Return what ``redact/1`` replaces with all its patterns."""
    return [(one.start, one.end) for one in redact(text, tuple(FINDERS), repeats=True)[1]]


def union(*detectors: str) -> Finder:
    """Return what ``redact/2`` replaces with these detectors."""
    return lambda text: [(one.start, one.end) for one in find(text, detectors)]


def presidio_alone() -> Finder:
    """Return presidio as it comes: every type, every score, nothing of ours."""
    analyzer = load_analyzer()

    def finder(text: str) -> Places:
        found = analyzer.analyze(text, language="en")
        return [(one.start, one.end) for one in found if one.entity_type != "ORGANIZATION"]

    return finder


def wilson(hits: int, total: int) -> tuple[float, float]:
    """Return the 95% Wilson score interval of a share."""
    z = 1.959964
    share = hits / total
    middle = share + z * z / (2 * total)
    reach = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return max(0.0, (middle - reach) / (1 + z * z / total)), (middle + reach) / (1 + z * z / total)


class Score:
    """What one finder found of one set of texts."""

    def __init__(self) -> None:
        self.hits: dict[str, int] = defaultdict(int)
        self.totals: dict[str, int] = defaultdict(int)
        self.masked = self.right = self.signs = 0
        self.seconds = 0.0
        self.texts = 0
        self.missed: list[str] = []

    def add(self, labelled: Labelled, finder: Finder) -> None:
        """Count one text."""
        text = labelled.text
        begun = time.perf_counter()
        places = finder(text)
        self.seconds += time.perf_counter() - begun
        self.texts += 1
        masked = bytearray(len(text))
        for start, end in places:
            masked[start:end] = b"\1" * (end - start)
        known = bytearray(len(text))
        for start, end, letter in labelled.spans:
            known[start:end] = b"\1" * (end - start)
            whole = all(masked[at] or not text[at].isalnum() for at in range(start, end))
            self.totals[letter] += 1
            self.hits[letter] += whole
            if not whole:
                around = (
                    f"{text[max(0, start - 30) : start]}[{text[start:end]}]{text[end : end + 12]}"
                )
                self.missed.append(f"{letter} {' '.join(around.split())}")
        self.masked += sum(masked)
        self.right += sum(one & other for one, other in zip(masked, known, strict=True))
        self.signs += len(text)


def measure(texts: Sequence[Labelled], finders: dict[str, Finder]) -> dict[str, Score]:
    """Return a score for every finder."""
    scores = {name: Score() for name in finders}
    for name, finder in finders.items():
        finder("Warm up.")  # loads the models
        for labelled in texts:
            scores[name].add(labelled, finder)
    return scores


def table(scores: dict[str, Score]) -> Iterator[str]:
    """Yield a Markdown table: a row for each identifier, a column for each finder."""
    yield "| identifier | n | " + " | ".join(scores) + " |"
    yield "| --- | --: |" + " --- |" * len(scores)
    first = next(iter(scores.values()))
    for letter, meaning in IDENTIFIERS.items():
        total = first.totals.get(letter, 0)
        cells = []
        for score in scores.values():
            if total:
                low, high = wilson(score.hits[letter], total)
                cells.append(f"{score.hits[letter] / total:.2f} ({low:.2f}–{high:.2f})")
            else:
                cells.append("–")
        if total:
            yield f"| {letter} {meaning} | {total} | " + " | ".join(cells) + " |"
    cells = [
        f"{score.right / score.masked:.2f}" if score.masked else "–" for score in scores.values()
    ]
    if first.totals:
        yield "| share of what is masked that is labelled | | " + " | ".join(cells) + " |"
    yield (
        "| share of the text masked | | "
        + " | ".join(f"{100 * score.masked / score.signs:.1f}%" for score in scores.values())
        + " |"
    )
    yield (
        "| texts per second | | "
        + " | ".join(f"{score.texts / score.seconds:,.0f}" for score in scores.values())
        + " |"
    )


def clauses(most: int) -> list[Labelled] | None:
    """Return clauses of real contracts, which have no labels, where the data is."""
    folder = HERE.parent.parent / "shared" / "data" / "cuad-clauses"
    if not folder.is_dir():
        return None
    with gzip.open(folder / "test.jsonl.gz", "rt", encoding="utf-8") as file:
        return [Labelled(json.loads(line)["text"], ()) for line in file][:most]


def below(scores: dict[str, Score]) -> list[str]:
    """Return where the union is below one of its parts for an identifier."""
    union_of = {
        "patterns + presidio": ("redact/1", "presidio", "patterns"),
        "all three": ("presidio", "patterns"),
    }
    return [
        f"{letter}: {name} {scores[name].hits[letter]} below {part} {scores[part].hits[letter]}"
        for name, parts in union_of.items()
        for part in parts
        for letter in scores[name].totals
        if scores[name].hits[letter] < scores[part].hits[letter]
    ]


def main() -> None:
    """Measure, print, and write the documentation if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--write-docs", action="store_true")
    parser.add_argument("--development", action="store_true")
    parser.add_argument("--german", action="store_true", help="the German texts alone")
    parser.add_argument("--times", type=int, default=10, help="values for each template")
    chosen = parser.parse_args()
    DOWNLOADS.mkdir(parents=True, exist_ok=True)
    folder = download(DOWNLOADS)
    finders: dict[str, Finder] = {
        "redact/1": redact_1,
        "presidio": presidio_alone(),
        "patterns": union("patterns"),
        "patterns + presidio": union("patterns", "presidio"),
        "all three": union("patterns", "presidio", "rampart"),
    }
    seed = DEVELOPMENT_SEED if chosen.development else SEED
    held_out = not chosen.development
    parts = {
        "measured-german": {
            "German templates of this repository": german(folder, seed, chosen.times),
            "real German licence texts, without labels": german_licences(folder),
        }
    }
    if not chosen.german:
        parts["measured"] = english_sets(Values(folder, seed), chosen.times, folder, held_out)
    for part, sets in parts.items():
        lines = list(report(sets, finders, missed=chosen.development))
        print("\n".join(lines))
        if chosen.write_docs:
            write_docs(part, lines)


def english_sets(
    values: Values, times: int, folder: Path, held_out: bool
) -> dict[str, list[Labelled]]:
    """Return the English texts by what they are."""
    templates = others_templates(folder, held_out=held_out)
    sets = {
        "presidio-evaluator's templates": list(fill(templates, values, times)),
        "clinical, legal and financial templates of this repository": list(
            fill(own_templates(), values, times)
        ),
        "deidgate's notes": notes(folder),
        "real licence texts": licences(folder, LICENCES),
    }
    real = clauses(CLAUSES)
    if real is not None:
        sets["real contract clauses (CUAD), without labels"] = real
    return sets


def report(
    sets: dict[str, list[Labelled]], finders: dict[str, Finder], *, missed: bool
) -> Iterator[str]:
    """Yield a table for each set, and what was missed if asked."""
    for title, texts in sets.items():
        scores = measure(texts, finders)
        yield from ("", f"**{title[0].upper()}{title[1:]}** ({len(texts):,} texts)", "")
        yield from table(scores)
        yield from (f"BELOW {one}" for one in below(scores))
        if missed:
            for name in ("patterns", "patterns + presidio", "all three"):
                yield from (
                    f"missed by {name}: {one}" for one in sorted(set(scores[name].missed))[:400]
                )


def write_docs(part: str, lines: Iterable[str]) -> None:
    """Put the tables between the marks of the page that are called ``part``."""
    facts = detector_facts(("patterns", "presidio", "rampart"))
    packages = ", ".join(f"{name} {number}" for name, number in sorted(facts.libraries.items()))
    models = ", ".join(f"{one['name']} {one['version']}" for one in facts.models)
    head = (
        f"Measured {datetime.now(UTC):%Y-%m-%d} by `python benchmarks/personal.py --write-docs`"
        f"{' with `--german`' if part == 'measured-german' else ''}, "
        f"lyrikstore {version('lyrikstore')}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, {platform.machine()}; {', '.join(facts.detectors)}; {packages}; "
        f"{models}."
    )
    page = DOCS.read_text("utf-8")
    body = "\n".join([head, *lines])
    made = re.sub(
        rf"(<!-- {part} -->\n).*(<!-- /{part} -->)",
        lambda m: f"{m[1]}{body}\n{m[2]}",
        page,
        flags=re.DOTALL,
    )
    DOCS.write_text(made, "utf-8")


if __name__ == "__main__":
    main()
