"""Chunks cover the text, say where they stand, and cost what the text is long."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.text import WHITE_SPACE
from lyrikstore.curate.extract import chunk as chunking
from lyrikstore.curate.extract.chunk import TextChunk, Unit, chunk
from tests.conftest import Corpus
from tests.curate.steps import Steps, count_lines, count_patterns

WORDS = st.sampled_from(
    [
        "a",
        "clause",
        "No.",
        "end.",
        "End!",
        "“Quote.”",
        " ",
        "  ",
        "\n",
        "\n\n",
        "\n \n",
        "本契約",
        "。",
        "…",
        "x" * 40,
    ]
)
TEXTS = st.lists(WORDS, max_size=60).map("".join) | st.text(max_size=80)
UNITS: list[Unit] = ["paragraphs", "tokens"]


def cut(
    text: str, unit: Unit, size: int, overlap: int = 0, pages: tuple[int, ...] = ()
) -> list[TextChunk]:
    return list(chunk(text, unit, size, overlap, pages=pages))


VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors" / "filters" / "chunk.json"
CASES: list[dict[str, Any]] = json.loads(VECTORS.read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_vectors(case: dict[str, Any]) -> None:
    found = cut(case["text"], case["unit"], case["size"], case["overlap"], tuple(case["pages"]))
    assert [
        {"text": one.text, "page": one.page, "start": one.start, "end": one.end} for one in found
    ] == case["chunks"]


@given(TEXTS, st.sampled_from(UNITS), st.integers(1, 60), st.data())
def test_chunks_cover_the_text_in_order(
    text: str, unit: Unit, size: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, size // 2))
    chunks = cut(text, unit, size, overlap)
    covered: set[int] = set()
    for one in chunks:
        assert one.text == text[one.start : one.end]
        assert one.text.strip(WHITE_SPACE) == one.text != ""
        covered.update(range(one.start, one.end))
    missing = {place for place, c in enumerate(text) if c not in WHITE_SPACE} - covered
    assert not missing
    for before, after in pairwise(chunks):
        assert before.start < after.start
        assert before.end < after.end
        if overlap == 0:
            assert before.end <= after.start
    if unit == "paragraphs":
        assert all(len(one.text) <= size for one in chunks)
        assert all(b.end - a.start <= overlap for b, a in pairwise(chunks))
    assert sum(len(one.text) for one in chunks) <= 4 * len(text)


@given(TEXTS, st.integers(1, 20), st.data())
def test_tokens_overlap_by_their_number(text: str, size: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, size // 2))
    tokens = [(one.start, one.end) for one in cut(text, "tokens", 1)]
    chunks = [(one.start, one.end) for one in cut(text, "tokens", size, overlap)]
    first, expected = 0, []
    while tokens:
        group = tokens[first : first + size]
        expected.append((group[0][0], group[-1][1]))
        first += size - overlap
        if group[-1] == tokens[-1]:
            break
    assert chunks == expected


def test_paragraphs_are_packed_and_long_ones_cut_at_sentences() -> None:
    text = "One. Two (v. state). Three!\n\nFive six.\n \nEight\n\n" + "y" * 45
    assert [one.text for one in cut(text, "paragraphs", 20)] == [
        "One. Two (v. state).",
        "Three!\n\nFive six.",
        "Eight",
        "y" * 20,
        "y" * 20,
        "y" * 5,
    ]
    assert [one.text for one in cut("Aa b. Cc d. Ee f. Gg h.", "paragraphs", 12, 6)] == [
        "Aa b. Cc d.",
        "Cc d. Ee f.",
        "Ee f. Gg h.",
    ]
    assert [one.text for one in cut("one two three four", "paragraphs", 8)] == [
        "one two",
        "three",
        "four",
    ]


def test_tokens_are_words_and_characters_of_scripts_without_spaces() -> None:
    assert [one.text for one in cut("甲は yes, x_1\xa0end " + "z" * 33, "tokens", 1)] == [
        *("甲", "は", "yes,", "x_1", "end", "z" * 32, "z"),
    ]


def test_a_chunk_names_the_page_where_it_begins() -> None:
    text = "first page\nsecond\n\nthird"
    found = cut(text, "tokens", 2, pages=(0, 11, 18, 19))
    assert [(one.page, one.start, one.end) for one in found] == [(1, 0, 10), (2, 11, 24)]
    assert [one.page for one in cut(text, "tokens", 1, pages=(0, 11, 18, 19))] == [1, 1, 2, 4]
    assert cut(text, "tokens", 9)[0].page is None


def test_real_licences_are_cut_without_loss(corpus: Corpus) -> None:
    for text in (data.decode() for data in list(corpus.texts.values())[:20]):
        for unit, size in (("paragraphs", 1200), ("tokens", 200)):
            chunks = cut(text, unit, size, size // 10)  # type: ignore[arg-type]
            assert {p for c in chunks for p in range(c.start, c.end)} >= {
                p for p, c in enumerate(text) if c not in WHITE_SPACE
            }


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (10, 6), (10, -1), (-5, 0)])
def test_sizes_that_cannot_be(size: int, overlap: int) -> None:
    with pytest.raises(InvalidInputError) as error:
        cut("text", "tokens", size, overlap)
    assert error.value.kind == "bad-chunk-size"


@pytest.mark.parametrize(
    "part", [".", ". ", "\n", " \n", "a", "a. B", ".'", "x\n", "a\n\n", "。", ".   ", "… "]
)
def test_hostile_texts_take_linear_work(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work is the lines that run, and the steps of an engine that searches as ``re`` does."""
    texts = [part * (length // len(part)) + "x" for length in (120, 240)]
    ways = [(unit, *how) for unit in UNITS for how in ((40, 20), (3, 1), (10**9, 10**8))]
    found = [[cut(text, *way) for text in texts] for way in ways]
    steps = Steps()
    count_patterns(chunking, steps, monkeypatch)
    for way, chunks in zip(ways, found, strict=True):
        costs = []
        for text, expected in zip(texts, chunks, strict=True):
            begun = steps.count
            with count_lines(chunking, steps):
                assert cut(text, *way) == expected  # so the steps are those of the same search
            costs.append(steps.count - begun)
            assert sum(len(one.text) for one in expected) <= 4 * len(text)
        once, twice = costs
        assert 0 < twice < 2.5 * once, way  # four times, were it quadratic
