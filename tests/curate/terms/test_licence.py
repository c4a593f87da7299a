"""What somebody is told whose licence id is not known."""

import pytest

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
    ],
)
def test_an_exception_is_no_licence_and_a_licence_no_exception(wrong: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_licence(wrong)
    assert caught.value.kind == "bad-licence"


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("GPL-2.0-only WITH Classpath-exception-2.0", None),
        ("LicenseRef-Acme OR mit", "LicenseRef-Acme OR MIT"),
        ("DocumentRef-a:LicenseRef-b", None),
    ],
)
def test_expressions_are_spelt_as_spdx_does(given: str, canonical: str | None) -> None:
    assert parse_licence(given) == (canonical or given)
