"""Near duplicates between a test set and training data."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.curate.recipes.filters.duplicates.between import ALIKE, METHOD, find_near
from lyrikstore.curate.recipes.filters.duplicates.shingles import Shingles
from lyrikstore.curate.text import is_blank, normalise

WORDS = st.lists(
    st.sampled_from(["ab", "cd", "ef", "gh", "ij", "kl", "mn", "op"]), min_size=0, max_size=40
)
TEXTS = st.lists(WORDS.map(" ".join), max_size=8)


def alike(one: str, other: str) -> bool:
    """Say the same from the definition."""
    shingles = Shingles(5)
    first, second = (set(shingles.of(text, whole=True).tolist()) for text in (one, other))
    return bool(first and second) and 5 * len(first & second) >= 4 * len(first | second)


def shared(one: str, other: str) -> bool:
    """Say from the definition what ``decontaminate/1`` finds."""
    if is_blank(one) or is_blank(other):
        return False
    shingles = Shingles(13)
    first, second = (set(shingles.of(text).tolist()) for text in (one, other))
    return normalise(one) == normalise(other) or bool(first & second)


@given(TEXTS, TEXTS)
def test_near_is_what_the_definitions_say(texts: list[str], others: list[str]) -> None:
    def expected(*kinds: Callable[[str, str], bool]) -> list[bool]:
        return [any(kind(one, two) for kind in kinds for two in others) for one in texts]

    assert find_near(texts, others) == expected(alike, shared)
    for near, is_alike in zip(find_near(texts, others, ALIKE), expected(alike), strict=True):
        assert is_alike or not near  # a band may miss a pair


def test_a_part_of_a_record_is_near() -> None:
    words = [f"word{number}" for number in range(60)]
    whole, part = " ".join(words), " ".join([*words[:36], *(f"other{n}" for n in range(24))])
    assert find_near([part, "Short, indeed."], [whole, "short  indeed"], METHOD) == [True, True]
    assert find_near([part], [whole], ALIKE) == [False]


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
