"""``map/1``: what fields hold and what they are called, and what becomes of their roles."""

import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.recipes.filters.contract import Change
from tests.curate.tried import decided, document, row, step

USE = 'use = "map/1"\n'


def test_roles_follow_a_field_and_end_with_it() -> None:
    roles = FieldRoles(("q", "a"), label="l", id="i", group="g")
    moved = step(USE + 'rename = { q = "question", l = "label" }\ndrop = ["a", "g"]')
    assert moved.roles(roles) == FieldRoles(("question",), label="label", id="i")
    assert moved.fields_after(frozenset("qalig")) == {"question", "label", "i"}
    taken = step(USE + 'rename = { l2 = "l" }\ndrop = ["l"]\nset = { g = "x" }')
    assert taken.roles(roles) == roles
    assert set(moved.reads()) == {"field:q", "field:l", "field:a", "field:g"}
    assert step(USE + 'trim = "*"').reads() == ("meta:*",)


def test_documents_have_a_text_and_cells_that_are_texts() -> None:
    given = document(" body ", court=" BGH ", x="1")
    toml = 'trim = ["text", "court", "x"]\nset = { n = 7, t = true, x = "" }\n'
    (outcome,) = decided(step(USE + toml + 'combine = { both = "{court}/{text}" }'), given)
    assert isinstance(outcome, Change)
    assert outcome.fields == {
        "": "body",
        "court": "BGH",
        "n": "7",
        "t": "true",
        "both": "BGH/body",
    }
    assert [one.field for one in outcome.changes] == [
        "text",
        "meta:court",
        "meta:both",
        "meta:n",
        "meta:t",
        "meta:x",
    ]
    for toml in ('rename = { text = "body" }', 'drop = ["text"]'):
        with pytest.raises(InvalidInputError) as caught:
            decided(step(USE + toml), given)
        assert caught.value.kind == "not-a-field"


def test_no_field_is_lost_by_a_name_that_is_taken() -> None:
    taken = step(USE + 'rename = { a = "b" }')
    with pytest.raises(InvalidInputError) as caught:
        decided(taken, row(6, a=1, b=2))
    assert caught.value.kind == "field-taken"
    assert "rows.jsonl record 7" in caught.value.message
    (outcome,) = decided(taken, row(a=1, b=""))
    assert isinstance(outcome, Change)
    assert outcome.fields == {"b": 1}
    (outcome,) = decided(step(USE + 'rename = { text = "b" }'), row(b=1))
    assert not isinstance(outcome, Change)


@pytest.mark.parametrize(
    "toml",
    [
        "",
        'combine = { a = "nothing" }',
        'combine = { a = "{b" }',
        'combine = { a = "b}" }',
        'combine = { a = "{}" }',
        'combine = { a = "{b}" }\nset = { a = 1 }',
        'rename = { a = "c", b = "c" }',
        'rename = { a = "c" }\ndrop = ["a"]',
        "set = { a = 9007199254740992 }",
        "set = { a = 1.5 }",
        "set = { a = [] }",
        'rename = { "" = "a" }',
        "values = { a = {} }",
        'values = { a = "b" }',
        'unmapped = "maybe"\ndrop = ["a"]',
    ],
)
def test_what_contradicts_itself_is_refused(toml: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        step(USE + toml)
    assert caught.value.kind == "bad-recipe"
    assert caught.value.hint
