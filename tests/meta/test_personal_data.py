"""The page on personal data is what the tables in the code say, and words that promise too much."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.curate.personal.kinds import IDENTIFIERS, KINDS

REPOSITORY = Path(__file__).resolve().parents[2]
PROMISES = re.compile(
    r"\b(?:compliant|de-?identified|hipaa[ -]safe|anonymi[sz]ed)\b", re.IGNORECASE
)


def kinds_table() -> str:
    rows = ["| kind | placeholder | what | identifier |", "| --- | --- | --- | --- |"]
    for name, kind in KINDS.items():
        chosen = "" if kind.chosen else "; only if asked for"
        letter = kind.identifier or "–"
        rows.append(f"| `{name}` | `<{kind.placeholder}>` | {kind.meaning}{chosen} | {letter} |")
    return "\n".join(rows)


def test_the_page_lists_every_kind() -> None:
    page = (REPOSITORY / "docs/personal-data.md").read_text("utf-8")
    found = re.search(r"<!-- kinds -->\n(.*)\n<!-- /kinds -->", page, re.DOTALL)
    assert found is not None
    assert found[1] == kinds_table()


def test_every_identifier_of_a_text_has_a_kind() -> None:
    assert len(IDENTIFIERS) == 18
    assert set(IDENTIFIERS) - {kind.identifier for kind in KINDS.values()} == {"P", "Q"}


def test_the_page_has_the_measured_tables() -> None:
    page = (REPOSITORY / "docs/internals/personal-data.md").read_text("utf-8")
    measured = page.partition("<!-- measured -->")[2]
    for letter in set(IDENTIFIERS) - {"P", "Q"}:
        assert f"\n| {letter} {IDENTIFIERS[letter]} | " in measured
    assert "BELOW" not in measured  # the union finds no less than one of its parts


def test_the_short_table_is_that_of_the_long_ones() -> None:
    measured = (REPOSITORY / "docs/internals/personal-data.md").read_text("utf-8")
    page = (REPOSITORY / "docs/personal-data.md").read_text("utf-8")
    titles = {
        "presidio-evaluator": "Presidio-evaluator's templates",
        "German templates": "German templates of this repository",
    }
    letters = {"names": "A", "places": "B", "dates and ages": "C", "telephone numbers": "D"}
    rows = re.findall(r"^\| (\w[\w ]+) \| ([\w -]+), (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$",
                      page, re.MULTILINE)  # fmt: skip
    assert len(rows) == 8
    for identifier, titled, places, *recalls in rows:
        table = measured.partition(f"**{titles[titled]}**")[2]
        (line,) = re.findall(
            rf"^\| {letters[identifier]} .*$", table.partition("\n**")[0], re.MULTILINE
        )
        cells = [cell.split()[0] for cell in line.strip("|").split("|")]
        assert [places, *recalls] == [cells[1], *cells[4:]], identifier


def test_no_sentence_of_ours_promises_what_nobody_can() -> None:
    places = [
        *(REPOSITORY / "docs").rglob("*.md"),
        *(REPOSITORY / "lyrikstore").rglob("*.py"),
        *(REPOSITORY / "cli").rglob("*.py"),
        REPOSITORY / "README.md",
    ]
    found = [
        f"{path.relative_to(REPOSITORY)}: {word}"
        for path in places
        for word in PROMISES.findall(path.read_text("utf-8"))
    ]
    assert found == []


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(REPOSITORY / "benchmarks"))
    return importlib.import_module("personal")


def test_a_place_counts_if_all_its_letters_and_digits_are_masked(benchmark) -> None:
    texts = importlib.import_module("personal_texts")
    score = benchmark.Score()
    labelled = texts.Labelled("ab, cd! ef", (texts.Span(0, 7, "A"), texts.Span(8, 10, "A")))
    score.add(labelled, lambda _: [(0, 2), (4, 6), (8, 9)])
    assert (score.hits["A"], score.totals["A"], score.masked) == (1, 2, 5)
    assert score.missed == ["A ab, cd! [ef]"]


def test_the_interval_is_wilsons(benchmark) -> None:
    # Newcombe 1998, table I: 81 of 263, and 0 of 20.
    assert [round(edge, 4) for edge in benchmark.wilson(81, 263)] == [0.2553, 0.3662]
    assert [round(edge, 4) for edge in benchmark.wilson(0, 20)] == [0.0, 0.1611]


def test_every_slot_of_our_templates_can_be_filled(benchmark) -> None:
    texts = importlib.import_module("personal_texts")
    german = importlib.import_module("personal_german")
    for lines, filled in (
        (texts.own_templates(), texts.SLOTS),
        (texts.own_templates(german.TEMPLATES), german.GERMAN_SLOTS),
    ):
        slots = {slot for line in lines for slot in texts._SLOT.findall(line)}
        letters = {texts._slot(slot, filled)[0] for slot in slots}
        assert letters >= set(IDENTIFIERS) - {"P", "Q"}
