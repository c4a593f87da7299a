from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.text import escape_control, rough


def test_what_does_not_show_is_spelt_out() -> None:
    assert escape_control("a\nb\u202e\udc80é") == "a\\nb\\u202e\\udc80é"
    assert escape_control("letter \x1b[2J.txt") == "letter \\x1b[2J.txt"
    assert escape_control("two\u115fnames\ufe0f") == "two\\u115fnames\\ufe0f"
    assert escape_control("Verträge 漢字 😀") == "Verträge 漢字 😀"


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_comes_is_one_line_that_can_be_printed(text: str) -> None:
    shown = escape_control(text)
    assert shown.isprintable()
    assert escape_control(shown) == shown
    shown.encode("utf-8")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (0.3149, "0.31"),
        (0.00002, "0.00002"),
        (9.96, "10"),
        (114.7, "115"),
        (2e6, "2000000"),
    ],
)
def test_figures_for_people_have_no_exponent(value, shown) -> None:
    assert rough(value) == shown
    assert rough(Decimal(str(value))) == shown
