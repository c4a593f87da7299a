"""Duplicates: which record of several stays, and what contradicts itself."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.errors import InvalidInputError
from tests.curate.tried import document, judged, row, step

USE = 'use = "drop-duplicates/2"\n'


def test_the_one_with_a_label_stays_then_the_fuller_then_the_first() -> None:
    records = [
        row(0, text="a lease", court=None),
        row(1, text="A  lease", court="BGH"),
        row(2, text="a lease", label="lease"),
        row(3, text="a lease", label="lease", court="BGH"),
        row(4, text="A LEASE", label="lease", court="OLG"),
        row(5, text="another"),
        row(6, text="another"),
    ]
    assert judged(step(USE), records) == [
        ("duplicate-exact", True, 3),
        ("duplicate-normalised", True, 3),
        ("duplicate-exact", True, 3),
        None,
        ("duplicate-normalised", True, 3),
        None,
        ("duplicate-exact", True, 5),
    ]


def test_labels_are_sets_and_those_that_differ_are_reported() -> None:
    records = [
        row(0, text="x", label=["a", "b"]),
        row(1, text="x", label=["b", "a", "a"]),
        row(2, text="X", label="c"),
        row(3, text="x"),
        row(4, text="x", label=["c"], more=1),
        row(5, text="y", label="c"),
        row(6, text="y", label=[]),
    ]
    kept: list[Any] = [
        ("label-conflict", False, 4),
        ("duplicate-exact", True, 0),
        ("duplicate-normalised", True, 4),
        ("duplicate-exact", True, 4),
        ("label-conflict", False, 0),
        None,
        ("duplicate-exact", True, 5),
    ]
    assert judged(step(USE), records) == kept
    gone = judged(step(USE + 'conflicts = "drop"'), records)
    assert [one and one[:2] for one in gone[:5]] == [("label-conflict", True)] * 5
    assert gone[5:] == kept[5:]


def test_by_says_what_is_compared() -> None:
    by = step(USE + 'by = ["question", "answer"]')
    assert by.reads() == ("field:question", "field:answer")
    records = [
        row(0, question="A b", answer="c"),
        row(1, question="A", answer="b c"),
        row(2, question="a B", answer="c", text="other"),
        row(3, question="", answer=None),
        row(4, text="t"),
    ]
    assert judged(by, records) == [
        ("duplicate-normalised", True, 2),
        None,
        None,
        None,
        None,
    ]
    assert by.detail("duplicate-normalised", "record 1") == "same question, answer as record 1"


def test_documents_are_compared_by_their_text_too() -> None:
    documents = [
        document("same", "a.txt", court="BGH"),
        document("Same", "b.txt", court="BGH"),
        document("same", "c.txt", court="OLG"),
    ]
    assert judged(step(USE), documents)[1:] == [
        ("duplicate-normalised", True, 0),
        ("duplicate-exact", True, 0),
    ]
    by = step(USE + 'by = ["text", "court"]')
    assert judged(by, documents) == [None, ("duplicate-normalised", True, 0), None]
    with pytest.raises(InvalidInputError) as caught:
        judged(by, [document(None)])
    assert caught.value.kind == "undecodable-text"
    assert judged(step(USE), []) == []


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "A", "b", " b", "c"]),
        st.sampled_from([None, "x", "y", "z"]),
        st.sampled_from([None, "full"]),
    ),
    max_size=30,
)


@given(ROWS)
def test_nothing_is_lost_and_nothing_said_twice(values: list[tuple[str, Any, Any]]) -> None:
    records = [row(n, text=t, label=label, more=m) for n, (t, label, m) in enumerate(values)]
    said = judged(step(USE), records)
    groups: dict[str, list[int]] = {}
    for at, (text, _, _) in enumerate(values):
        groups.setdefault(text.strip().lower(), []).append(at)
    for members in groups.values():
        labels = {values[at][1] for at in members} - {None}
        stay = [at for at in members if said[at] is None or not said[at][1]]
        assert len(stay) == max(1, len(labels))
        assert {values[at][1] for at in stay} - {None} == labels
        for at in members:
            if len(labels) > 1 and at in stay:
                assert said[at][0] == "label-conflict"
                assert values[said[at][2]][1] not in (None, values[at][1])
            elif said[at] is not None:
                kept = said[at][2]
                assert kept in stay
                assert values[at][1] in (None, values[kept][1])
                assert (said[at][0] == "duplicate-exact") == (values[at][0] == values[kept][0])


def test_the_one_that_stays_depends_on_nothing_but_the_order_of_equals() -> None:
    records = [row(n, text="t", label="x", n="n" * (n % 2)) for n in range(9)]
    assert judged(step(USE), records)[1] is None
    shuffled = random.Random(1).sample(records, 9)
    first = next(at for at, one in enumerate(shuffled) if one.fields["n"])
    assert judged(step(USE), shuffled)[first] is None
