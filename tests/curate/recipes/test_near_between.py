"""Near duplicates between a test set and training data."""

from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.curate.recipes.filters.duplicates.between import find_near
from lyrikstore.curate.recipes.filters.duplicates.shingles import Shingles

WORDS = st.lists(
    st.sampled_from(["ab", "cd", "ef", "gh", "ij", "kl", "mn", "op"]), min_size=0, max_size=40
)
TEXTS = st.lists(WORDS.map(" ".join), max_size=8)


def alike(one: str, other: str) -> bool:
    """Say the same from the definition."""
    shingles = Shingles(5)
    first, second = (set(shingles.of(text, whole=True).tolist()) for text in (one, other))
    return bool(first and second) and 5 * len(first & second) >= 4 * len(first | second)


@given(TEXTS, TEXTS)
def test_nothing_is_near_that_is_not(texts: list[str], others: list[str]) -> None:
    found = find_near(texts, others)
    for text, near in zip(texts, found, strict=True):
        if near:
            assert any(alike(text, other) for other in others)
        else:
            assert text not in others or not text


def test_one_word_more_is_near_and_the_order_of_texts_decides_nothing() -> None:
    clause = " ".join(f"word{number}" for number in range(60))
    unlike = [f"other text number {number} of many more {number}" for number in range(500)]
    for others in ([clause, *unlike], [*unlike, clause]):
        assert find_near([clause + " indeed", "short", "", unlike[3]], others) == [
            True,
            False,
            False,
            True,
        ]
