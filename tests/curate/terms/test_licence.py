"""What somebody is told whose licence id is not known."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.terms.licence import parse_licence


@pytest.mark.parametrize(
    ("wrong", "hint"), [("CC-BY-4", "'CC-BY-4.0'"), ("FOO", "LicenseRef-NAME")]
)
def test_an_unknown_licence_is_met_with_a_way_on(wrong: str, hint: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_licence(wrong)
    assert hint in caught.value.hint
    assert len(caught.value.hint) < 100


@pytest.mark.parametrize(
    "wrong",
    [
        "MIT WITH MIT",
        "Classpath-exception-2.0",
        "MIT AND (Classpath-exception-2.0 OR MIT)",
        "",
        "(",
        "( ) (",
        "( and \u00e9",
        "( ) Classpath-exception-2.0",
        "(" * 65 + "MIT" + ")" * 65,
        "(" * 2500 + "MIT" + ")" * 2500,
        " OR ".join(["MIT"] * 5000),
    ],
)
def test_an_exception_is_no_licence_and_a_licence_no_exception(wrong: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_licence(wrong)
    assert caught.value.kind == "bad-licence"


WORDS = ["MIT", "GPL-2.0+", "Classpath-exception-2.0", "OR", "AND", "WITH", "(", ")", "+", "/", "é"]


@given(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join))
def test_whatever_is_written_is_a_licence_or_none(expression: str) -> None:
    with suppress(InvalidInputError):
        assert parse_licence(parse_licence(expression)) == parse_licence(expression)


@pytest.mark.parametrize(
    ("stated", "canonical"),
    [
        ("GPL-2.0-only WITH Classpath-exception-2.0", None),
        ("LicenseRef-Acme OR mit", "LicenseRef-Acme OR MIT"),
        ("DocumentRef-a:LicenseRef-b", None),
    ],
)
def test_expressions_are_spelt_as_spdx_does(stated: str, canonical: str | None) -> None:
    assert parse_licence(stated) == (canonical or stated)
