"""What somebody is told whose licence id is not known."""

import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.licence import parse_licence


@pytest.mark.parametrize(
    ("wrong", "hint"), [("CC-BY-4", "'CC-BY-4.0'"), ("FOO", "LicenseRef-NAME")]
)
def test_an_unknown_licence_is_met_with_a_way_on(wrong: str, hint: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_licence(wrong)
    assert hint in caught.value.hint
    assert len(caught.value.hint) < 100
